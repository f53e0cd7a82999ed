"""The model file: bit-equal elsewhere, read by every later version, and harmless whatever it holds."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor, nn

from diabolo import artifact
from diabolo.architectures import Conv, Flat, Unet
from diabolo.errors import Mistake
from diabolo.latents import Plain
from diabolo.model import Model
from diabolo.options import fields, option, part
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit

DATA = Path(__file__).parent / "data"


def trained(recipe: Recipe, images: np.ndarray, **options: Any) -> Model:
    return fit(open_source(images), with_options(recipe, {"epochs": 1, **options}))


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """The smallest file of a trained network: 4 numbers to 2 and back."""
    vectors = np.random.default_rng(0).random((20, 4), np.float32)
    model = trained(Recipe(architecture=Flat(depth=1, width=3), latent=Plain(size=2)), vectors)
    model.metrics, model.provenance = {"mse": 0.5}, {}
    weights, told = artifact._contents(model)
    return safetensors.torch.save(weights, told)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "model.diabolo"


def parts_of(data: bytes, place: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    place.write_bytes(data)
    with safe_open(place, "pt") as file:
        names = file.keys()
        return json.loads(file.metadata()["diabolo"]), {name: file.get_tensor(name) for name in names}


def forged(told: Any, weights: dict[str, Tensor]) -> bytes:
    """A file whose digest is right, whatever it tells."""
    if isinstance(told, dict):
        told = {**told, "digest": artifact._digest(told, weights)}
    return safetensors.torch.save(weights, {"diabolo": json.dumps(told)})


def refusal(place: Path, data: bytes) -> str:
    """The one line that answers `data` as a model file."""
    place.write_bytes(data)
    with pytest.raises(Mistake) as caught:
        artifact.load(place)
    line = str(caught.value)
    assert "\n" not in line
    assert str(place) in line
    assert len(line) < 3000
    return line


RECIPES = {
    "linear": {"latent.size": 3},
    "deep": {"architecture.width": 16},
    "conv": {"architecture.width": 4, "architecture.norm": "batch"},
    "denoise": {"architecture.widths": "4,8"},
    "sparse": {"latent.size": 70},
    "variational": {"architecture.width": 16, "preprocessing.channels": 1},
}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return open_source("digits").array[:90]


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_read_gives_the_same_bits(name: str, images: np.ndarray, place: Path) -> None:
    model = trained(named(name), images, **RECIPES[name])
    artifact.save(model, place)
    again = artifact.load(place)
    assert again.recipe == model.recipe
    assert again.conversion == model.conversion
    assert np.array_equal(again.encode(images), model.encode(images))
    assert np.array_equal(again.reconstruct(images), model.reconstruct(images))
    assert np.array_equal(again.score_samples(images), model.score_samples(images))
    assert again.metrics == model.metrics
    assert not again.network.training


def test_a_fresh_process_gives_the_same_bits(images: np.ndarray, tmp_path: Path) -> None:
    model = trained(named("variational"), images, **{"architecture.width": 16})
    artifact.save(model, tmp_path / "model.diabolo")
    np.save(tmp_path / "images.npy", images)
    code = """
import numpy as np, torch
torch.set_num_threads(1)
from diabolo import artifact
model, images = artifact.load("model.diabolo"), np.load("images.npy")
np.savez("there.npz", codes=model.encode(images), scores=model.score_samples(images))
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=300)
    with np.load(tmp_path / "there.npz") as there:
        assert np.array_equal(there["codes"], model.encode(images))
        assert np.array_equal(there["scores"], model.score_samples(images))


