"""Training data that is not all normal: the whisker that finds what does not fit, and what is left out in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diabolo.architectures import Conv, Flat
from diabolo.errors import Mistake
from diabolo.events import Note
from diabolo.latents import Plain
from diabolo.objectives import Gaussian
from diabolo.pixels import Picture, write_picture
from diabolo.recipe import Recipe, Training, with_options
from diabolo.sources import Chosen, open_source
from diabolo.training import fit
from diabolo.training.trim import lower_whisker, medcouple, share_of
from diabolo.witnesses import Density, Residual


def by_its_definition(values: np.ndarray) -> float:
    """The medcouple pair by pair (Brys, Hubert and Struyf 2004, equations 2 and 3)."""
    middle = np.median(values)
    upper, lower = (np.sort(values[keep]) for keep in (values >= middle, values <= middle))
    ties = int((values == middle).sum())
    kernel = []
    for i, high in enumerate(upper):
        for j, low in enumerate(lower):
            if high > low:
                kernel.append(((high - middle) - (middle - low)) / (high - low))
            else:  # both are the median: the i-th of those above, the k-th of those below
                kernel.append(float(np.sign(i + (j - len(lower) + ties) + 1 - ties)))
    return float(np.median(kernel))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 7, 9, 10], -1 / 3),  # statsmodels and robustbase say so
        ([1, 2, 2, 3, 4], 1 / 6),  # ties at the median; statsmodels
        ([0, 1, 2, 3, 4], 0.0),
        ([5, 5, 5, 5], 0.0),
        ([5, 5, 5], 0.0),
        ([3], 0.0),
    ],
)
def test_medcouple_as_published(values: list[float], expected: float) -> None:
    assert medcouple(np.array(values, float)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("draw", ["normal", "exponential", "lognormal"])
@pytest.mark.parametrize("count", [2, 7, 20, 61])
def test_medcouple_is_its_definition(draw: str, count: int) -> None:
    values = getattr(np.random.default_rng(count), draw)(size=count)
    for some in (values, -values, np.round(values, 1), 3 * values + 7):
        assert medcouple(some) == pytest.approx(by_its_definition(some), abs=1e-9)
    assert medcouple(-values) == pytest.approx(-medcouple(values), abs=1e-12)
    assert -1 <= medcouple(values) <= 1


def test_the_whisker_of_an_even_sample_is_tukeys() -> None:
    values = np.arange(101.0)
    assert lower_whisker(values) == pytest.approx(25 - 1.5 * 50)
    assert lower_whisker(values[::-1] * 2 + 3) == pytest.approx(2 * (25 - 1.5 * 50) + 3)


def test_the_whisker_of_skew_samples() -> None:
    values = np.random.default_rng(0).lognormal(size=400)
    low, high = np.quantile(values, (0.25, 0.75))
    skew = by_its_definition(values)
    assert skew > 0.2
    assert lower_whisker(values) == pytest.approx(low - 1.5 * np.exp(-4 * skew) * (high - low))
    assert lower_whisker(-values) == pytest.approx(-high - 1.5 * np.exp(3 * skew) * (high - low))


@pytest.mark.parametrize(("draw", "most"), [("normal", 0.006), ("exponential", 0.02), ("lognormal", 0.02)])
def test_few_of_a_sample_without_outliers_are_beyond_its_whisker(draw: str, most: float) -> None:
    values = getattr(np.random.default_rng(1), draw)(size=20_000)  # more than the skewness is measured on
    assert (values < lower_whisker(values)).mean() < most
    assert (-values < lower_whisker(-values)).mean() < most


def test_the_whisker_of_equal_values_leaves_none_out() -> None:
    assert lower_whisker(np.full(30, 2.0)) == 2.0


@pytest.mark.parametrize(("text", "share"), [("auto", None), ("0", 0.0), ("0.05", 0.05), ("0.5", 0.5), ("1e-3", 1e-3)])
def test_shares(text: str, share: float | None) -> None:
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["0.51", "-0.1", "nan", "inf", "many", "", "1", "10%"])
def test_no_shares(text: str) -> None:
    with pytest.raises(Mistake, match=r"no such contamination: got .*; allowed: none, auto, or a share from 0 to 0\.5"):
        share_of(text)


# ------------------------------------------------------------------ from a source to a model

TABLE = Recipe(
    Flat(1, 8),
    Plain(2),
    Gaussian(),
    witnesses=(Density(of="image"), Residual()),
    training=Training(steps=20, batch_size=16, validation=0.1, calibration=0.2),
)
PLANTED = (3, 17, 40)


def rows(count: int = 60) -> np.ndarray:
    """Numbers that go together, but for three rows, of which each is wrong in its own way."""
    draw = np.random.default_rng(5)
    values = np.repeat(draw.normal(size=(count, 2)), 3, 1) + 0.1 * draw.normal(size=(count, 6))
    values[PLANTED[0]] = [9, -9, 9, -9, 9, -9]
    values[PLANTED[1], 2] += 12
    values[PLANTED[2]] = -15
    return values


def trained(contamination: str, source: Any = None, recipe: Recipe = TABLE, **options: Any) -> Any:
    heard: list[Note] = []
    recipe = with_options(recipe, {"contamination": contamination} | options)
    model = fit(
        open_source(rows() if source is None else source),
        recipe,
        listen=lambda event: heard.append(event) if isinstance(event, Note) else None,
    )
    return model, [note.text for note in heard]


def test_planted_rows_are_found_and_left_out() -> None:
    model, heard = trained("auto")
    assert {f"{place:02d}" for place in PLANTED} <= set(model.provenance["left_out"])
    assert len(model.provenance["left_out"]) <= 6
    told = f"{len(model.provenance['left_out'])} of 60 images do not fit the others and are left out"
    assert told in heard
    learned = sum(model.provenance[name] for name in ("images", "held_out", "kept"))
    assert learned == 60 - len(model.provenance["left_out"])


@pytest.mark.parametrize(("share", "count"), [("0", 0), ("0.05", 3), ("0.1", 6), ("0.5", 30)])
def test_a_share_leaves_out_exactly_that_many(share: str, count: int) -> None:
    model, _ = trained(share)
    assert len(model.provenance.get("left_out", [])) == count
    if share == "0.05":
        assert model.provenance["left_out"] == [f"{place:02d}" for place in PLANTED]


def test_none_leaves_out_nothing() -> None:
    model, _ = trained("none")
    assert "left_out" not in model.provenance
    assert sum(model.provenance[name] for name in ("images", "held_out", "kept")) == 60


def test_leaving_out_repeats_to_the_bit() -> None:
    (one, _), (other, _) = trained("auto"), trained("auto")
    assert one.provenance["left_out"] == other.provenance["left_out"]
    assert one.normal.scores.equal(other.normal.scores)
    assert one.recipe.training.contamination == "auto"  # the model tells how it was made


@pytest.mark.parametrize(
    ("change", "source", "message"),
    [
        ({"witnesses": "none"}, rows(), "only a recipe with witnesses knows what does not fit"),
        ({}, rows()[:19], "too few images to tell which do not fit: got 19 images; allowed: 20 or more"),
        ({"contamination": "0.6"}, rows(), "no such contamination"),
    ],
)
def test_what_cannot_be_trimmed(change: dict[str, Any], source: Any, message: str) -> None:
    with pytest.raises(Mistake, match=message) as caught:
        trained(**({"contamination": "auto", "source": source} | change))
    assert "\n" not in str(caught.value)


def test_a_folder_with_broken_pictures(tmp_path: Path) -> None:
    """One whose header and one whose end is broken: both are told by name, and neither is called abnormal."""
    draw = np.random.default_rng(0)
    for i in range(24):
        write_picture(tmp_path / f"{i}.png", Picture(draw.integers(90, 110, (8, 8)).astype(np.uint8)))
    write_picture(tmp_path / "5.png", Picture(draw.integers(0, 256, (8, 8)).astype(np.uint8)))
    whole = (tmp_path / "7.png").read_bytes()
    (tmp_path / "7.png").write_bytes(whole[: len(whole) - 30])
    (tmp_path / "9.png").write_bytes(b"no picture")
    recipe = Recipe(Conv(width=4, levels=1), Plain(2), Gaussian(), witnesses=(Residual(),), training=TABLE.training)
    model, heard = trained("0.05", tmp_path, recipe)
    assert "5.png" in model.provenance["left_out"]
    assert not {"7.png", "9.png"} & set(model.provenance["left_out"])
    for name in ("7.png", "9.png"):
        assert any(text.startswith(f"left out {name}") for text in heard)


def test_chosen_images_of_a_source(tmp_path: Path) -> None:
    source = open_source(rows())
    some = Chosen(source, [4, 2, 59])
    assert len(some) == 3
    assert [some.name(i) for i in range(3)] == ["04", "02", "59"]
    np.testing.assert_array_equal(some.array, rows()[[4, 2, 59]])
    np.testing.assert_array_equal(some.read(2), rows()[59])
    assert some.description == f"3 of {source.description}"
