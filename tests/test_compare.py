"""Comparing: the figures are true, the page tells them, and asks nothing of the network."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from diabolo import artifact
from diabolo.cli import main
from diabolo.errors import Mistake
from diabolo.pixels import read_picture
from diabolo.recipe import with_options
from diabolo.recipes import RECIPES, named
from diabolo.sources import Arrays
from diabolo.tasks import demo as demonstration
from diabolo.tasks.compare import compare
from diabolo.tasks.comparison import measures
from diabolo.tasks.comparison.record import Comparison
from diabolo.tasks.report import write_report
from diabolo.tasks.report.page import Page, render
from diabolo.tasks.report.sections import page
from diabolo.tasks.report.summary import summary

DIGITS = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
SIZES = (2, 6)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Every recipe there is, on 150 digits, hardly trained."""
    return compare(Arrays(DIGITS[:150], "Some <digits>"), sizes=SIZES, recipes=tuple(RECIPES), epochs=1)


@pytest.fixture(scope="module")
def text(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its page."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(comparison, path)
    return path.read_text(encoding="utf-8")


def requests(text: str) -> list[str]:
    """Every address that a browser would follow by itself or in a style, but for what stands inside the page."""
    found = re.findall(
        r"""(?:src|href|poster|data|action)\s*=\s*["']([^"']*)|url\(\s*["']?([^"')]*)|@import\s*(\S+)""", text
    )
    addresses = ["".join(groups) for groups in found]
    return [address for address in addresses if not address.startswith(("#", "data:"))]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_compared_or_left_out_for_a_reason(comparison: Comparison, name: str) -> None:
    if named(name).architecture.spatial:
        assert "no length to compare" in comparison.left_out[name]
        return
    if named(name).witnesses:
        assert "what is normal" in comparison.left_out[name]
        return
    if named(name).priors:
        assert "new pictures" in comparison.left_out[name]
        return
    assert name not in comparison.left_out
    for size in SIZES:
        result = comparison.find(name, size)
        assert result is not None
        assert result.codes.shape == (30, size)
        assert np.isfinite(result.errors).all()
        assert 0 <= result.copy_score <= 1
        assert result.parameters > 0


def test_the_page_asks_nothing_of_the_network(text: str) -> None:
    assert requests(text) == []
    assert "<script" not in text
    assert "Some &lt;digits&gt;" in text
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", text)
    assert len(pictures) > 50
    for picture in pictures:
        assert read_picture(base64.b64decode(picture)).values.size > 0


def test_identifiers_on_the_page_are_its_own(text: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', text)
    sections = re.findall(r'<h2 id="([^"]+)"', text)
    assert all(names.count(section) == 1 for section in sections)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(names)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(names)


@pytest.mark.parametrize("size", SIZES)
def test_the_reference_is_scikit_learns(comparison: Comparison, size: int) -> None:
    learned = comparison.images.learned.reshape(-1, 64) / 255
    test = comparison.images.test
    pca = PCA(size, svd_solver="full").fit(learned)
    expected = np.square(pca.inverse_transform(pca.transform(test)) - test).mean()
    assert comparison.reference(size).mse == pytest.approx(expected, rel=1e-10)
    linear = comparison.find("linear", size)
    assert linear is not None
    assert linear.mse == pytest.approx(expected, rel=1e-8)
    assert comparison.excess(linear) == 0


def test_the_images_were_split_without_a_rest(comparison: Comparison) -> None:
    test = np.rint(comparison.images.test * 255).astype(np.uint8).reshape(-1, 8, 8)
    both = np.concatenate([comparison.images.learned, test]).reshape(-1, 64)
    assert len(test) == 30
    assert sorted(map(bytes, both)) == sorted(map(bytes, DIGITS[:150].reshape(-1, 64)))


@pytest.mark.parametrize("name", ["deep", "conv", "linear-gradient"])
def test_figures_are_those_of_the_model(comparison: Comparison, name: str) -> None:
    result = comparison.find(name)
    assert result is not None
    assert result.model is not None
    test = np.rint(comparison.images.test * 255).astype(np.uint8).reshape(-1, 8, 8)
    np.testing.assert_allclose(result.errors, result.model.residual(test), rtol=1e-4)
    np.testing.assert_allclose(result.codes, result.model.encode(test), atol=1e-4)
    assert result.psnr == pytest.approx(-10 * np.log10(result.mse))
    assert result.parameters == sum(t.numel() for t in result.model.network.state_dict().values())


def test_linear_components_lie_along_pcas(comparison: Comparison) -> None:
    assert comparison.cosines["linear"].min() > 0.9999
    assert comparison.cosines["linear-gradient"].min() < 0.99  # one epoch is not enough


def test_what_is_linear_measures_so(comparison: Comparison) -> None:
    for name in ("PCA", "linear"):
        assert comparison.traits[name].whole_failure < 1e-9
        assert comparison.traits[name].nested == pytest.approx(1)
    assert comparison.traits["deep"].encoder_failure > 1e-3


def scaled(comparison: Comparison, name: str, factor: float) -> Comparison:
    """The comparison with a method's errors made `factor` times PCA's."""
    results = tuple(
        dataclasses.replace(r, errors=comparison.reference(r.size).errors * factor) if r.method == name else r
        for r in comparison.results
        if r.method in ("PCA", "linear", name)
    )
    return dataclasses.replace(comparison, results=results)


@pytest.mark.parametrize("name", ["deep", "conv"])
@pytest.mark.parametrize(
    ("factor", "worse", "best"), [(1.1, True, "PCA"), (0.9, False, None), (1 + 1e-9, False, "PCA")]
)
def test_worse_than_pca_is_said_in_bold(
    comparison: Comparison, name: str, factor: float, worse: bool, best: str | None
) -> None:
    changed = scaled(comparison, name, factor)
    bold = [sentence.text for sentence in summary(changed) if sentence.mark == "worse"]
    assert bold == ([f"{name} is worse than PCA at 2 and 6 numbers: +10 % and +10 % error."] if worse else [])
    shown = html.unescape(render(Page("", "", summary(changed), (), "")))
    assert (f'<strong class="worse">{name} is worse than PCA' in shown) == worse
    assert f'<strong class="best">{best or name} has the least error at 2 and 6 numbers' in shown


def test_a_difference_that_may_be_chance_is_said_so(comparison: Comparison) -> None:
    changed = scaled(comparison, "deep", 1.0)
    noise = np.random.default_rng(0).normal(0, 0.01, 30)
    results = tuple(
        dataclasses.replace(r, errors=r.errors + noise - noise.mean() + 1e-4) if r.method == "deep" else r
        for r in changed.results
    )
    told = [s.text for s in summary(dataclasses.replace(changed, results=results)) if s.mark == "worse"]
    assert len(told) == 1
    assert "may be chance at 2 and 6 numbers" in told[0]


def test_an_overcomplete_code_without_pressure_copies_noise() -> None:
    found = compare(DIGITS, sizes=[2], recipes=["linear"])
    assert found.copier is not None
    assert found.copier.copy_score > 0.98
    assert found.reference(2).copy_score < 0.2
    assert "noise too" in " ".join(sentence.text for sentence in summary(found))
    gradient = found.find("linear-gradient")
    assert gradient is not None
    assert gradient.mse < 1.02 * found.reference(2).mse  # it has approached the bar
    assert len(gradient.curve) == gradient.epochs


@pytest.mark.parametrize("shape", [(64,), (6, 6)])
def test_convolutions_need_pictures_and_the_page_says_so(shape: tuple[int, ...]) -> None:
    data = DIGITS[:100].reshape(100, 64)[:, : int(np.prod(shape))].reshape(100, *shape) / 255
    found = compare(data, sizes=[2], recipes=["conv", "linear"], epochs=1)
    assert found.methods == ("PCA", "linear", "linear-gradient")
    assert "conv is left out: convolutions need pictures" in html.unescape(render(page(found)))


def test_colour_pictures_and_a_test_source() -> None:
    colour = np.stack([DIGITS[:80], 255 - DIGITS[:80], DIGITS[80:160]], axis=3)
    found = compare(colour, test=colour[:20], sizes=[2, 3], recipes=["conv"], epochs=1)
    assert len(found.images.learned) == 80
    np.testing.assert_allclose(found.images.test, np.moveaxis(colour[:20], 3, 1).reshape(20, -1) / 255)
    assert found.methods == ("PCA", "conv")
    assert requests(render(page(found))) == []


def test_the_seed_decides_everything() -> None:
    first, second = (compare(DIGITS[:100], sizes=[2], recipes=["deep"], epochs=1, seed=3) for _ in range(2))
    for one, other in zip(first.results, second.results, strict=True):
        np.testing.assert_array_equal(one.errors, other.errors)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        (DIGITS[:100], {"sizes": [64]}, "1 to 63"),
        (DIGITS[:100], {"sizes": [0]}, "1 to 63"),
        (DIGITS[:100], {"recipes": ["dep"]}, "did you mean deep"),
        (DIGITS[:20], {}, "too few images"),
        (np.full((100, 4, 4), np.nan), {}, "NaN"),
        ("no-such-set", {}, "no-such-set"),
    ],
)
def test_mistakes_are_one_line(source: object, options: dict, words: str) -> None:
    with pytest.raises(Mistake, match=words) as error:
        compare(source, **options)
    assert "\n" not in str(error.value)