@pytest.mark.parametrize("name", ["format-1-variational", "format-1-linear"])
def test_a_file_of_an_earlier_version_is_read_for_ever(name: str) -> None:
    """Never write these files anew: a reader that cannot read them is broken. 0.1.0 wrote them, with what they gave."""
    model = artifact.load(DATA / f"{name}.diabolo")
    with np.load(DATA / f"{name}.npz") as expected:
        images = expected["images"]
        np.testing.assert_allclose(model.encode(images), expected["codes"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(model.score_samples(images), expected["scores"], rtol=1e-4)
        assert np.abs(model.reconstruct(images).astype(int) - expected["reconstructions"]).max() <= 1
        assert np.abs(model.decode(expected["codes"]).astype(int) - expected["reconstructions"]).max() <= 1


def test_truncated_at_any_length(tiny: bytes, place: Path) -> None:
    for length in {*range(0, len(tiny), 3), *range(40), *range(len(tiny) - 40, len(tiny))}:
        refusal(place, tiny[:length])


def test_any_byte_changed(tiny: bytes, place: Path) -> None:
    for at in range(len(tiny)):
        changed = bytearray(tiny)
        changed[at] ^= 1 << at % 8
        refusal(place, bytes(changed))


def test_bytes_after_the_end(tiny: bytes, place: Path) -> None:
    refusal(place, tiny + b"\0")


def test_a_longer_name_does_not_lead_anywhere(tiny: bytes, place: Path) -> None:
    told, weights = parts_of(tiny, place)
    assert "../../evil" in refusal(place, forged(told, {**weights, "../../evil": torch.zeros(1)}))
    told["provenance"] = {"source": "../../../etc/passwd"}
    place.write_bytes(forged(told, weights))
    assert artifact.load(place).provenance == {"source": "../../../etc/passwd"}  # told, never opened


def test_something_else_in_its_place(place: Path, tmp_path: Path) -> None:
    made = tmp_path / "made-by-the-file"
    evil = b"cos\nmkdir\n(V" + str(made).encode() + b"\ntR."
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(2**22))
    for data in (b"", b"\0", bytes(8), evil, (tmp_path / "bomb.zip").read_bytes(), b"\x93NUMPY" + bytes(200)):
        refusal(place, data)
    assert not made.exists()
    pickle.loads(evil)  # noqa: S301  # the trap works: only nobody stepped into it
    assert made.exists()


def test_a_folder_a_missing_file_and_a_device(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "a folder"), (tmp_path / "none.diabolo", "no such"), (Path("/dev/zero"), "device")):
        with pytest.raises(Mistake, match=reason):
            artifact.load(path)


def change(*path: Any, to: Any) -> Callable[[Any, dict[str, Tensor]], None]:
    def apply(told: Any, weights: dict[str, Tensor]) -> None:
        for key in path[:-1]:
            told = told[key]
        told[path[-1]] = to

    return apply


def drop(*path: Any) -> Callable[[Any, dict[str, Tensor]], None]:
    def apply(told: Any, weights: dict[str, Tensor]) -> None:
        for key in path[:-1]:
            told = told[key]
        del told[path[-1]]

    return apply


def weight(name: str, to: Callable[[Tensor], Tensor]) -> Callable[[Any, dict[str, Tensor]], None]:
    def apply(told: Any, weights: dict[str, Tensor]) -> None:
        weights[name] = to(weights[name])

    return apply


