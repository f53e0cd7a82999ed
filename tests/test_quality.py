"""The quality report: copies are found, two halves of one set are at the floor, what is spoilt fails."""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from diabolo import measure_quality
from diabolo.cli import main
from diabolo.errors import Mistake
from diabolo.events import ignore
from diabolo.fidelity import Interval
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.sources import LABEL_KEYS
from diabolo.tasks.quality import Quality
from diabolo.tasks.quality.likeness import spoilt
from diabolo.tasks.quality.measure import _conversion
from diabolo.tasks.quality.memory import memory
from diabolo.tasks.quality.page import page, write_report
from diabolo.tasks.quality.record import Figure
from diabolo.tasks.quality.verdicts import verdicts
from diabolo.tasks.report.page import render

ORDER = np.random.default_rng(0).permutation(1797)
DIGITS = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)[ORDER]
LABELS = load_digits().target[ORDER]
REAL, HELD, FRESH = slice(0, 400), slice(400, 700), slice(700, 1100)
BAD = spoilt(DIGITS[FRESH], np.random.default_rng(1))


SHORT = {"usefulness.STEPS": 40, "measure.STEPS": 40, "likeness.TELLING_STEPS": 60, "likeness.STEPS": 40}


def shorten(patch: pytest.MonkeyPatch) -> None:
    """Trainings of few small steps, which digits of 8 x 8 need no more of."""
    patch.setattr("diabolo.training.classifier.BATCH", 32)
    for name, steps in SHORT.items():
        patch.setattr(f"diabolo.tasks.quality.{name}", steps)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


def measured(synthetic: np.ndarray, labels: Any = None, **options: Any) -> Quality:
    given = {"held_out": DIGITS[HELD], "labels": LABELS[REAL], "held_out_labels": LABELS[HELD], "seeds": 2} | options
    return measure_quality(DIGITS[REAL], synthetic, synthetic_labels=labels, **given)


def figures(quality: Quality) -> dict[str, tuple[float, float, float]]:
    return {one.name: (one.floor.value, one.value.value, one.ceiling.value) for one in quality.figures}


@pytest.fixture(scope="module")
def found() -> dict[str, Quality]:
    """Other real digits, copies of the training digits, and spoilt digits, each taken for synthetic."""
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        return {
            "fresh": measured(DIGITS[FRESH], LABELS[FRESH]),
            "copied": measured(DIGITS[REAL], LABELS[REAL]),
            "spoilt": measured(BAD, LABELS[FRESH]),
        }


def test_other_real_ones_are_at_the_floor(found: dict[str, Quality]) -> None:
    for name, (floor, value, ceiling) in figures(found["fresh"]).items():
        assert abs(value - floor) < max(0.1, 0.2 * abs(value - ceiling)), name
    told = found["fresh"].telling.figures[0]
    assert told.value.low <= 0.55
    memory = found["fresh"].memory
    assert memory.copying.share.value < 0.04
    assert memory.membership is not None
    assert memory.membership.low < 0.5 < memory.membership.high
    assert not memory.copies.any()


def test_spoilt_ones_are_at_the_ceiling(found: dict[str, Quality]) -> None:
    for name, (floor, value, ceiling) in figures(found["spoilt"]).items():
        assert abs(value - ceiling) < 0.35 * abs(value - floor), name
    taught = found["spoilt"].usefulness
    assert taught is not None
    assert taught.accuracies["synthetic"].max() < taught.accuracies["real"].min() - 0.05
    assert not taught.helps
    assert "does not help" in verdicts(found["spoilt"])[0].text
    assert verdicts(found["spoilt"])[0].mark == "worse"


def test_a_copied_training_set_is_found(found: dict[str, Quality]) -> None:
    memory = found["copied"].memory
    assert memory.copies.all()
    assert memory.copying.share.value == 1
    assert memory.nearer is not None
    assert memory.nearer.value == 1
    assert memory.membership is not None
    assert memory.membership.value > 0.99
    told = [sentence for sentence in verdicts(found["copied"]) if "copies" in sentence.text]
    assert [sentence.mark for sentence in told] == ["worse"]
    assert told[0].text.startswith("400 of 400 are exact copies of real ones")