def test_without_matplotlib_the_remedy_is_named(
    comparison: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Mistake, match=r'pip install "diabolo\[report\]"'):
        write_report(comparison, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_measures() -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(200, 4))
    assert measures.superposition_failure(lambda x: x @ draw.normal(size=(4, 3)) * 0 + x[:, :3] + 5, rows) < 1e-12
    assert measures.superposition_failure(np.square, rows) > 0.5
    assert measures.participation(np.ones(7)) == pytest.approx(7)
    assert measures.participation(np.array([5.0, 0, 0])) == pytest.approx(1)
    assert measures.dimensions(np.array([90.0, 9, 1, 0]), 0.99) == 2
    assert measures.mean_correlation(np.column_stack([rows[:, 0], -3 * rows[:, 0]])) == pytest.approx(1)
    assert measures.mean_correlation(rows[:, :1]) == 0
    assert measures.explained(rows[:, :2] @ [[1.0, 2], [3, 5]], rows) == pytest.approx(1)
    assert measures.explained(rows[:, :1], rows[:, 2:]) < 0.2
    np.testing.assert_allclose(measures.variances(rows), np.linalg.eigvalsh(np.cov(rows.T))[::-1])
    np.testing.assert_allclose(measures.variances(rows[:3])[:2], np.linalg.eigvalsh(np.cov(rows[:3].T))[::-1][:2])
    assert measures.ordered(np.array([[0.0, 0], [4, 1]])) == 1
    assert measures.ordered(np.array([[0.0, 0], [1, 4]])) == 0


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "images.npy", DIGITS[:100])
    arguments = [str(tmp_path / "images.npy"), "-o", str(tmp_path / "r.html"), "--sizes", "2,3", "--epochs", "1"]
    assert main(["compare", *arguments, "--recipes", "linear,deep", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sizes"] == [2, 3]
    assert {row["method"] for row in told["results"]} == {"PCA", "linear", "linear-gradient", "deep", "overcomplete"}
    assert ["deep", 3] in told["worse_than_pca"]
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    "arguments", [["-o", "report.pdf"], ["-o", "no/such/folder/r.html"], ["-o", "r.html", "--epochs", "0"]]
)
def test_command_refuses_before_the_work(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "digits", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_demo_writes_models_and_one_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {"linear": {}, "deep": {"architecture.width": 32}, "conv": {"architecture.width": 4}}
    brief = {name: with_options(named(name), {"epochs": 1, **options}) for name, options in small.items()}
    monkeypatch.setattr("diabolo.tasks.comparison.trials.EPOCHS", (1, 1))
    real = demonstration.pictures_of
    monkeypatch.setattr(demonstration, "RECIPES", brief)
    monkeypatch.setattr(demonstration, "DENOISE", {"architecture.widths": (8,), "epochs": 1})
    monkeypatch.setattr(demonstration, "pictures_of", lambda name: real(name)[::20])
    assert main(["demo", "-o", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert told.count("diabolo reconstruct") == 1
    made = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert made == ["conv.diabolo", "deep.diabolo", "denoise.diabolo", "linear.diabolo", "noisy.png", "report.html"]
    assert artifact.load(tmp_path / "out" / "deep.diabolo").reconstruct(DIGITS[:3]).shape == (3, 8, 8)
    text = (tmp_path / "out" / "report.html").read_text()
    assert requests(text) == []
    assert '<strong class="worse">denoise lifts' in text  # one epoch of a tiny network is no match for a median
