"""`diabolo detect` and `diabolo evaluate`: verdicts and maps of every kind of place, and every mistake in one line."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from diabolo import AnomalyDetector, artifact, cli, judgement
from diabolo.errors import Mistake
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.tasks.detect import figures
from diabolo.tasks.detect.files import Found, write_map
from diabolo.tasks.detect.overlay import edges, mask_of, overlay
from diabolo.training import fit

SHORT = "--steps 20 --batch-size 8"
TINY = f"{SHORT} --architecture.widths 4,8 --crop 16 --calibration 0.4"


def stripes(height: int, width: int, seed: int, channels: int = 1) -> np.ndarray:
    draw = np.random.default_rng(seed)
    waves = 128 + 40 * np.sin(0.6 * np.arange(width) + 6 * draw.random())
    values = waves[None, :, None] + draw.normal(0, 4, (height, width, channels))
    return (values[..., 0] if channels == 1 else values).clip(0, 255).astype(np.uint8)


def spoiled(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a wrong square, and its mask."""
    values, mask = stripes(height, width, seed), np.zeros((height, width), np.uint8)
    mask[4 + seed % 5 : 11, 6:14] = 255
    values[mask > 0] = 5
    return values, mask


def numbers(count: int, seed: int = 0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.repeat(draw.normal(size=(count, 3)), 2, 1) + 0.1 * draw.normal(size=(count, 6))


def write_table(path: str | Path, rows: np.ndarray) -> None:
    np.savetxt(path, rows, delimiter=",", header=",".join("abcdef"), comments="", fmt="%.5f")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pictures.diabolo` and `table.diabolo` as the command line writes them, and `deep.diabolo`, for another task."""
    folder = tmp_path_factory.mktemp("models")
    (folder / "good").mkdir()
    for i in range(40):
        height, width = ((24, 26), (30, 21))[i % 2]
        write_picture(folder / "good" / f"{i:02d}.png", Picture(stripes(height, width, i)))
    write_table(folder / "good.csv", numbers(80))
    for name, line in {
        "pictures": f"fit detect {folder / 'good'} {TINY}",
        "table": f"fit detect {folder / 'good.csv'} {SHORT} --calibration 0.3",
        "deep": f"fit deep {folder / 'good.csv'} --epochs 1",
    }.items():
        assert cli.main([*shlex.split(line), "-o", str(folder / f"{name}.diabolo"), "--device", "cpu"]) == 0
    return folder


@pytest.fixture
def run(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder with good and bad pictures; {m} is the folder of models."""
    monkeypatch.chdir(tmp_path)
    for place in ("test/good", "test/bad/dark", "test/bad/worse", "test/masks/dark", "test/masks/worse", "empty"):
        Path(place).mkdir(parents=True)
    for i in range(4):
        write_picture(f"test/good/{i}.png", Picture(stripes(24, 26, 100 + i)))
        kind = ("dark", "worse")[i % 2]
        values, mask = spoiled(24, 26, 200 + i)
        write_picture(f"test/bad/{kind}/{i}.png", Picture(values))
        write_picture(f"test/masks/{kind}/{i}.png", Picture(mask))
    np.save("a.npy", np.stack([stripes(24, 26, 300 + i) for i in range(5)]))
    write_picture("one.png", Picture(spoiled(24, 26, 1)[0]))
    write_table("new.csv", np.concatenate((numbers(6, 5), np.random.default_rng(0).normal(size=(3, 6)) * 3)))

    def call(line: str) -> tuple[int, str, str]:
        words = [word.replace("{m}", str(models)) for word in shlex.split(line)]
        capsys.readouterr()
        return (cli.main(words), *capsys.readouterr())

    return call


def below(place: str = ".") -> set[str]:
    return {str(path) for path in Path(place).rglob("*") if path.is_file()}


def everything() -> dict[str, bytes]:
    return {name: Path(name).read_bytes() for name in below()}


# ------------------------------------------------------------------ detect

ON_PICTURES = "-m {m}/pictures.diabolo --alpha 0.1"


def test_a_verdict_in_words(run: Any) -> None:
    code, out, _ = run(f"detect test/bad {ON_PICTURES}")
    assert code == 0
    lines = out.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == ["dark/0.png", "dark/2.png", "worse/1.png", "worse/3.png"]
    assert all(": normal, p " in line or ": ABNORMAL, p " in line for line in lines[:-1])
    count = sum("ABNORMAL" in line for line in lines)
    assert lines[-1] == f"{count} of 4 are abnormal"


def test_json_and_csv_say_what_the_detector_says(run: Any, models: Path) -> None:
    code, out, _ = run(f"detect test/bad {ON_PICTURES} --json")
    assert code == 0
    told = json.loads(out)
    detector = AnomalyDetector(models / "pictures.diabolo", alpha=0.1)
    assert (told["alpha"], told["control"]) == (0.1, "false-alarms")
    np.testing.assert_allclose([row["score"] for row in told["images"]], detector.score_samples("test/bad"))
    np.testing.assert_allclose([row["p_value"] for row in told["images"]], detector.p_values("test/bad"))
    np.testing.assert_array_equal([row["abnormal"] for row in told["images"]], detector.predict("test/bad") == -1)
    shares = [(heat > detector.map_limit_).mean() for heat in detector.anomaly_map("test/bad")]
    np.testing.assert_allclose([row["wrong"] for row in told["images"]], shares)
    assert told["abnormal"] == sum(row["abnormal"] for row in told["images"])
    code, out, _ = run(f"detect test/bad {ON_PICTURES} --csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [row["name"] for row in rows] == [row["name"] for row in told["images"]]
    assert [float(row["score"]) for row in rows] == [row["score"] for row in told["images"]]
    assert [row["abnormal"] == "True" for row in rows] == [row["abnormal"] for row in told["images"]]


def test_false_discoveries(run: Any, models: Path) -> None:
    line = "detect new.csv -m {m}/table.diabolo --alpha 0.3 --control false-discoveries --json"
    told = json.loads(run(line)[1])
    detector = AnomalyDetector(models / "table.diabolo", alpha=0.3, control="false-discoveries")
    np.testing.assert_array_equal([row["abnormal"] for row in told["images"]], detector.predict("new.csv") == -1)
    assert [row["name"] for row in told["images"]] == [f"row {i + 1}" for i in range(9)]
    assert "wrong" not in told["images"][0]  # a share of pixels


def test_maps_of_a_folder_have_its_names(run: Any) -> None:
    assert run(f"detect test/bad {ON_PICTURES} --maps maps/")[0] == 0
    assert below("maps") == {f"maps/{kind}.png" for kind in ("dark/0", "dark/2", "worse/1", "worse/3")}
    drawn = read_picture(Path("maps/dark/0.png")).values
    assert drawn.shape == (24, 26, 3)
    assert drawn.dtype == np.uint8


def test_maps_of_names_that_differ_by_their_suffix_alone(run: Any) -> None:
    write_picture("test/bad/dark/0.jpg", Picture(stripes(24, 26, 1)))
    assert run(f"detect test/bad/dark {ON_PICTURES} --maps maps")[0] == 0
    assert below("maps") == {"maps/0.jpg.png", "maps/0.png.png", "maps/2.png"}


def test_maps_of_one_picture_and_of_arrays(run: Any, models: Path) -> None:
    assert run(f"detect one.png {ON_PICTURES} --maps maps")[0] == 0
    assert below("maps") == {"maps/one.png"}
    assert run(f"detect a.npy {ON_PICTURES} --maps plain.npy")[0] == 0
    plain = np.load("plain.npy")
    assert plain.dtype == np.float32
    expected = AnomalyDetector(models / "pictures.diabolo").anomaly_map(np.load("a.npy"))
    np.testing.assert_array_equal(plain, expected)
    assert run(f"detect a.npy {ON_PICTURES} --maps drawn")[0] == 0
    assert below("drawn") == {f"drawn/{i}.png" for i in range(5)}
    assert run("detect new.csv -m {m}/table.diabolo --alpha 0.1 --maps rows.npy")[0] == 0
    assert np.load("rows.npy").shape == (9, 6)


def test_a_broken_picture_does_not_stop_the_rest(run: Any) -> None:
    first = Path("test/bad/dark/0.png")
    first.write_bytes(first.read_bytes()[: first.stat().st_size // 2])
    write_picture("test/bad/dark/colour.png", Picture(stripes(24, 26, 1, channels=3)))
    code, out, error = run(f"detect test/bad/dark {ON_PICTURES} --maps maps --json")
    assert code == 0
    assert {row["name"] for row in json.loads(out)["images"]} == {"2.png", "colour.png"}  # made grey, as in training
    assert "left out 0.png" in error
    assert below("maps") == {"maps/2.png", "maps/colour.png"}
    code, out, error = run(f"detect test/bad/dark {ON_PICTURES} --strict --json")
    assert (code, out, len(error.splitlines())) == (2, "", 1)


# ------------------------------------------------------------------ evaluate

JUDGE = "evaluate {m}/pictures.diabolo --good test/good --bad test/bad --alpha 0.1"


def test_figures_are_those_of_scikit_learn(run: Any, models: Path) -> None:
    code, out, _ = run(f"{JUDGE} --masks test/masks --sheet sheet.png --json")
    assert code == 0
    told = json.loads(out)
    detector = AnomalyDetector(models / "pictures.diabolo", alpha=0.1)
    good, bad = detector.score_samples("test/good"), detector.score_samples("test/bad")
    assert told["auroc"] == pytest.approx(roc_auc_score([0] * 4 + [1] * 4, -np.concatenate((good, bad))))
    assert told["false_alarms"] == (detector.predict("test/good") == -1).mean()
    assert told["found"] == (detector.predict("test/bad") == -1).mean()
    assert (told["good"], told["bad"], told["masks"], told["alpha"]) == (4, 4, 4, 0.1)
    assert set(told["by_kind"]) == {"dark", "worse"}
    assert told["by_kind"]["dark"]["auroc"] == pytest.approx(
        roc_auc_score([0] * 4 + [1] * 2, -np.concatenate((good, bad[:2])))
    )
    masks = [read_picture(Path("test/masks") / name).values > 0 for name in open_source("test/masks").names]
    heats = [*detector.anomaly_map("test/bad"), *detector.anomaly_map("test/good")]
    truth = np.concatenate([mask.reshape(-1) for mask in masks] + [np.zeros(4 * 24 * 26, bool)])
    expected = roc_auc_score(truth, np.concatenate([heat.reshape(-1) for heat in heats]))
    assert told["pixel_auroc"] == pytest.approx(expected)
    assert 0 <= told["aupro"] <= 1
    sheet = read_picture(Path("sheet.png")).values
    assert sheet.ndim == 3
    assert len(np.unique(sheet)) > 20


def test_figures_in_words(run: Any) -> None:
    code, out, _ = run(f"{JUDGE} --masks test/masks --sheet sheet.png")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("4 good and 4 bad: AUROC 0.") or lines[0].startswith("4 good and 4 bad: AUROC 1.")
    assert [line.split(":")[0].strip() for line in lines[1:3]] == ["dark", "worse"]
    assert lines[3].startswith("pixels, 4 masks: AUROC ")
    assert lines[4].startswith("sheet.png: ")
    out = run("evaluate {m}/table.diabolo --good new.csv --bad new.csv --alpha 0.1")[1]
    assert out.startswith("9 good and 9 bad: AUROC 0.500")


def test_empty_masks_are_told_and_left_out(run: Any) -> None:
    write_picture("test/masks/dark/2.png", Picture(np.zeros((24, 26), np.uint8)))
    code, out, error = run(f"{JUDGE} --masks test/masks --json")
    assert code == 0
    assert json.loads(out)["masks"] == 3
    assert "left out of the figures of pixels, since their masks are empty: dark/2.png" in error


def test_masks_of_another_suffix_and_in_colour(run: Any) -> None:
    mask = read_picture(Path("test/masks/dark/0.png")).values
    Path("test/masks/dark/0.png").unlink()
    write_picture("test/masks/dark/0.bmp", Picture(np.dstack([mask, mask * 0, mask * 0])))
    code, out, _ = run(f"{JUDGE} --masks test/masks --json")
    assert code == 0
    assert json.loads(out)["masks"] == 4


def test_the_overlap_of_regions_by_hand() -> None:
    """Two regions of which one is found at once and one never, and none of the sound pixels before."""
    mask = np.zeros((10, 10), int)
    mask[1:3, 1:3], mask[6:9, 6:9] = 1, 1
    heat = np.random.default_rng(0).random((10, 10))
    heat[1:3, 1:3], heat[6:9, 6:9] = 5, -5
    assert figures.aupro([heat], [mask]) == pytest.approx(0.5, abs=0.01)
    heat[6:9, 6:9] = 5
    assert figures.aupro([heat], [mask]) == pytest.approx(1, abs=0.01)
    assert figures.pixel_auroc([heat], [mask]) == 1
    assert figures.auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == 0.875


def test_overlays() -> None:
    picture, heat = np.full((6, 6), 100, np.uint8), np.zeros((6, 6))
    assert (overlay(picture, heat, 1, 2) == 100).all()
    heat[1:5, 1:5] = 3
    drawn = overlay(picture, heat, 1, 2)
    assert (drawn[1, 1] == (220, 0, 0)).all()
    assert (drawn[0] == 100).all()
    assert drawn[2, 2, 0] > 150 > 100 > drawn[2, 2, 1]
    assert edges(heat > 1).sum() == 12
    assert mask_of(np.dstack([picture * 0, picture]), (6, 6), "m").all()


# ------------------------------------------------------------------ large pictures


@pytest.mark.parametrize("standardise", [False, True])
def test_a_map_by_tiles_has_no_seams(standardise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"steps": 20, "batch_size": 8, "architecture.widths": "4,8", "crop": 16, "calibration": 0.4}
    options |= {"architecture.reduce": 2, "architecture.norm": "none"}  # what lies further away than a tile overlaps
    recipe = with_options(named("detect"), options | {"architecture.standardise": standardise})
    model = fit(open_source(np.stack([stripes(32, 32, i) for i in range(30)])), recipe)
    picture = np.stack([stripes(320, 256, 5)])
    picture[0, 80:100, 180:200] = 0
    whole = judgement.judge(model, picture)
    monkeypatch.setattr(judgement, "TILE", 192)
    monkeypatch.setattr(judgement, "OVERLAP", 96)
    tiles = judgement.judge(model, picture)
    assert tiles.maps.shape == whole.maps.shape == (1, 320, 256)
    assert not np.array_equal(tiles.maps, whole.maps)  # it was by tiles indeed
    apart = (tiles.maps - whole.maps)[0] / whole.maps.std()
    jumps = [np.abs(np.diff(apart, axis=axis)).mean(1 - axis).max() for axis in (0, 1)]
    assert max(jumps) < (0.1 if standardise else 2e-3)
    if standardise:  # every tile has a light of its own
        assert np.abs(apart).mean() < 0.2
    else:
        assert np.abs(apart).max() < 0.01
        np.testing.assert_allclose(tiles.scores, whole.scores, rtol=1e-3)
    monkeypatch.setattr(judgement, "OVERLAP", 0)
    apart = (judgement.judge(model, picture).maps - whole.maps)[0] / whole.maps.std()
    assert max(np.abs(np.diff(apart, axis=axis)).mean(1 - axis).max() for axis in (0, 1)) > 2 * max(jumps)


# ------------------------------------------------------------------ what is refused

MISTAKES = {
    "detect one.png": "the following arguments are required: -m/--model",
    "detect missing.png -m {m}/pictures.diabolo --alpha 0.1": "there is no file, folder or set 'missing.png'",
    "detect one.png -m missing.diabolo": "missing.diabolo",
    "detect empty -m {m}/pictures.diabolo --alpha 0.1": "there are no pictures in empty",
    "detect one.png -m {m}/deep.diabolo": "knows nothing of normal pictures",
    "detect one.png -m {m}/table.diabolo --alpha 0.1": "arrays of another kind",
    "detect new.csv -m {m}/pictures.diabolo --alpha 0.1": "arrays of another kind",
    "detect one.png -m {m}/pictures.diabolo": "too few normal pictures for this rate of false alarms: got alpha 0.05",
    "detect one.png -m {m}/pictures.diabolo --alpha 0": "not a rate of false alarms: got alpha 0",
    "detect one.png -m {m}/pictures.diabolo --alpha many": "argument --alpha: invalid float value",
    "detect one.png -m {m}/pictures.diabolo --alpha 0.1 --control none": "unknown control: got 'none'",
    "detect one.png -m {m}/pictures.diabolo --alpha 0.1 --csv --json": "two kinds of output at once",
    "detect one.png -m {m}/pictures.diabolo --alpha 0.1 --device none": "device",
    "detect one.png -m {m}/pictures.diabolo --alpha 0.1 --maps a.npy": "maps of pictures go to a folder: got a.npy",
    "detect one.png -m {m}/pictures.diabolo --alpha 0.1 --maps one.png": "maps go to a folder: got one.png, a file",
    "detect one.png -m {m}/pictures.diabolo --alpha 0.1 --maps .": "the output is the input",
    "detect test/bad -m {m}/pictures.diabolo --alpha 0.1 --maps test/good/../bad/": "the output is the input",
    "detect a.npy -m {m}/pictures.diabolo --alpha 0.1 --maps a.npy": "the output is the input",
    "detect a.npy -m {m}/pictures.diabolo --alpha 0.1 --maps none/a.npy": "there is no folder none",
    "detect new.csv -m {m}/table.diabolo --alpha 0.1 --maps maps/": "vectors have no map to draw",
    f"{JUDGE} --masks missing": "masks are pictures in a folder: got missing",
    f"{JUDGE} --masks empty": "no masks in empty",
    f"{JUDGE} --masks test/masks/dark": "there is no mask for dark/0.png",
    f"{JUDGE} --sheet none/x.png": "there is no folder none",
    f"{JUDGE} --masks small": "the mask dark/0.png does not fit its picture: got 26 x 12 pixels; allowed: 26 x 24",
    f"{JUDGE} --masks blank": "every mask is empty",
    "evaluate {m}/pictures.diabolo --good test/good": "the following arguments are required: --bad",
    "evaluate {m}/deep.diabolo --good test/good --bad test/bad": "knows nothing of normal pictures",
    "evaluate {m}/pictures.diabolo --good empty --bad test/bad --alpha 0.1": "there are no pictures in empty",
    "evaluate {m}/table.diabolo --good new.csv --bad new.csv --alpha 0.1 --sheet x.png": "vectors have neither masks",
    "fit detect empty -o x.diabolo": "there are no pictures in empty",
    f"fit detect a.npy -o x.diabolo {SHORT}": "too few normal pictures are kept for calibration",
    f"fit detect a.npy -o x.diabolo {SHORT} --contamination auto": "too few images to tell which do not fit: got 5",
    f"fit detect test/good -o x.diabolo {SHORT} --contamination most": "no such contamination: got 'most'",
    f"fit detect test/good -o none/x.diabolo {SHORT}": "there is no folder none",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_take_one_line_and_leave_nothing_behind(run: Any, line: str) -> None:
    for kind, values in {"small": np.ones((12, 26), np.uint8), "blank": np.zeros((24, 26), np.uint8)}.items():
        for name in ("dark/0", "dark/2", "worse/1", "worse/3"):
            Path(kind, name).parent.mkdir(parents=True, exist_ok=True)
            write_picture(f"{kind}/{name}.png", Picture(values))
    before = everything()
    code, out, error = run(line)
    assert MISTAKES[line] in error
    lines = [one for one in error.splitlines() if not one.startswith("training on")]
    assert (code, out) == (2, "")
    assert "Traceback" not in error
    assert sum(MISTAKES[line] in one for one in lines) == 1
    assert everything() == before


def test_a_name_that_leads_out_of_the_folder(tmp_path: Path) -> None:
    found = Found("../../x.png", np.zeros((4, 4), np.uint8), 0.0, np.zeros((4, 4), np.float32))
    with pytest.raises(Mistake, match=r"a name leads out of the folder: got \.\./\.\./x\.png"):
        write_map(tmp_path / "a" / "b", found, 1.0)
    assert not list(tmp_path.iterdir())


def test_contamination_from_the_command_line(run: Any) -> None:
    Path("mixed").mkdir()
    for i in range(24):
        write_picture(f"mixed/{i:02d}.png", Picture(stripes(20, 20, i)))
    write_picture("mixed/07.png", Picture(np.random.default_rng(0).integers(0, 256, (20, 20)).astype(np.uint8)))
    code, _, error = run(f"fit detect mixed -o m.diabolo --contamination 0.05 {SHORT} --device cpu")
    assert code == 0
    assert "2 of 24 images do not fit the others and are left out" in error
    assert "07.png" in artifact.load("m.diabolo").provenance["left_out"]
