"""ONNX files: what torch gives, for every recipe, kind of data and size; verdicts at any alpha; refusals."""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diabolo import artifact, cli, conformal
from diabolo.errors import Mistake
from diabolo.judgement import judge
from diabolo.model import Model
from diabolo.pixels import Picture, write_picture
from diabolo.recipe import with_options
from diabolo.recipes import RECIPES, named
from diabolo.sources import open_source
from diabolo.tasks import export as exporting
from diabolo.tasks.export import Sheet, digest, export
from diabolo.training import fit
from diabolo.witnesses import Neighbours

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

DIGITS = open_source("digits").array
TABLE = DIGITS.reshape(len(DIGITS), -1).astype(np.float64)
NEAR = 1e-4  # of the spread of what torch gives
QUICK = {"epochs": 1, "batch_size": 64}
JUDGING = QUICK | {"witnesses": "residual,density,neighbours", "calibration": 0.2}
SMALL = {"unet": {"architecture.widths": "4,8", "crop": 8}, "conv": {"architecture.width": 4}, "flat": {}}


def structures() -> list[str]:
    """One recipe for everything that is traced in a way of its own; codecs are refused, hints have a test below."""
    found: dict[Any, str] = {}
    for name, (recipe, _) in RECIPES.items():
        kinds = (type(recipe.architecture), type(recipe.latent), tuple(map(type, recipe.witnesses)))
        if name != "compress" and recipe.hint in ("none", "inside"):
            found.setdefault(kinds, name)
    return list(found.values())


def textures(height: int, width: int, count: int = 4, seed: int = 0) -> np.ndarray:
    """Pieces of a photograph of bricks, (count, height, width) uint8."""
    from skimage.data import brick

    generator = np.random.default_rng(seed)
    places = generator.integers(0, 512 - max(height, width), (count, 2))
    return np.stack([brick()[top : top + height, left : left + width] for top, left in places])


@functools.cache
def detector(kind: str) -> Model:
    """Tables with missing values, pictures of one size, pictures of any size whose worst places count."""
    if kind == "table":
        recipe = with_options(named("deep"), {**JUDGING, "preprocessing.impute": True})
        return fit(open_source(with_holes(TABLE[:600])), recipe)
    if kind == "picture":
        return fit(open_source(DIGITS[:600]), with_options(named("conv"), {**JUDGING, "architecture.width": 4}))
    shares = {"witnesses.residual.share": 0.1, "witnesses.neighbours.share": 0.03, "witnesses.density.of": "features"}
    options = {"architecture.width": 4, "architecture.map": True, "latent.size": 4, "crop": 24, "batch_size": 8}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(40):
            piece = textures(24 + number % 7, 30 + number % 5, 1, seed=number)[0]
            write_picture(Path(folder) / f"{number:02}.png", Picture(piece))
        return fit(open_source(folder), with_options(named("conv"), {**JUDGING, **options, **shares}))


@functools.cache
def exported(kind: str) -> Exported:
    return Exported(detector(kind))


class Exported:
    """A model's file, read by ONNX Runtime."""

    def __init__(self, model: Model) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "m.onnx"
            self.sheet: Sheet = export(model, path)
            self.content = path.read_bytes()
        self.session = onnxruntime.InferenceSession(self.content, providers=["CPUExecutionProvider"])

    def __call__(self, images: np.ndarray, **told: Any) -> dict[str, np.ndarray]:
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, {"images": images, **told}), strict=True))


def with_holes(table: np.ndarray) -> np.ndarray:
    holes = np.random.default_rng(0).random(table.shape) < 0.05
    return np.where(holes, np.nan, table)


def alpha(value: float) -> np.ndarray:
    return np.array(value, np.float32)


def further(kind: str) -> list[np.ndarray]:
    """Data that the detector of this kind did not learn from: one, several, and other sizes where these are free."""
    if kind == "table":
        return [with_holes(TABLE[600:1000]), TABLE[600:601]]
    if kind == "picture":
        return [DIGITS[600:1000], DIGITS[600:601]]
    return [textures(*size, seed=9) for size in ((40, 33), (128, 96), (5, 3), (1, 1))] + [textures(30, 30, 1)]


def assert_near(ours: np.ndarray, theirs: np.ndarray, spread: float | None = None) -> None:
    assert ours.shape == theirs.shape
    difference = np.abs(ours.astype(np.float64) - theirs)
    rounding = 2 * np.finfo(np.float32).eps * np.abs(theirs).max()  # where all values are nearly one
    assert difference.max() <= NEAR * (spread or max(float(ours.std()), 1e-3)) + rounding


