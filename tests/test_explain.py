"""Explaining: repairs are the true ones, gains sum up, tests tell true explanations from false, the page is whole."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from diabolo import artifact, judgement
from diabolo.cli import main
from diabolo.errors import Mistake
from diabolo.estimator import Autoencoder
from diabolo.model import Model
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.sources import Arrays
from diabolo.tasks.explain import Explainer, others
from diabolo.tasks.explain.explainer import Given
from diabolo.tasks.explain.faithfulness import agreement, completeness_error, deletion, localisation, randomised
from diabolo.tasks.explain.guesses import Typical, typed
from diabolo.tasks.explain.latents import STEPS, latents
from diabolo.tasks.explain.needs import needs
from diabolo.tasks.explain.page import page, write_report
from diabolo.tasks.explain.reasons import Explanation
from diabolo.tasks.explain.study import Study, study
from diabolo.tasks.report.page import render

COLUMNS = ["age", "height", "income", "dose", "rate", "alone"]
LINE = np.array([0.9, 0.31, 0.31])  # the residual of a fault in the first value is greater in the others
DIGITS = np.rint(load_digits().images[load_digits().target < 3] * (255 / 16)).astype(np.uint8)


def trained(recipe: str, data: Any, **options: Any) -> Model:
    """A model of a recipe that looks at residuals, unless the options say otherwise."""
    known = {"witnesses": "residual", "training__calibration": 0.2} | options
    model: Model = Autoencoder.from_recipe(recipe, **known).fit(data).model_
    return model


def table(rows: int, seed: int) -> np.ndarray:
    """Five columns that hang together by two numbers, and one that stands alone; each in units of its own."""
    draw = np.random.default_rng(seed)
    mixed = draw.normal(size=(rows, 2)) @ np.random.default_rng(7).normal(size=(2, 5))
    linked = mixed + 0.1 * draw.normal(size=mixed.shape)
    return np.column_stack((linked, draw.normal(size=rows))) * [10, 5, 2000, 1, 0.1, 3] + [50, 170, 9000, 3, 1, 0]


def broken(rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each row with one of the five linked values taken from another row; and which."""
    draw = np.random.default_rng(seed)
    where = draw.integers(5, size=len(rows))
    changed = rows.copy()
    changed[np.arange(len(rows)), where] = np.roll(rows, 1, 0)[np.arange(len(rows)), where]
    return changed, where


@pytest.fixture(scope="module")
def model() -> Model:
    """A small network that knows the table."""
    size = {"architecture__width": 64, "latent__size": 3, "epochs": 60}
    known = {"witnesses": "residual,density", "preprocessing__scaling": "columns"}
    return trained("deep", Arrays(table(800, 0), columns=COLUMNS), **size, **known)


@pytest.fixture(scope="module")
def found(model: Model) -> list[Explanation]:
    """Explanations of sixty broken rows."""
    return Explainer(model).explain(broken(table(60, 1), 2)[0])


@pytest.fixture(scope="module")
def linear() -> Model:
    """PCA of points near a line, learned by gradient."""
    draw = np.random.default_rng(0)
    points = draw.uniform(-1, 1, (600, 1)) * LINE + 0.002 * draw.normal(size=(600, 3))
    return trained("linear-gradient", points, latent__size=1, epochs=100, training__learning_rate=0.03)


@pytest.fixture(scope="module")
def seeing() -> Model:
    """A small network that knows three kinds of digits."""
    return trained("conv", DIGITS, epochs=12, architecture__width=16, latent__size=8)