def test_a_blurred_copy_is_found_without_held_out_ones() -> None:
    noise = np.random.default_rng(2).normal(0, 6, (300, 8, 8))
    near = (DIGITS[:300] + noise).clip(0, 255).astype(np.uint8)
    found = measure_quality(DIGITS[REAL], near, seeds=2)
    memory = found.memory
    told = next(one for one in verdicts(found) if "lie nearer to a real one" in one.text)
    assert told.text.startswith("Most are near copies of real ones: ")
    assert told.mark == "worse"
    assert memory.copying.share.value > 0.9
    assert not memory.copies.any()
    assert memory.membership is None
    assert memory.nearer is None


def smooth(count: int, generator: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude falls with its frequency, as that of photographs does: (count, 24, 24) uint8."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(24), np.fft.fftfreq(24)))
    frequencies[0, 0] = np.inf
    noise = np.fft.ifft2(np.fft.fft2(generator.standard_normal((count, 24, 24))) / frequencies).real
    return np.rint(noise / noise.std() * 40 + 128).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("sizes", [(200, 200, 200), (400, 200, 100), (200, 200, 800)])
def test_axes_bring_none_of_the_sets_nearer(sizes: tuple[int, int, int]) -> None:
    """What nobody copied is at the floor of each figure; 30 % of near copies are seen in all that can tell."""
    generator = np.random.default_rng(5)
    real, synthetic, held_out = (smooth(count, generator) for count in sizes)
    leaking = synthetic.copy()
    noise = generator.normal(0, 40, (60, 24, 24))
    leaking[:60] = (real[generator.permutation(len(real))[:60]] + noise).clip(0, 255).astype(np.uint8)
    conversion = _conversion(real, ignore)
    alone, kept = memory(real, synthetic, None, conversion), memory(real, synthetic, held_out, conversion)
    assert kept.nearer is not None
    assert kept.membership is not None
    assert kept.nearer.low < kept.nearer_by_chance < kept.nearer.high
    assert kept.membership.low < 0.5 < kept.membership.high
    assert not kept.remembered
    assert max(alone.copying.share.value, kept.copying.share.value) < 0.05
    alone, kept = memory(real, leaking, None, conversion), memory(real, leaking, held_out, conversion)
    assert kept.nearer is not None
    assert kept.membership is not None
    assert kept.nearer.value > kept.nearer_by_chance + 0.03
    assert kept.membership.value > 0.55
    assert kept.remembered
    assert min(alone.copying.share.value, kept.copying.share.value) > 0.25


def test_helping_is_told() -> None:
    """Forty real digits, and 400 more: these teach something."""
    few = measure_quality(
        DIGITS[:40],
        DIGITS[FRESH],
        held_out=DIGITS[HELD],
        labels=LABELS[:40],
        synthetic_labels=LABELS[FRESH],
        held_out_labels=LABELS[HELD],
    )
    assert few.usefulness is not None
    assert few.usefulness.helps
    assert few.usefulness.counts == {"real": 40, "synthetic": 40, "both": 440}
    assert verdicts(few)[0].text.startswith("It helps")
    assert verdicts(few)[0].mark == "best"


def test_what_repeats_the_pictures_tested_on_is_not_said_to_help() -> None:
    """Copies of all real ones hold the half that is tested on; rows that repeat by chance give nothing away."""
    few = {"labels": LABELS[:80], "synthetic_labels": LABELS[:80], "seeds": 2}
    taught = measure_quality(DIGITS[:80], DIGITS[:80], **few).usefulness
    assert taught is not None
    assert taught.given_away == 1
    gain = dataclasses.replace(taught, both_gain=Interval(0.1, 0.05, 0.15))
    assert not gain.helps
    assert dataclasses.replace(gain, given_away=0.04).helps
    found = dataclasses.replace(measured(DIGITS[FRESH]), usefulness=gain)
    assert verdicts(found)[0].text.startswith("Whether it helps cannot be told: 100.0 % of the real ones")
    assert verdicts(found)[0].mark == "worse"
    rows = np.random.default_rng(0).integers(0, 3, (400, 4)).astype(float)
    chance = {"labels": rows[:200, 0], "synthetic_labels": rows[200:, 0], "seeds": 2}
    by_chance = measure_quality(rows[:200], rows[200:], **chance).usefulness
    assert by_chance is not None
    assert by_chance.given_away == 0


def test_without_labels_that_part_is_left_out_and_said() -> None:
    found = measured(DIGITS[FRESH])
    assert found.usefulness is None
    assert any("no labels in the synthetic set" in note for note in found.notes)
    assert "classifier of the labels" in found.features  # the real ones have labels
    plain = measure_quality(DIGITS[REAL], DIGITS[FRESH], seeds=2)
    assert "autoencoder" in plain.features
    assert any("half of the real ones took their place" in note for note in plain.notes)
    assert any("membership" in note for note in plain.notes)
    assert json.loads(json.dumps(plain.to_dict()))["usefulness"] is None


def test_the_same_seed_gives_the_same_figures(found: dict[str, Quality]) -> None:
    assert measured(DIGITS[FRESH], LABELS[FRESH]).to_dict() == found["fresh"].to_dict()


def test_the_page_stands_alone(found: dict[str, Quality], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(found["copied"], path)
    text = path.read_text(encoding="utf-8")
    pictures = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", text)
    assert len(pictures) > 100
    assert all(read_picture(base64.b64decode(picture)).values.shape == (8, 8) for picture in pictures)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert "<script" not in text
    assert "real against real" in text
    names = re.findall(r'<h2 id="([^"]+)"', text)
    assert names == ["pictures", "usefulness", "figures", "apart", "copies", "method"]
    for quality in found.values():
        assert "nan" not in re.sub(r"data:[^\"]*", "", render(page(quality))).lower()


def table(rows: slice, seed: int) -> np.ndarray:
    """Rows of the breast cancer table, five columns and the kind of tumour."""
    order = np.random.default_rng(seed).permutation(569)
    data = load_breast_cancer()
    return np.column_stack((data.data[:, :5], data.target))[order][rows]


COLUMNS = ["radius", "texture", "perimeter", "area", "smoothness", "kind"]


def csv(path: Path, rows: np.ndarray) -> str:
    path.write_text(",".join(COLUMNS) + "\n" + "\n".join(",".join(f"{x:g}" for x in row) for row in rows))
    return str(path)


def test_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real, other = (
        csv(tmp_path / "real.csv", table(slice(0, 300), 0)),
        csv(tmp_path / "o.csv", table(slice(300, 569), 0)),
    )
    line = ["quality", real, other, "--labels", "kind", "--seeds", "2", "--json", "-o", str(tmp_path / "r.html")]
    assert main(line) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["columns"]) == COLUMNS
    for name in ("column_shape_error", "pair_trend_error"):
        figure = told["figures"][name]
        assert figure["value"] < 2 * figure["floor"] + 0.05
        assert figure["ceiling"] > 2 * figure["value"]
    assert told["usefulness"]["auroc"]["real"] > 0.9
    assert told["features"].startswith("the standardised columns")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Column by column" in text
    assert "smoothness" in text
    said = re.sub("<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)
    assert not re.findall("[^.]*(?:image|picture|pixel|grain|Who was learned from)[^.]*", said)
    assert "looked for by the distance in the standardised columns." in said


def test_tables_with_missing_values_and_categories() -> None:
    real, other = table(slice(0, 280), 0), table(slice(280, 569), 0)
    real[::7, 1] = np.nan
    found = measure_quality(real, other, categorical=["column 6"], seeds=2)
    assert found.columns is not None
    assert found.columns.categorical == (False,) * 5 + (True,)
    assert found.columns.shapes[1] == pytest.approx(1 / 7, abs=0.05)


def test_least_numbers_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["quality", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "N times, 2 or more [3]" in said
    assert "N of each set, 24 or more [10000]" in said


def idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


def test_labels_are_found_where_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file beside an idx file, the folders' names, an archive: "3" and 3 are one class."""
    idx(tmp_path / "train-images-idx3-ubyte.gz", DIGITS[:60])
    idx(tmp_path / "train-labels-idx1-ubyte.gz", LABELS[:60])
    np.savez(tmp_path / "made.npz", images=DIGITS[60:120] / 255, labels=LABELS[60:120])
    for i in range(120, 180):
        folder = tmp_path / "folder" / str(LABELS[i])
        folder.mkdir(parents=True, exist_ok=True)
        write_picture(folder / f"{i}.png", Picture(DIGITS[i]))
    pictures = str(tmp_path / "train-images-idx3-ubyte.gz")
    assert main(["quality", pictures, str(tmp_path / "made.npz"), "--seeds", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["usefulness"]["learned_from"]["both"] == 90
    folder = str(tmp_path / "folder")
    assert main(["quality", folder, folder, "--labels-from-folders", "--seeds", "2"]) == 0
    assert "60 of 60 are exact copies" in capsys.readouterr().out
    mixed = measure_quality(pictures, DIGITS[120:180], synthetic_labels=LABELS[120:180].astype(str), seeds=2)
    assert mixed.usefulness is not None


def test_tables_of_labels_lie_in_the_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Several attributes are one label; a table with a path of its own tells of both folders."""
    rows = ["name,digit,high"]
    for folder, start in (("real", 0), ("made", 60)):
        (tmp_path / folder).mkdir()
        for i in range(start, start + 60):
            write_picture(tmp_path / folder / f"{i}.png", Picture(DIGITS[i]))
            rows.append(f"{i}.png,{LABELS[i] % 2},{'no' if LABELS[i] < 5 else 'yes'}")
        (tmp_path / folder / "of.csv").write_text("\n".join(rows))
    real, made, line = str(tmp_path / "real"), str(tmp_path / "made"), ("--seeds", "2", "--json")
    (tmp_path / "real" / "of.csv").rename(tmp_path / "of.tsv")  # of real ones it may lie elsewhere
    table = (tmp_path / "of.tsv").read_text().replace(",", "\t")
    (tmp_path / "of.tsv").write_text(table)
    for place in ("made", "real"):
        assert main(["quality", real, made, "--labels", str(tmp_path / "of.tsv"), *line]) == 0, place
        assert json.loads(capsys.readouterr().out)["usefulness"]["learned_from"]["both"] == 90
        (tmp_path / "real" / "of.tsv").write_text(table)
    (tmp_path / "real" / "of.tsv").unlink()
    assert main(["quality", real, made, "--labels", "of.csv"]) == 2
    assert re.search(r"real has no table of labels: got no file .*of\.csv", capsys.readouterr().err)
    (tmp_path / "made" / "of.csv").write_text(
        "\n".join([*rows[:70], rows[70].replace(",yes", ",").replace(",no", ","), *rows[71:]])
    )
    assert main(["quality", made, made, "--labels", "of.csv"]) == 2
    assert "labels are missing in" in capsys.readouterr().err


def test_floats_stand_for_eight_bits() -> None:
    found = measure_quality(DIGITS[REAL], DIGITS[REAL].astype(np.float32) / 255, seeds=2)
    assert found.memory.copies.all()


def mixed_table(count: int, seed: int) -> dict[str, Any]:
    """A table with text, and the labels "no" and "yes" as pandas has texts."""
    generator = np.random.default_rng(seed)
    ill = generator.integers(0, 2, count)
    ward = np.where(generator.random(count) < 0.3 + 0.4 * ill, "north", "south")
    return {"age": generator.normal(3 * ill), "ward": ward, "ill": np.array(("no", "yes"), dtype=object)[ill]}


def test_columns_of_pictures_are_left_out_and_said() -> None:
    """The folders' names would tell one side from the other at once."""
    real, other = mixed_table(60, 0), mixed_table(60, 1)
    real["picture"] = [f"real/{i}.png" for i in range(60)]
    other["picture"] = [f"made/{i}.png" for i in range(60)]
    found = measure_quality(real, other, seeds=2)
    assert found.columns is not None
    assert found.columns.names == ("age", "ward", "ill")
    assert found.telling.figures[0].value.value < 0.8
    assert any("'picture' names pictures and was left out" in note for note in found.to_dict()["notes"])


def test_labels_given_for_tables_with_text_are_used() -> None:
    real, other = mixed_table(120, 0), mixed_table(120, 1)
    given = {"labels": real.pop("ill"), "synthetic_labels": other.pop("ill")}
    found = measure_quality(real, other, seeds=2, **given)
    assert found.usefulness is not None
    assert found.usefulness.accuracies["real"].mean() > 0.75
    with pytest.raises(Mistake, match="labels of the real set do not match it: got 3 labels for 120"):
        measure_quality(real, other, seeds=2, **{**given, "labels": ["no", "yes", "no"]})


@pytest.mark.parametrize("key", LABEL_KEYS)
def test_an_archive_of_empty_labels_has_none(key: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", images=SMALL, **{key: LABELS[:60]})
    np.savez(tmp_path / "made.npz", images=SMALL, **{key: np.full(60, "")})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diabolo.tasks.quality.likeness.TELLING_STEPS", 2)
        found = measure_quality(str(tmp_path / "real.npz"), str(tmp_path / "made.npz"), seeds=2)
    assert found.synthetic.labels is None
    assert found.real.labels is not None


def test_what_was_learned_from_shows_though_no_one_is_near() -> None:
    """It takes both figures that held-out images give, and that one of them is sure."""
    found = measure_quality(DIGITS[:60], DIGITS[60:120], held_out=DIGITS[120:180], seeds=2)
    for nearer, membership, mark in ((0.6, 0.6, "worse"), (0.6, 0.4, "best"), (0.4, 0.6, "best")):
        figures = {"nearer": Interval(nearer, 0.3, 0.8), "membership": Interval(0.7, membership, 0.8)}
        far = dataclasses.replace(found.memory.copying, share=Interval(0.0))
        own = dataclasses.replace(found.memory, copying=far, copies=np.zeros(60), nearer_by_chance=0.5, **figures)
        told = verdicts(dataclasses.replace(found, memory=own))
        assert [one.mark for one in told if one.text.startswith(("It shows what", "No sign of copying"))] == [mark]


def test_held_out_ones_of_another_kind_do_not_tell_what_was_learned_from() -> None:
    """Nothing was learned from here: the synthetic ones are drawn like the real ones, the held-out ones are not."""
    other = DIGITS[HELD][:, :, ::-1]
    found = measured(DIGITS[FRESH], LABELS[FRESH], held_out=other)
    assert found.unlike
    assert any("are not drawn like the real ones" in note for note in found.notes)
    assert found.memory.remembered
    assert not dataclasses.replace(found, held_out=None).unlike  # two halves of one set differ by chance alone
    doubt = "The held-out ones are of another kind, which may be all that this shows."
    for share, words in (
        (0.9, "Most may be near copies"),
        (0.3, "Some may be copied"),
        (0.0, "It shows what was learned"),
    ):
        near = dataclasses.replace(found.memory.copying, share=Interval(share, share, share))
        told = verdicts(dataclasses.replace(found, memory=dataclasses.replace(found.memory, copying=near)))
        assert [one.text.endswith(doubt) for one in told if one.text.startswith(words)] == [True]


def test_most_are_copied_only_where_they_lie_near_to_what_was_learned(found: dict[str, Quality]) -> None:
    for share, nearer, copies, words in (
        (0.9, 0.9, 0, r"Most are near copies of real ones: 90.0 % .*\(expected: 1 %\)\."),
        (0.9, 0.9, 1, r"Most are near copies of real ones: .*; exact copies: 1\."),
        (0.9, 0.9, 400, r"400 of 400 are exact copies"),
        (0.9, 0.5, 0, r"Some may be copied: 90.0 %"),
        (0.4, 0.9, 0, r"Some may be copied: 40.0 %"),
    ):
        own = found["fresh"].memory
        near = dataclasses.replace(own.copying, share=Interval(share, share - 0.1, 1), chance=0.01)
        figures = {"nearer": Interval(nearer, nearer - 0.1, 1), "nearer_by_chance": 0.57}
        own = dataclasses.replace(own, copying=near, copies=np.arange(400) < copies, **figures)
        told = verdicts(dataclasses.replace(found["fresh"], memory=own))
        assert [one.mark for one in told if re.match(words, one.text)] == ["worse"]


def test_how_sure_it_is_that_it_does_not_help(found: dict[str, Quality]) -> None:
    for gain, words in (
        ((0.045, -0.03, 0.12), "As far as this shows, it does not help: the gain"),
        ((0.002, -0.001, 0.005), "It does not help: real + synthetic teaches hardly more"),
        ((-0.01, -0.05, 0.03), "It does not help: real + synthetic teaches no more"),
        ((-0.03, -0.05, -0.01), "It does not help: real + synthetic teaches less"),
    ):
        taught = found["fresh"].usefulness
        assert taught is not None
        taught = dataclasses.replace(taught, both_gain=Interval(*gain))
        assert verdicts(dataclasses.replace(found["fresh"], usefulness=taught))[0].text.startswith(words)


def test_figures_whose_spoilt_ones_do_no_worse_tell_nothing(found: dict[str, Quality]) -> None:
    quality = found["fresh"]
    assert all(figure.tells for figure in quality.likeness)
    assert "tells nothing here" not in render(page(quality)).lower()

    def turned(one: Figure) -> Figure:
        return dataclasses.replace(one, floor=one.ceiling, ceiling=one.floor)

    apart = dataclasses.replace(quality.telling.figures[0], value=Interval(0.5, 0.45, 0.55), ceiling=Interval(0.4))
    telling = dataclasses.replace(quality.telling, figures=(apart,))
    silent = dataclasses.replace(quality, likeness=tuple(map(turned, quality.likeness)), telling=telling)
    assert not any(figure.tells for figure in silent.figures)
    assert render(page(silent)).count("tells nothing here</span>") == len(silent.figures)
    told = [one for one in verdicts(silent) if "Spoilt ones do no worse" in one.text]
    assert [one.mark for one in told] == ["plain", "plain"]
    assert "in precision and coverage" in told[1].text


def test_few_images_praise_nothing() -> None:
    """What is told apart wholly still has an interval; what is not told apart may be so for want of images."""
    apart = measure_quality(DIGITS[:60], 255 - DIGITS[60:120], seeds=2)
    figure = apart.telling.figures[0].value
    assert figure.value == 1
    assert 0.8 < figure.low < 0.95
    assert [one.mark for one in verdicts(apart) if "tells synthetic from real" in one.text] == ["worse"]
    alike = measure_quality(DIGITS[:60], DIGITS[60:120], seeds=2)
    told = next(one for one in verdicts(alike) if "tells synthetic from real" in one.text)
    assert told.text.endswith("too few to say that they are alike.")
    assert told.mark == "plain"


SMALL = DIGITS[:60]
WORDS = np.array(("no", "yes"), dtype=object)[LABELS[:60] % 2]
NAMES = {"name": [f"person {i}" for i in range(60)], "age": list(range(60))}
REFUSED: dict[str, tuple[tuple[Any, Any], dict[str, Any], str]] = {
    "sizes": (
        (SMALL, np.zeros((60, 12, 12), np.uint8)),
        {},
        r"different sizes: got 8 x 8 \(real\) and 12 x 12 .*--side 8",
    ),
    "channels": ((SMALL, np.zeros((60, 8, 8, 3), np.uint8)), {}, r"different channels.*--channels 1"),
    "columns": ((np.zeros((60, 4)), np.zeros((60, 5))), {}, r"different columns"),
    "kinds": ((SMALL, np.zeros((60, 64))), {}, r"different kinds"),
    "numbers": ((SMALL, SMALL.astype(np.float32)), {}, r"different kinds of numbers.*astype\('uint8'\)"),
    "one picture": ((SMALL, SMALL[:1]), {}, r"too few images in the synthetic set: got 1; allowed: 24 or more"),
    "few real": ((SMALL[:9], SMALL), {}, r"too few images in the real set: got 9"),
    "channels first": ((np.zeros((60, 3, 9, 9)), SMALL), {}, r"channels come first"),
    "NaN": ((SMALL / 255, np.full((60, 8, 8), np.nan)), {}, r"NaN"),
    "labels": (
        (SMALL, SMALL),
        {"labels": LABELS[:10]},
        r"labels of the real set do not match it: got 10 labels for 60",
    ),
    "strange labels": (
        (SMALL, SMALL),
        {"labels": LABELS[:60] % 3, "synthetic_labels": LABELS[:60]},
        r"labels that the real one has not: got 3, 4",
    ),
    "strange labels of held-out ones": (
        (SMALL, SMALL),
        {
            "labels": LABELS[:60],
            "synthetic_labels": LABELS[:60],
            "held_out": SMALL,
            "held_out_labels": LABELS[:60] + 5,
        },
        r"the held-out set has labels that the real one has not: got 10, 11",
    ),
    "missing labels": (
        (SMALL, SMALL),
        {"labels": WORDS, "synthetic_labels": [None, *WORDS[1:]]},
        r"labels of the synthetic set are not numbers or texts: got None",
    ),
    "labels not a number": ((SMALL, SMALL), {"labels": [np.nan, *WORDS[1:]]}, r"not numbers or texts: got nan"),
    "labels from two places": (
        (NAMES, NAMES),
        {"labels": "age", "synthetic_labels": LABELS[:60]},
        r"labels from two places: got 'age', an array",
    ),
    "free text": ((NAMES, NAMES), {}, r"column 'name' is free text.*at most 30 categories"),
    "free text, named": ((NAMES, NAMES), {"categorical": ["age"]}, r"column 'name' is free text"),
    "pictures alone": (({"picture": ["a.png"] * 60},) * 2, {}, r"nothing to compare: got picture alone"),
    "one label": (
        (SMALL, SMALL),
        {"labels": np.zeros(60), "synthetic_labels": np.zeros(60)},
        r"the real set has one label alone",
    ),
    "no column": ((np.eye(60), np.eye(60)), {"labels": "kind"}, r"unknown column of the real set: got 'kind'"),
    "column of pictures": ((SMALL, SMALL), {"labels": "kind"}, r"only tables have a column of labels"),
    "no folders": ((SMALL, SMALL), {"labels_from_folders": True}, r"lie in no folder"),
    "categories": ((np.eye(60), np.eye(60)), {"categorical": ["kind"]}, r"unknown column: got 'kind'"),
    "seeds": ((SMALL, SMALL), {"seeds": 1}, r"seeds is too small: got 1; allowed: 2 or more"),
    "sizes of a table": (
        (np.eye(60), np.eye(60)),
        {"side": 8, "channels": 1},
        r"only pictures .* the real set is a table: got side 8, channels 1; try: leave them out",
    ),
    "few rows": ((np.eye(9), np.eye(60)), {}, r"too few rows in the real set: got 9"),
    "empty column": (
        ({"ward": ["a", "b"] * 30, "age": list(range(60)), "empty": [""] * 60},) * 2,
        {},
        r"nothing is known of a column: got no value in column 'empty'",
    ),
    "most": ((SMALL, SMALL), {"most": 3}, r"most is too small"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name: str) -> None:
    given, options, message = REFUSED[name]
    with pytest.raises(Mistake, match=message) as caught:
        measure_quality(*given, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("digits none", "no file, folder or set 'none'"),
        ("digits empty", "there are no pictures in empty"),
        ("digits digits -o report.txt", "not the name of a page"),
        ("digits digits --side many", "--side is not a whole number"),
        ("digits digits --seeds 1", "--seeds is too small: got 1; allowed: 2 or more"),
        ("digits digits --labels a --labels-from-folders", "labels from two places"),
        ("digits faces", "different sizes"),
        ("mixed digits", "the real set have different sizes: got 8 x 8 and 9 x 12, and 1 more between them"),
    ],
)
def test_mistakes_on_the_command_line(
    line: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("mixed").mkdir()
    for i, size in enumerate([(8, 8), (9, 9), (9, 12)]):
        write_picture(f"mixed/{i}.png", Picture(np.zeros(size, np.uint8)))
    assert main(["quality", *line.split()]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err.splitlines()[-1]


def test_a_missing_class_is_told() -> None:
    some = LABELS[FRESH] != 3
    found = measured(DIGITS[FRESH][some], LABELS[FRESH][some])
    assert found.usefulness is not None
    assert found.usefulness.missing == ("3",)
    assert any("lacks: 3" in sentence.text and sentence.mark == "worse" for sentence in verdicts(found))