BIAS = "latent.layer.encoder.bias"
HOSTILE = {
    "a newer format": (change("format", to=3), "newer than this diabolo"),
    "no format": (drop("format"), "does not say its format"),
    "format true": (change("format", to=True), "does not say its format"),
    "format 0": (change("format", to=0), "does not say its format"),
    "an unknown entry": (change("hook", to="os.system"), "unknown entries: got hook"),
    "no recipe": (drop("recipe"), "no 'recipe'"),
    "a recipe that is a list": (change("recipe", to=[]), "not the description of a recipe"),
    "an unknown part": (change("recipe", "latent", to={"part": "os.system"}), "unknown latent"),
    "an unknown option": (change("recipe", "latent", "command", to="ls"), "unknown option of plain"),
    "an option of another type": (change("recipe", "latent", "size", to=[2]), "not a whole number"),
    "a number beyond all floats": (change("recipe", "beta", to=10**400), "not a number"),
    "a size of 0": (change("recipe", "latent", "size", to=0), "at least 1"),
    "another size": (change("recipe", "latent", "size", to=5), "wrong shape"),
    "another architecture": (change("recipe", "architecture", to={"part": "conv"}), "needs images"),
    "another depth": (change("recipe", "architecture", "depth", to=2), "not those of its recipe"),
    "a likelihood to be chosen": (change("recipe", "likelihood", to={"part": "auto"}), "never chosen"),
    "a corruption that is none": (change("recipe", "corruption", to={"part": "noise"}), "not a list"),
    "a scale of 0": (change("scale", to=0), "scale"),
    "a scale of NaN": (change("scale", to=float("nan")), "not finite"),
    "a scale that is text": (change("scale", to="1"), "scale"),
    "metrics that are a list": (change("metrics", to=[]), "metrics"),
    "infinite metrics": (change("metrics", to={"mse": float("inf")}), "not finite"),
    "no conversion": (change("conversion", to=None), "conversion"),
    "a conversion without a shape": (drop("conversion", "shape"), "conversion"),
    "a negative shape": (change("conversion", "shape", to=[-4]), "cannot be"),
    "a shape of another layout": (change("conversion", "layout", to="grey"), "cannot be"),
    "a layout that is a list": (change("conversion", "layout", to=[]), "cannot be"),
    "a type that is code": (change("conversion", "dtype", to="O"), "cannot be"),
    "a scaling by 0": (change("conversion", "scale", to=[0.0]), "cannot be"),
    "a scaling by true": (change("conversion", "scale", to=[True]), "cannot be"),
    "offsets for columns that are not there": (change("conversion", "offset", to=[0.0, 1.0]), "cannot be"),
    "any size for a flat network": (change("conversion", "any_size", to=True), "architecture"),
    "a weight missing": (lambda told, weights: weights.pop(BIAS), "not those of its recipe"),
    "a weight of another shape": (weight(BIAS, lambda w: w[:1].clone()), "wrong shape"),
    "a weight of whole numbers": (weight(BIAS, lambda w: w.int()), "wrong kinds"),
    "a weight of doubles": (weight(BIAS, lambda w: w.double()), "wrong kinds"),
    "NaN in a weight": (weight(BIAS, lambda w: w / 0 * 0), "NaN or infinite"),
    "infinity in a weight": (weight(BIAS, lambda w: w.abs().add(1) / 0), "NaN or infinite"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_description(name: str, tiny: bytes, place: Path) -> None:
    told, weights = parts_of(tiny, place)
    edit, reason = HOSTILE[name]
    edit(told, weights)
    assert reason in refusal(place, forged(told, weights))


def test_the_digest_covers_description_and_weights(tiny: bytes, place: Path) -> None:
    told, weights = parts_of(tiny, place)
    for edit in (change("provenance", to={"source": "elsewhere"}), weight(BIAS, lambda w: w + 1)):
        changed_told, changed_weights = copy.deepcopy(told), dict(weights)
        edit(changed_told, changed_weights)
        data = safetensors.torch.save(changed_weights, {"diabolo": json.dumps(changed_told)})
        assert "changed or damaged" in refusal(place, data)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "", "nul", '"\\ud800"'])