@pytest.mark.parametrize("name", structures())
def test_every_recipe_reconstructs_alike(name: str) -> None:
    recipe = named(name)
    table = name.endswith("-table")
    kind = type(recipe.architecture).__name__.lower()
    options = QUICK | SMALL[kind] | ({"latent.size": 8} if kind == "flat" and name != "shallow" else {})
    options |= {"priors": "none"} | ({"steps": 3} if recipe.training.steps else {})
    data = (TABLE if table else DIGITS)[:300]
    model = fit(open_source(data), with_options(recipe, options))
    told = {"alpha": alpha(0.1)} if recipe.witnesses else {}
    given = Exported(model)(data[:50], **told)
    if table:
        assert_near(model.reconstruct(data[:50]), given["reconstruction"])
    else:
        assert_near(255 * model.reconstruct(data[:50], np.float32), given["reconstruction"])
        rounded = np.rint(given["reconstruction"]).clip(0, 255)
        assert (np.abs(rounded - model.reconstruct(data[:50])) <= 1).all()  # as told in the guide; halves may differ
    if "code" in given:
        assert_near(model.encode(data[:50]), given["code"])
    assert ("code" in given) == (not model.network.decoder.needs_skips)


@pytest.mark.parametrize("dtype", ["uint16", "float32", "int64"])
def test_data_of_other_types_and_layouts(dtype: str) -> None:
    generator = np.random.default_rng(0)
    colours = (generator.random((40, 6, 5, 3)) * 60000).astype(dtype)
    model = fit(open_source(colours), with_options(named("linear"), {"latent.size": 4}))
    given = Exported(model)(colours.astype(model.conversion.dtype))
    unit = 65535 if dtype == "uint16" else 1
    floats = np.float64 if model.conversion.dtype == "float64" else np.float32
    assert_near(unit * model.reconstruct(colours, floats), given["reconstruction"])
    assert_near(model.encode(colours), given["code"])
    assert given["reconstruction"].dtype == floats


@pytest.mark.parametrize(("start", "size"), [(3e-10, 1e-10), (1e6, 1e-3), (0.5, 1.000001)])
def test_numbers_that_an_optimiser_could_take_for_nothing(start: float, size: float) -> None:
    generator = np.random.default_rng(0)
    table = start + size * generator.normal(size=(60, 5))
    model = fit(open_source(table), with_options(named("linear"), {"latent.size": 4}))
    given = Exported(model)(table)
    assert_near(model.encode(table), given["code"])
    ours = model.reconstruct(table)
    assert_near(ours / ours.std(), given["reconstruction"] / ours.std())


@pytest.mark.parametrize("kind", ["table", "picture", "any size"])
def test_detectors_judge_alike(kind: str) -> None:
    model, file = detector(kind), exported(kind)
    for images in further(kind):
        given, judged = file(images, alpha=alpha(0.1)), judge(model, images)
        assert_near(judged.scores, given["score"], float(model.normal.scores.std()))
        assert_near(judged.maps, given["map"])
        assert_near(model.encode(images), given["code"])
        unit = 255 if images.dtype == np.uint8 else 1
        floats = np.float32 if images.dtype == np.uint8 else np.float64
        assert_near(unit * model.reconstruct(images, floats), given["reconstruction"])


@pytest.mark.parametrize("recipe", ["detect", "detect-small"])
def test_detectors_of_pictures_lose_no_digits(recipe: str) -> None:
    """What an optimiser takes for 0 among the edges' strengths, or a plain sum over many pixels, is far above this."""
    small = recipe == "detect-small"
    images = DIGITS[:300] if small else textures(96, 96, 12)
    options = {"steps": 3, "calibration": 0.4} | ({} if small else {"architecture.widths": "4,8", "crop": 64})
    model = fit(open_source(images), with_options(named(recipe), options))
    further = DIGITS[300:500] if small else textures(480, 480, 3, seed=9)
    if small:
        further[:20, :, 4:] = 0  # half is even
    given, judged = Exported(model)(further, alpha=alpha(0.1)), judge(model, further)
    unit = float(model.normal.spread.max())  # of so short a training a tiny one, which makes scores huge
    assert unit * np.abs(judged.scores - given["score"]).max() < 5e-6
    assert np.abs(judged.maps - given["map"]).max() < 5e-5