def blotted(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Digits with a bright blot of 2 x 2 pixels in a dark corner, and masks of it."""
    mask = np.zeros((count, 8, 8), bool)
    mask[:, 5:7, 0:2] = True
    return np.where(mask, 255, DIGITS[:count]).astype(np.uint8), mask


@pytest.fixture(scope="module")
def pictures(seeing: Model) -> list[Explanation]:
    return Explainer(seeing).explain(blotted(12)[0])


def numbers(one: Study | Explanation) -> Any:
    return json.loads(json.dumps(one.to_dict(), allow_nan=False))


# --- tables ---


def test_the_repair_of_a_linear_model_is_the_known_one(linear: Model) -> None:
    told = np.linspace(-0.8, 0.8, 9)
    rows = told[:, None] * LINE
    rows[:, 0] += np.where(told > 0, -0.7, 0.7)
    explained = Explainer(linear).explain(rows)
    assert np.abs(rows - linear.reconstruct(rows)).argmax(1).tolist() != [0] * 9  # the residual is misled
    for one, true in zip(explained, told * LINE[0], strict=True):
        assert one.abnormal
        assert one.is_repaired
        assert [reason.where for reason in one.reasons] == [(0,)]
        assert one.reasons[0].expected == pytest.approx(true, abs=0.03)
        assert one.repaired[0] == pytest.approx(true, abs=0.03)
        assert one.repaired[1:].tolist() == one.image[1:].tolist()


def test_injected_faults_are_found(found: list[Explanation]) -> None:
    where = broken(table(60, 1), 2)[1]
    abnormal = [(one, j) for one, j in zip(found, where, strict=True) if one.abnormal]
    assert len(abnormal) > 20
    assert np.mean([one.order[0] == j for one, j in abnormal]) > 0.85
    assert np.mean([one.is_repaired for one, _ in abnormal]) > 0.9
    assert np.mean([len(one.reasons) for one, _ in abnormal]) < 1.3


def test_what_is_expected_is_what_stood_there(found: list[Explanation]) -> None:
    truth, where = table(60, 1), broken(table(60, 1), 2)[1]
    off = []
    for one, row, j in zip(found, truth, where, strict=True):
        off += [(r.expected - row[j]) / r.spread for r in one.reasons if r.where == (j,)]
    assert len(off) > 20
    assert 0.5 < np.mean(np.abs(off) < 1) < 0.97  # the spread is one standard deviation of the guess
    assert np.mean(np.abs(off) < 2) > 0.85


def test_gains_sum_up_to_the_rise_of_the_score(model: Model, found: list[Explanation]) -> None:
    assert max(completeness_error(one) for one in found if one.reasons) < 1e-9
    for one in found:
        assert judgement.scores(model, one.image[None])[0] == pytest.approx(one.score, rel=1e-4, abs=1e-4)
        assert judgement.scores(model, one.repaired[None])[0] == pytest.approx(one.repaired_score, rel=1e-3, abs=1e-3)
        changed = np.flatnonzero(one.image != one.repaired).tolist()
        assert sorted(reason.where[0] for reason in one.reasons) == changed
        assert sorted(one.order.tolist()) == list(range(6))


def test_normal_rows_are_left_alone(model: Model) -> None:
    for one in Explainer(model).explain(table(30, 3)):
        assert one.abnormal or (not one.reasons and (one.repaired == one.image).all())
        assert one.reasons or one.repaired_score == one.score


def test_two_faults_take_two_changes(model: Model) -> None:
    rows = table(20, 4)
    rows[:, 0] += 60
    rows[:, 3] += 8
    explained = Explainer(model, features=3).explain(rows)
    assert np.mean([{0, 3} <= {r.where[0] for r in one.reasons} for one in explained]) > 0.8
    assert max(len(one.reasons) for one in Explainer(model, features=1).explain(rows)) == 1


def test_the_order_recovers_the_score_sooner_than_others(model: Model, found: list[Explanation]) -> None:
    abnormal = [one for one in found if one.abnormal and one.reasons]
    wrong = {"the last first": np.stack([-one.strength for one in abnormal])}
    curves = deletion(model, abnormal, wrong)
    areas = {name: curve[1:].mean() for name, curve in curves.items()}
    assert areas["explanation"] > areas["residual"] > areas["random"] > areas["the last first"]
    assert all(curve[0] == 0 and (curve <= 1).all() for curve in curves.values())


def test_explanations_depend_on_the_weights(model: Model, found: list[Explanation]) -> None:
    abnormal = [one for one in found if one.abnormal and one.reasons]
    again = Explainer(model).again(abnormal, model)
    assert agreement(list(zip(abnormal, again, strict=True))) == pytest.approx(1)
    other = randomised(model)
    assert not np.array_equal(other.reconstruct(table(5, 1)), model.reconstruct(table(5, 1)))
    assert abs(agreement(list(zip(abnormal, Explainer(model).again(abnormal, other), strict=True)))) < 0.4


def test_typical_rows_are_of_the_data_and_in_the_file(model: Model, tmp_path: Path) -> None:
    artifact.save(model, tmp_path / "m.diabolo")
    rows = Typical(artifact.load(tmp_path / "m.diabolo"), np.dtype(np.float64)).rows
    assert rows.shape == (256, 6)
    near = np.abs(rows[:, None] - table(800, 0)).max(2).min(1)
    assert near.max() < 1e-2
    assert model.normal is not None
    lost = dataclasses.replace(model, normal=type(model.normal)(model.normal.parts))
    with pytest.raises(Mistake, match="keeps no normal rows"):
        Typical(lost, np.dtype(np.float64))


def test_a_guess_does_not_look_at_the_value_nor_at_the_row_itself(model: Model) -> None:
    typical = Typical(model, np.dtype(np.float64))
    rows, columns = table(20, 10), np.arange(20) % 6
    other = rows.copy()
    other[np.arange(20), columns] += 1000
    np.testing.assert_array_equal(typical.guess(rows, columns), typical.guess(other, columns))
    own, alone = typical.rows[:200], np.full(200, 5)
    with_itself = np.abs(typical.guess(own, alone) - own[:, 5]).mean()
    assert np.abs(typical.guess(own, alone, np.arange(200)) - own[:, 5]).mean() > 1.1 * with_itself


def test_numbers_of_whole_types_are_rounded_and_kept_within() -> None:
    assert typed(np.array([1.6, -3, 300.0]), np.dtype(np.uint8)).tolist() == [2, 0, 255]
    assert typed(np.array([1.6]), np.dtype(np.float32)).tolist() == [np.float32(1.6)]


def test_missing_values_are_told_and_replaced() -> None:
    rows = table(500, 5)
    rows[::7, 2] = np.nan
    size = {"architecture__width": 32, "latent__size": 3, "epochs": 30}
    model = trained("deep", Arrays(rows), preprocessing__impute=True, **size)
    odd = table(6, 6)
    odd[:, 0] += 80
    odd[0, 2] = np.nan
    explained = Explainer(model).explain(odd)
    assert all(one.reasons[0].where == (0,) for one in explained)
    assert np.isfinite(explained[0].repaired).all()
    missing = [r for r in (*explained[0].reasons, *explained[0].others) if r.where == (2,)]
    assert "missing" in missing[0].text()
    assert numbers(explained[0])["others"][explained[0].others.index(missing[0])]["seen"] is None


def test_whole_numbers_stay_whole() -> None:
    flat = DIGITS.reshape(-1, 64)
    model = trained("deep", flat, epochs=10, architecture__width=32)
    one = Explainer(model, features=4).explain(blotted(3)[0].reshape(-1, 64))[0]
    assert one.repaired.dtype == np.uint8
    assert 1 <= len(one.reasons) <= 4


def test_as_plain_data(found: list[Explanation]) -> None:
    one = next(one for one in found if one.reasons)
    told = numbers(one)
    assert told["reasons"][0]["place"] in [f"column {j}" for j in range(1, 7)] + COLUMNS
    assert told["score"] == pytest.approx(one.score, rel=1e-5)
    assert len(told["repaired"]) == 6
    assert one.reasons[0].place in one.text()


def test_names_of_columns_come_from_the_call_the_source_or_the_model(model: Model) -> None:
    rows = broken(table(3, 1), 2)[0]
    own = [c.upper() for c in COLUMNS]
    assert Explainer(model).explain(rows)[0].others[0].place in COLUMNS
    assert Explainer(model).explain(rows, columns=own)[0].others[0].place in own
    assert Explainer(model).explain(Arrays(rows, columns=own))[0].others[0].place in own
    assert [one.name for one in Explainer(model).explain(rows, names=["a", "b", "c"])] == ["a", "b", "c"]


# --- pictures ---


def test_a_blot_is_found_and_taken_away(seeing: Model, pictures: list[Explanation]) -> None:
    blots, masks = blotted(12)
    assert np.mean([one.abnormal for one in pictures]) > 0.8
    assert np.mean([one.is_repaired for one in pictures]) > 0.8
    points, shares = localisation([one.strength for one in pictures], masks)
    assert points > 0.9
    assert shares > 0.6
    for one, blot, mask in zip(pictures, blots, masks, strict=True):
        assert one.repaired.shape == (8, 8)
        assert one.repaired.dtype == np.uint8
        assert judgement.scores(seeing, one.repaired[None])[0] == pytest.approx(one.repaired_score, abs=1e-3)
        if one.reasons:
            assert completeness_error(one) < 1e-9
            assert one.repaired[mask].mean() < blot[mask].mean() - 80
            top, left, bottom, right = one.reasons[0].where
            assert one.reasons[0].seen == pytest.approx(blot[top:bottom, left:right].mean(), abs=80)


def test_pictures_of_several_sizes_and_colours() -> None:
    draw = np.random.default_rng(0)
    smooth = np.repeat(np.repeat(draw.integers(60, 200, (40, 3, 3, 3)), 8, 1), 8, 2).astype(np.uint8)
    model = trained("denoise", smooth, architecture__widths=(8,), epochs=3, crop=16)
    wrong = smooth[0].copy()
    wrong[4:8, 4:8] = draw.integers(0, 255, (4, 4, 3))
    whole = Explainer(model, alpha=0.2)
    one = whole.explain(wrong[None])[0]
    assert one.repaired.shape == wrong.shape
    assert one.strength.shape == (24, 24)
    small = study(whole, smooth[:4])
    assert small.latents is not None
    assert small.latents.traversals is None
    assert "cannot decode" in small.latents.refusal


# --- the model itself ---


def test_what_stands_alone_is_not_needed(model: Model) -> None:
    seen = needs(model, table(200, 8))
    assert seen.grid == (1, 6)
    assert seen.needed[5] < 0.5 * seen.needed[:5].min()
    assert seen.told[5] < 0.2 < seen.told[:5].min()


def test_a_linear_latent_moves_along_its_component(linear: Model) -> None:
    draw = np.random.default_rng(1)
    points = draw.uniform(-1, 1, (200, 1)) * LINE
    seen = latents(linear, points)
    assert seen.traversals is not None
    along = seen.traversals[0].astype(float)
    spread = (points @ LINE / (LINE @ LINE)).std()
    expected = points.mean(0) + np.outer(STEPS, LINE) * spread
    np.testing.assert_allclose(along if along[0, 0] < along[-1, 0] else along[::-1], expected, atol=0.02)
    ends = {int(seen.lowest[0, 0]), int(seen.highest[0, 0])}
    assert ends == {int(points[:, 0].argmin()), int(points[:, 0].argmax())}
    assert seen.enough == 1


def test_known_places() -> None:
    heat, mask = np.zeros((4, 4)), np.zeros((4, 4))
    mask[1, 1] = mask[2, 2] = 1
    heat[1, 1], heat[0, 0] = 2, 1
    assert localisation([heat], [mask]) == (1.0, 0.5)
    assert localisation([heat, -heat], [mask, mask]) == (0.5, 0.25)
    assert np.isnan(localisation([heat], [mask * 0])[0])


# --- other methods ---


def test_other_methods(model: Model) -> None:
    pytest.importorskip("captum")
    rows = broken(table(4, 1), 2)[0]
    base = np.broadcast_to(np.median(table(800, 0), 0), rows.shape).copy()
    told = others.attributions(model, rows, base)
    assert set(told) == set(others.METHODS)
    assert all(values.shape == (4, 6) for values in told.values())
    rise = judgement.scores(model, base) - judgement.scores(model, rows)
    np.testing.assert_allclose(told["integrated gradients"].sum(1), rise, rtol=0.1, atol=0.1)
    np.testing.assert_allclose(told["KernelSHAP"].sum(1), rise, rtol=0.02, atol=0.02)
    alone = rows.copy()
    alone[:, 2] = base[:, 2]
    hidden = judgement.scores(model, alone) - judgement.scores(model, rows)
    np.testing.assert_allclose(told["occlusion"][:, 2], hidden, rtol=1e-3, atol=1e-3)


def test_without_captum_the_remedy_is_named(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(Mistake, match=r'pip install "diabolo\[explain\]"'):
        study(Explainer(model), table(3, 1), compare=True)


# --- the page and the command ---


def asked(text: str) -> list[str]:
    """Addresses that a browser would follow, but for what stands inside the page."""
    pairs = re.findall(r"""(?:src|href|poster|data|action)\s*=\s*["']([^"']*)|url\(\s*["']?([^"')]*)""", text)
    return [address for address in map("".join, pairs) if not address.startswith(("#", "data:"))]


def test_page_of_pictures(seeing: Model, tmp_path: Path) -> None:
    whole = study(Explainer(seeing), blotted(5)[0], normal=DIGITS[100:160])
    write_report(whole, seeing, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert asked(text) == []
    assert "<script" not in text
    uris = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    shown = sum(one.abnormal for one in whole.explanations)
    assert shown >= 3
    assert len(uris) == 4 * shown + 2 + 8 * (len(STEPS) + 6)  # explained, needs, traversals and extremes
    assert all(read_picture(base64.b64decode(one)).values.size for one in uris)
    told = numbers(whole)
    assert len(told["explanations"]) == 5
    assert told["needs"]["grid"] == [8, 8]
    assert told["faithfulness"]["completeness_error"] == pytest.approx(0, abs=1e-6)
    assert told["faithfulness"]["area"]["explanation"] > told["faithfulness"]["area"]["random"]


def test_page_of_a_table_escapes_names(model: Model) -> None:
    names = ["<b>", *COLUMNS[1:]]
    rows = table(6, 9)
    rows[:, 0] += 70
    whole = study(Explainer(model), Arrays(rows, columns=names))
    text = render(page(whole, model))
    assert asked(text) == []
    assert "<b>" not in text
    assert "&lt;b&gt;" in text
    assert text.count("<table") >= 6
    assert whole.needs is not None
    assert numbers(whole)["needs"]["columns"] == names
    assert numbers(whole)["faithfulness"]["rank_correlation_with_random_weights"] is not None


@pytest.fixture
def places(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    artifact.save(model, "m.diabolo")
    np.savetxt("new.csv", broken(table(8, 1), 2)[0], delimiter=",", header=",".join(COLUMNS), comments="")
    return tmp_path


def test_command(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "new.csv", "-m", "m.diabolo"]) == 0
    text = capsys.readouterr().out
    assert "row 8: " in text
    assert "expected" in text
    assert sorted(path.name for path in places.iterdir()) == ["m.diabolo", "new.csv"]
    assert main(["explain", "new.csv", "-m", "m.diabolo", "--json", "-o", "r.html", "--features", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == "r.html"
    assert len(told["explanations"]) == 8
    assert max(len(one["reasons"]) for one in told["explanations"]) <= 2
    assert (places / "r.html").read_text().startswith("<!doctype html>")


def test_command_on_pictures(seeing: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifact.save(seeing, tmp_path / "m.diabolo")
    (tmp_path / "NEW").mkdir()
    for i, blot in enumerate(blotted(2)[0]):
        write_picture(tmp_path / "NEW" / f"{i}.png", Picture(blot))
    for place in ("NEW", "NEW/0.png"):
        assert main(["explain", str(tmp_path / place), "-m", str(tmp_path / "m.diabolo")]) == 0
        assert "0.png: abnormal" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--features", "0"], "--features 0; allowed: 1 to 6"),
        (["--features", "7"], "1 to 6"),
        (["--alpha", "0"], "--alpha 0.05"),
        (["--alpha", "0.001"], "too few normal"),
        (["-o", "r.pdf"], "-o r.html"),
        (["-o", "no/r.html"], "mkdir"),
        (["--compare"], "-o report.html"),
        (["--normal", "new.csv"], "-o report.html"),
    ],
)
def test_command_refuses(arguments: list[str], words: str, places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "new.csv", "-m", "m.diabolo", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert sorted(path.name for path in places.iterdir()) == ["m.diabolo", "new.csv"]


def test_command_refuses_an_empty_folder(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (places / "EMPTY").mkdir()
    assert main(["explain", "EMPTY", "-m", "m.diabolo"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((2, 5)), r"\(n, 6\)"),
        (np.zeros((2, 8, 8)), r"\(n, 6\)"),
        (np.full((2, 6), np.nan), "NaN"),
        (np.zeros((0, 6)), "nothing to explain|no images"),
    ],
)
def test_mistakes_are_one_line(data: np.ndarray, words: str, model: Model) -> None:
    with pytest.raises(Mistake, match=words) as error:
        Explainer(model).explain(data)
    assert "\n" not in str(error.value)


def test_a_model_without_witnesses_is_refused_with_the_remedy() -> None:
    plain = trained("linear", table(60, 0), latent__size=2, witnesses="none", training__calibration=0)
    with pytest.raises(Mistake, match="diabolo fit detect"):
        Explainer(plain).explain(table(2, 1))


@pytest.mark.parametrize("features", [0, 7, True, 1.5, "3"])
def test_features_that_cannot_be_are_refused(features: Any, model: Model) -> None:
    with pytest.raises(Mistake, match="1 to 6"):
        Explainer(model, features=features).explain(table(2, 1))


def test_the_constructor_stores_and_names_must_fit(model: Model) -> None:
    assert Explainer("nowhere", alpha=2, features=-1).get_params()["alpha"] == 2
    with pytest.raises(Mistake, match="as many names"):
        Explainer(model).explain(table(2, 1), names=["one"])
    with pytest.raises(Mistake, match="names of columns"):
        Explainer(model).explain(table(2, 1), columns=["one"])
    given = Given(table(2, 1), ["a", "b"], COLUMNS)
    assert [one.name for one in Explainer(model).explain_given(given)] == ["a", "b"]