def test_descriptions_that_are_no_description(text: str, tiny: bytes, place: Path) -> None:
    _, weights = parts_of(tiny, place)
    refusal(place, safetensors.torch.save(weights, {"diabolo": text}))
    refusal(place, safetensors.torch.save(weights, {"other": text}))
    refusal(place, safetensors.torch.save(weights))


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**31, 2**63, 10**30])
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["conv", "linear", "none", "uint8", "channels", "sparse", "gaussian"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def nodes(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [found for key, child in children for found in [(*path, key), *nodes(child, (*path, key))]]


@settings(max_examples=150)
@given(data=st.data())
def test_any_change_of_the_description(data: st.DataObject, tiny: bytes, tmp_path_factory: Any) -> None:
    """Past the digest, a changed description is refused in one line, or is another sound model that works."""
    place = tmp_path_factory.mktemp("fuzz") / "model.diabolo"
    told, weights = parts_of(tiny, place)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([p for p in nodes(told) if p != ("recipe", "architecture", "depth")]))
        if data.draw(st.booleans()):
            change(*path, to=data.draw(ANYTHING))(told, weights)
        else:
            drop(*path)(told, weights)
    try:
        place.write_bytes(forged(told, weights))
    except (UnicodeEncodeError, ValueError):
        return  # neither JSON nor safetensors can hold it
    line, shape = "", (2, 4)
    try:
        model = artifact.load(place)
        shape = model.reconstruct(np.full((2, 4), 0.5, model.conversion.dtype)).shape
    except Mistake as mistake:
        line = str(mistake)
    assert shape == (2, 4)
    assert "\n" not in line


@settings(max_examples=100)
@given(at=st.integers(0, 2500), piece=st.binary(max_size=40), cut=st.integers(0, 40))
def test_any_change_of_the_bytes(at: int, piece: bytes, cut: int, tiny: bytes, tmp_path_factory: Any) -> None:
    changed = tiny[:at] + piece + tiny[at + cut :]
    if changed != tiny:
        refusal(tmp_path_factory.mktemp("bytes") / "model.diabolo", changed)


@pytest.mark.parametrize("name", [(Flat, "depth"), (Conv, "levels"), (Conv, "blocks"), (Unet, "blocks")])
def test_the_number_of_layers_is_limited(name: tuple[type, str]) -> None:
    """Or a small file could make the reader build layers without end."""
    limits = {field: known.at_most for field, _, known in fields(name[0])}
    assert limits[name[1]] is not None
    assert limits[name[1]] <= 100


ABSURD = """
import json, resource, sys, time
from pathlib import Path
from diabolo import artifact
from diabolo.errors import Mistake

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

artifact.load("tiny.diabolo")
resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
for path in sorted(Path(".").glob("absurd-*")):
    before, began = peak(), time.process_time()
    try:
        artifact.load(path)
        said = "loaded"
    except Mistake as mistake:
        said = str(mistake)
    print(json.dumps([path.name, said, peak() - before, time.process_time() - began]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_absurd_numbers_cost_neither_memory_nor_time(tiny: bytes, tmp_path: Path) -> None:
    """A few KiB that ask for terabytes: one line each, at most 60 MB and 5 seconds more than a sound file."""
    told, weights = parts_of(tiny, tmp_path / "tiny.diabolo")
    edits = {
        "depth": change("recipe", "architecture", "depth", to=10**9),
        "width": change("recipe", "architecture", "width", to=10**9),
        "size": change("recipe", "latent", "size", to=10**9),
        "shape": change("conversion", "shape", to=[2**24]),
        "blocks": change("recipe", "architecture", to={"part": "conv", "blocks": 10**9}),
        "widths": change("recipe", "architecture", to={"part": "unet", "widths": [4] * 500_000}),
        "growth": change("recipe", "architecture", to={"part": "conv", "growth": 1e308, "levels": 8}),
        "side": change("recipe", "preprocessing", "side", to=10**9),
        "corruptions": change("recipe", "corruption", to=[{"part": "noise"}] * 5000),
        "lists": change("metrics", to={"history": [[]] * 900_000}),
        "offsets": change("conversion", "offset", to=[0.5] * 500_000),
        "long-name": change("recipe", "latent", to={"part": "x" * 2_000_000}),
    }
    for name, edit in edits.items():
        changed = copy.deepcopy(told)
        edit(changed, weights)
        (tmp_path / f"absurd-{name}.diabolo").write_bytes(forged(changed, weights))
    huge = '{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}'
    for name, length in (("header", 2**62), ("sparse", 90_000_000), ("tensor", len(huge))):
        with open(tmp_path / f"absurd-{name}.diabolo", "wb") as file:
            file.write(length.to_bytes(8, "little") + huge.encode())
            file.truncate(200_000_000 if name == "sparse" else file.tell())
    run = subprocess.run(
        [sys.executable, "-c", ABSURD], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, run.stderr[-500:]
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(rows) == len(edits) + 3
    for name, said, kibibytes, seconds in rows:
        assert "cannot be read as a model" in said, name
        assert kibibytes < 60_000, name
        assert seconds < 5, name


@part
class Threefold:
    """A part of somebody's own: the code is twice the features."""

    factor: float = option(2.0, "what the features are multiplied by", above=0)

    def build(self, features: tuple[int, ...]) -> nn.Module:
        return DoubledLatent(self, features)


class DoubledLatent(nn.Module):
    def __init__(self, options: Threefold, features: tuple[int, ...]) -> None:
        super().__init__()
        self.code = features
        self.factor = nn.Parameter(torch.tensor([options.factor]))

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Any = None) -> Any:
        from diabolo.latents import Code

        return Code(features * self.factor, torch.zeros(len(features)))

    def decode(self, values: Tensor) -> Tensor:
        return values / self.factor