@pytest.mark.parametrize("kind", ["table", "picture", "any size"])
def test_verdicts_at_any_alpha_are_those_of_conformal(kind: str) -> None:
    normal, file, images = detector(kind).normal, exported(kind), further(kind)[0]
    scores, peaks = normal.scores.double().numpy(), normal.peaks.double().numpy()
    found = []
    for value in sorted({1 / (len(scores) + 1), 0.05, 0.1, 2 / (len(scores) + 1), 0.25, 0.5, 0.9}):
        if not conformal.fewest(value) <= len(scores):
            continue
        given = file(images, alpha=alpha(value))
        p = conformal.p_values(given["score"].astype(np.float64), scores)
        assert np.allclose(p, given["p_value"], rtol=1e-6, atol=0)
        assert given["verdict"].tolist() == np.where(p <= value + 1e-12, -1, 1).tolist()
        assert ((given["verdict"] == -1) == (given["score"] < conformal.threshold(scores, value))).all()
        assert ((given["map_verdict"] == -1) == (-given["map"] < conformal.threshold(peaks, value))).all()
        found.append((int((given["verdict"] == -1).sum()), int((given["map_verdict"] == -1).sum())))
    assert found == sorted(found)
    assert found[0] < found[-1]  # alpha is read while the file runs


def test_a_p_value_that_is_alpha_is_abnormal_and_a_score_that_is_kept_counts() -> None:
    """The normal images' own scores: every p-value is a whole number of 1 / (kept + 1), and some are exactly alpha."""
    model, file = detector("picture"), exported("picture")
    kept = len(model.normal.scores)
    for rank in range(1, kept + 1, 7):
        value = rank / (kept + 1)
        given = file(DIGITS[:100], alpha=alpha(value))
        count = np.rint(given["p_value"].astype(np.float64) * (kept + 1)).astype(int)
        assert ((given["verdict"] == -1) == (count <= rank)).all()


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-6, float("nan")])
def test_an_alpha_that_cannot_be_promised_finds_nothing(value: float) -> None:
    given = exported("picture")(DIGITS[:50][:, ::-1].copy(), alpha=alpha(value))
    assert (given["verdict"] == 1).all()
    assert (given["map_verdict"] == 1).all()


@pytest.mark.parametrize("kind", ["table", "picture", "any size"])
def test_it_runs_without_diabolo_and_torch(kind: str, tmp_path: Path) -> None:
    file, images = exported(kind), further(kind)[0]
    (tmp_path / "m.onnx").write_bytes(file.content)
    np.save(tmp_path / "in.npy", images)
    code = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
told = {"images": numpy.load("in.npy"), "alpha": numpy.array(0.1, numpy.float32)}
numpy.savez("out.npz", **dict(zip([o.name for o in session.get_outputs()], session.run(None, told))))
assert not {"torch", "diabolo"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, timeout=120)
    given, there = file(images, alpha=alpha(0.1)), np.load(tmp_path / "out.npz")
    assert set(there) == set(given)
    for name, value in given.items():
        assert_near(value, there[name])


@functools.cache
def restorer(hint: str) -> tuple[Model, Exported]:
    """Hardly trained, and its last layer stirred, so that what it is told shows in what comes out."""
    recipe = named({"noise-level": "denoise", "missing": "inpaint"}[hint])
    options = QUICK | {"architecture.widths": "4,8", "crop": 16, "batch_size": 8}
    model = fit(open_source(textures(24, 24, 16)), with_options(recipe, options))
    last = model.network.decoder.last[1].weight.data
    last.add_(0.03 * torch.randn(last.shape, generator=torch.Generator().manual_seed(0)))
    return model, Exported(model)