def test_a_part_of_ones_own_is_read_only_when_it_is_known(images: np.ndarray, place: Path) -> None:
    model = trained(Recipe(architecture=Flat(depth=1, width=8), latent=Threefold()), images)
    artifact.save(model, place)
    with pytest.raises(Mistake, match=r"unknown latent: got 'threefold'.*known=\["):
        artifact.load(place)
    again = artifact.load(place, known=[Threefold])
    assert isinstance(again.recipe.latent, Threefold)
    assert np.array_equal(again.encode(images), model.encode(images))


def test_what_could_not_be_read_is_not_written(images: np.ndarray, place: Path) -> None:
    model = trained(named("linear"), images, **{"latent.size": 2})
    model.metrics["history"] = [{"epoch": i} for i in range(100_000)]
    with pytest.raises(Mistake, match="too long"):
        artifact.save(model, place)
    model.metrics = {"mse": float("nan")}
    with pytest.raises(ValueError, match="JSON compliant"):
        artifact.save(model, place)
    assert not list(place.parent.iterdir())


def test_how_sure_a_model_is_is_read_back(place: Path) -> None:
    pictures = np.random.default_rng(0).random((8, 16, 16), np.float32)
    options = {"architecture.widths": "4,8", "epochs": 1, "batch_size": 4, "crop": 0}
    model = fit(open_source(pictures), with_options(named("denoise"), options))
    assert model.bounds
    artifact.save(model, place)
    told, weights = parts_of(place.read_bytes(), place.with_name("held.diabolo"))
    read = artifact.load(place.with_name("held.diabolo")).bounds
    assert told["bounds"] == read.coverage == 0.9
    before, restored = torch.rand(2, 1, 1, 16, 16)
    assert torch.equal(read(before, restored), model.bounds(before, restored))
    alone = {name: value for name, value in weights.items() if not name.startswith("bounds.")}
    for coverage in ({"table": []}, None):  # an older file, and a model that knows nothing of it
        place.write_bytes(forged(told | {"bounds": coverage}, alone))
        assert artifact.load(place).bounds is None
    assert "not those of its recipe" in refusal(place, forged(told, alone))
    assert "not those of its recipe" in refusal(place, forged(told | {"bounds": None}, weights))
    assert "no share" in refusal(place, forged(told | {"bounds": 2}, weights))
    assert "negative" in refusal(place, forged(told, weights | {"bounds.factors": -weights["bounds.factors"]}))