@pytest.mark.parametrize("hint", ["noise-level", "missing"])
def test_restoring_models_are_told_of_noise_or_holes(hint: str) -> None:
    model, file = restorer(hint)
    for size in ((64, 48), (61, 133), (140, 200), (5, 3)):
        images = textures(*size, 2)
        holes = (np.random.default_rng(0).random(images.shape) < 0.3).astype(np.uint8)
        holes[:, size[0] // 3 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
        x = model.conversion.to_network(images)
        told = torch.full_like(x, 25 / 255) if hint == "noise-level" else torch.from_numpy(holes[:, None]).float()
        with torch.no_grad():
            restored, plain = (model.network(x, hint=one).parameters for one in (told, torch.zeros_like(told)))
        given = file(images, **({"sigma": alpha(25)} if hint == "noise-level" else {"missing": holes}))
        assert_near(255 * restored[:, 0].numpy(), given["reconstruction"])
        assert not torch.allclose(restored, plain, atol=1e-2)
        if hint == "missing":
            assert np.abs(given["reconstruction"] - images)[holes == 0].max() < 1e-3


def test_pictures_of_one_size_stay_so_where_a_witness_knows_their_places() -> None:
    options = {"architecture.width": 4, "architecture.map": True, "latent.size": 4}
    model = fit(open_source(DIGITS[:200]), with_options(named("conv"), {**JUDGING, **options}))
    assert model.conversion.any_size
    assert Exported(model).sheet.inputs[0].shape == ("n", 8, 8)


def test_the_nearest_are_the_same_found_in_the_exported_way() -> None:
    generator = torch.Generator().manual_seed(0)
    witness = Neighbours(nearest=5).build()
    witness.keep(bank=torch.randn(1000, 7, generator=generator))
    rows = torch.randn(300, 7, generator=generator)
    assert torch.equal(witness._nearest(rows).sort().values, witness._nearest_of_any(rows).sort().values)


def test_the_file_tells_of_itself() -> None:
    model, file = detector("any size"), exported("any size")
    told = file.session.get_modelmeta()
    known = told.custom_metadata_map
    assert (told.producer_name, known["takes"]) == ("diabolo", "(n, h, w) uint8")
    assert known["digest"] == digest(model) != digest(detector("picture"))
    assert int(known["kept"]) == len(model.normal.scores)
    assert ("judged_alike" in known) == model.conversion.any_size
    assert float(known["least_alpha"]) == pytest.approx(1 / (len(model.normal.scores) + 1), rel=1e-5)
    assert json.loads(known["recipe"])["architecture"]["part"] == "conv"
    provenance = json.loads(known["provenance"])
    assert provenance["images"] == model.provenance["images"]
    assert not {"source", "command"} & set(provenance)
    assert b".py" not in file.content  # no paths of the machine where it was made
    assert {i.name: i.shape for i in file.session.get_inputs()} == {"images": ["n", "height", "width"], "alpha": []}
    assert [port.name for port in file.sheet.outputs] == list(file(textures(24, 24), alpha=alpha(0.1)))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, out = str(tmp_path / "m.diabolo"), str(tmp_path / "m.onnx")
    artifact.save(fit(open_source(DIGITS[:100]), with_options(named("linear"), {"latent.size": 3})), place)
    assert cli.main(["export", place, "-o", out]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[0] == f"{out}: {Path(out).stat().st_size:,} bytes, opset 20"
    assert [line.split()[:4] for line in said.out.splitlines()[1:]] == [
        ["takes", "images", "uint8", "(n,"],
        ["gives", "reconstruction", "float32", "(n,"],
        ["gives", "code", "float32", "(n,"],
    ]
    assert cli.main(["export", place, "-o", out, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outputs"][1] | {"meaning": ""} == {
        "name": "code",
        "dtype": "float32",
        "shape": ["n", 3],
        "meaning": "",
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.diabolo", "m.onnx"]


def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = detector("picture")
    with pytest.raises(Mistake, match=r"a codec cannot be exported.*got latent coded.*try: diabolo compress"):
        export("photo", tmp_path / "m.onnx")
    with pytest.raises(Mistake, match=r"not the name of an ONNX file: got .*m\.pt; allowed: \*\.onnx"):
        export(model, tmp_path / "m.pt")
    with pytest.raises(Mistake, match="there is no folder"):
        export(model, tmp_path / "none" / "m.onnx")
    with pytest.raises(Mistake, match="not a model"):
        export(np.zeros(3), tmp_path / "m.onnx")
    monkeypatch.setattr(exporting, "LARGEST", 1000)
    with pytest.raises(Mistake, match=r"too large for an ONNX file: got [\d,]+ bytes"):
        export(model, tmp_path / "m.onnx")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else True)
    with pytest.raises(
        Mistake, match=r'the package onnxscript: got not installed; try: pip install "diabolo\[export\]"'
    ):
        export(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_part_that_cannot_be_traced_is_a_mistake_of_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(self: Any, values: torch.Tensor) -> torch.Tensor:
        return self.layer.decode(values if values.sum() > 0 else -values)

    model = fit(open_source(DIGITS[:100]), with_options(named("deep"), QUICK))
    monkeypatch.setattr(type(model.network.latent), "decode", decide)
    with pytest.raises(Mistake, match=r"^this model cannot be exported: \S[^\n]+: got flat, plain$"):
        export(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
