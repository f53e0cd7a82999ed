"""Restoring pictures in Python: types and sizes, levels and masks, holes, tiles and how sure it is, and refusals."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.events import Note
from diabolo.model import Model
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.tasks.restore import Deblocker, Deblurrer, Denoiser, Enlarger, Inpainter, Restorer
from diabolo.tasks.restore.inpainter import REACH
from diabolo.tasks.restore.restorer import SHOWN
from diabolo.training import fit

TINY = {"architecture.widths": "4,8", "epochs": 1, "batch_size": 4, "crop": 16, "validation": 0.3}
TASKS = {"denoise": Denoiser, "inpaint": Inpainter, "deblock": Deblocker, "deblur": Deblurrer, "enlarge": Enlarger}


def picture(colour: bool = True, dtype: str = "uint8", height: int = 60, width: int = 76, seed: int = 0) -> np.ndarray:
    """Waves with noise of 25 of 255."""
    generator = np.random.default_rng(seed)
    down, right = np.indices((height, width, 1))[:2]
    waves = 0.5 + 0.3 * np.sin(down / 9 + np.arange(3 if colour else 1)) * np.cos(right / 11)
    values = np.clip(waves + generator.normal(0, 25 / 255, waves.shape), 0, 1)
    values = values if colour else values[..., 0]
    kind = np.dtype(dtype)
    return np.rint(values * np.iinfo(kind).max).astype(kind) if kind.kind == "u" else values.astype(kind)


@functools.cache
def model(verb: str, colour: bool = True, **options: Any) -> Model:
    """Hardly trained, and its last layer stirred, so that whatever it is told shows in what comes out."""
    squares = np.stack([picture(colour, height=24, width=24, seed=seed) for seed in range(8)])
    recipe = with_options(named(verb), {**TINY, **{key.replace("__", "."): value for key, value in options.items()}})
    trained = fit(open_source(squares), recipe)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        trained.network.decoder.last[1].weight.add_(0.03 * torch.randn_like(trained.network.decoder.last[1].weight))
    return trained


def restored(verb: str, values: np.ndarray, colour: bool = True) -> np.ndarray:
    return TASKS[verb](model(verb, colour)).restore(values).values


def hole(shape: tuple[int, ...] = (60, 76), side: int = 20) -> np.ndarray:
    mask = np.zeros(shape[:2], bool)
    mask[10 : 10 + side, 20 : 20 + side] = True
    return mask


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_every_kind_of_picture_comes_back_as_its_kind(colour: bool, learned: bool, dtype: str) -> None:
    values = picture(colour, dtype)
    after = restored("denoise", values, learned)
    assert (after.shape, after.dtype) == (values.shape, values.dtype)
    top = 1.0 if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    exact = restored("denoise", picture(colour, "float64"), learned)
    assert np.abs(exact - picture(colour, "float64")).max() > 0.01
    np.testing.assert_allclose(np.clip(after / top, 0, 1), np.clip(exact, 0, 1), atol=0.02)


@pytest.mark.parametrize("verb", ["deblock", "deblur"])
def test_what_is_told_nothing(verb: str) -> None:
    values = picture()
    task = TASKS[verb](model(verb))
    after = getattr(task, verb)(values)
    assert (after.shape, after.dtype) == (values.shape, values.dtype)
    assert (after != values).any()
    np.testing.assert_array_equal(task.transform(values[None])[0], after)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colour", [False, True])
def test_enlarged_pictures_are_the_interpolated_ones_made_better(colour: bool, dtype: str) -> None:
    values = picture(colour, dtype)
    after = Enlarger(model("enlarge")).enlarge(values)
    assert (after.shape, after.dtype) == ((120, 152, *values.shape[2:]), values.dtype)
    small = after.reshape(60, 2, 76, 2, -1).mean((1, 3)).reshape(values.shape)
    top = 1.0 if values.dtype.kind == "f" else np.iinfo(values.dtype).max
    assert np.abs(small / top - values / top).mean() < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1, 3), (3, 3), (2, 700), (5, 5, 1)])
@pytest.mark.parametrize("verb", ["denoise", "deblock", "enlarge"])
def test_the_smallest_and_longest_pictures(verb: str, shape: tuple[int, ...]) -> None:
    after = TASKS[verb](model(verb)).restore(np.full(shape, 100, np.uint8), bounds=True)
    times = 2 if verb == "enlarge" else 1
    assert after.values.shape == (shape[0] * times, shape[1] * times, *shape[2:])
    assert after.bounds is not None
    assert after.bounds.shape == after.values.shape


def test_the_noise_is_found_or_given_and_reaches_the_network() -> None:
    denoiser = Denoiser(model("denoise"))
    found = denoiser.denoise(picture(dtype="float32"))
    assert denoiser.level_.sigma == pytest.approx(25, abs=3)
    np.testing.assert_allclose(denoiser.denoise(picture(dtype="float32"), denoiser.level_.sigma), found, atol=1e-6)
    assert denoiser.level_.shot == 0
    assert np.abs(denoiser.denoise(picture(dtype="float32"), 60) - found).max() > 1e-3
    assert np.abs(Denoiser(model("denoise"), sigma=5).denoise(picture(dtype="float32")) - found).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "sigma", "words"),
    [
        ({}, 62, ""),
        ({}, 100, "stronger than the model was trained for, up to 60"),
        ({}, 0.2, "hardly any noise"),
        ({"corruption.noise.sigma": "25"}, 24, ""),
        ({"corruption.noise.sigma": "25"}, 10, "weaker than the model was trained for, from 25"),
        ({"hint": "none"}, 20, "sigma changes nothing"),
    ],
)
def test_what_is_outside_the_training_is_told(options: dict[str, str], sigma: float, words: str) -> None:
    heard: list[Any] = []
    Denoiser(model("denoise", **options), listen=heard.append).denoise(picture(), sigma)
    notes = [event.text for event in heard if isinstance(event, Note)]
    assert len(notes) == bool(words)
    assert all(words in note for note in notes)


def test_the_manners_of_scikit_learn() -> None:
    batch = np.stack([picture(False, height=24, width=24, seed=seed) for seed in range(8)])
    denoiser = Denoiser(sigma=20, options=TINY)
    copy = clone(denoiser)
    assert copy.get_params() == denoiser.get_params()
    assert copy.set_params(sigma=25).sigma == 25
    assert copy.fit(batch) is copy
    after = copy.transform(batch)
    assert (after.shape, after.dtype) == (batch.shape, batch.dtype)
    np.testing.assert_array_equal(after[3], copy.denoise(batch[3]))
    assert clone(Enlarger(factor=2)).get_params()["factor"] == 2


def test_a_file_is_read_once_and_again_when_it_changed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, reads, load = tmp_path / "m.diabolo", [], artifact.load
    artifact.save(model("denoise"), path)
    monkeypatch.setattr(artifact, "load", lambda *args, **named: reads.append(1) or load(*args, **named))
    denoiser = Denoiser(str(path))
    denoiser.transform(np.stack([picture(), picture(), picture()]))
    assert len(reads) == 1
    artifact.save(model("denoise", False), path)
    denoiser.denoise(picture())
    assert len(reads) == 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_pixels_outside_the_mask_stay_to_the_bit(colour: bool, learned: bool, dtype: str) -> None:
    values, mask = picture(colour, dtype), hole()
    after = Inpainter(model("inpaint", learned)).restore(values, mask, bounds=True)
    assert after.values.dtype == values.dtype
    assert after.values[~mask].tobytes() == values[~mask].tobytes()
    assert (after.values[mask] != values[mask]).mean() > 0.5
    assert after.bounds is not None
    assert (after.bounds[~mask] == 0).all()
    assert (after.bounds[mask] > 0).all()


def test_what_lies_under_the_mask_does_not_matter() -> None:
    inpainter, mask, values = Inpainter(model("inpaint")), hole(), picture(dtype="float32")
    empty = np.where(mask[..., None], np.float32(np.nan), values)
    np.testing.assert_array_equal(inpainter.inpaint(values, mask), inpainter.inpaint(empty))
    np.testing.assert_array_equal(inpainter.inpaint(values, mask), inpainter.inpaint(empty, mask.astype(np.uint8) * 9))


@pytest.mark.parametrize("shape", [(160, 200), (161, 203, 3), (1, 400), (3, 401, 3)])
def test_deep_holes_leave_nothing_of_the_fill(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that fills a pixel with the mean of those it sees, as a real one does, and sees no farther than 32."""
    deepest = []

    def restore(self: Any, values: np.ndarray, missing: np.ndarray, **_: Any) -> Any:
        from scipy.ndimage import distance_transform_cdt

        hidden = (missing != 0) & (missing != SHOWN)
        deepest.append(int(distance_transform_cdt(hidden, "chessboard").max()))
        return type("R", (), {"values": np.where(hidden.reshape(*shape_of(values)), 200, values), "bounds": None})()

    def shape_of(values: np.ndarray) -> tuple[int, ...]:
        return values.shape if values.ndim == 2 else (*values.shape[:2], 1)

    monkeypatch.setattr(Restorer, "restore", restore)
    values = np.full(shape, 200, np.uint8)
    mask = np.ones(shape[:2], bool)
    mask[:, :10] = False
    after = Inpainter(model("inpaint")).inpaint(values, mask)
    np.testing.assert_array_equal(after, values)
    assert len(deepest) > 2
    assert max(deepest) <= 2 * REACH


def test_deep_in_a_hole_it_is_not_sure() -> None:
    values, mask = picture(False, height=200, width=220), hole((200, 220), 150)
    bounds = Inpainter(model("inpaint")).restore(values, mask, bounds=True).bounds
    assert bounds is not None
    assert bounds[80:90, 90:100].mean() >= bounds[mask].mean() / 2


@pytest.mark.parametrize("verb", ["denoise", "inpaint"])
def test_tiled_equals_whole(verb: str) -> None:
    values, mask = picture(dtype="float32", height=450, width=610), hole((450, 610), 40)
    mask[140:200, 220:280] = mask[::7, ::5] = True  # where tiles meet
    values[:, 100:] *= 0.3  # brightness, which the level of the noise depends on

    def through(tile: int) -> Any:
        from diabolo.noise_level import level_map

        engine = Restorer(model(verb), tile=tile, overlap=min(96, tile // 2))
        if verb == "inpaint":
            return engine.restore(values, missing=mask, bounds=True)
        return engine.restore(values, lambda x: level_map(x, 10.0, 40.0), bounds=True)

    whole, tiled = through(4096), through(256)
    assert np.abs(whole.values - values).max() > 0.02
    np.testing.assert_allclose(tiled.values, whole.values, atol=1 / 255)
    differs = np.abs(tiled.bounds - whole.bounds) > 1 / 255  # a value near an edge between bins may pass it
    assert differs.mean() < 0.002


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Denoiser(model("denoise")).denoise(np.zeros((2, 3, 4, 5))), "not one picture"),
        (lambda: Denoiser(model("denoise")).denoise(np.zeros((4, 4, 4))), r"image\[..., :3\]"),
        (lambda: Denoiser(model("denoise")).denoise(np.zeros((0, 4))), "not one picture"),
        (lambda: Denoiser(model("denoise")).denoise("photo.png"), "read_picture"),
        (lambda: Denoiser(model("denoise")).denoise([[1, 2], [3]]), "not one array"),
        (lambda: Denoiser(model("denoise")).denoise(np.zeros((4, 4), int)), "int64"),
        (lambda: Denoiser(model("denoise")).denoise(np.zeros((4, 4), np.uint32)), "uint32"),
        (lambda: Denoiser(model("denoise")).denoise(np.full((9, 9), np.nan)), "NaN"),
        (lambda: Denoiser(model("denoise")).denoise(np.full((9, 9), 200.0)), "0..1"),
        (lambda: Denoiser(model("denoise")).denoise(np.zeros((4, 4)), -1), "sigma -1"),
        (lambda: Denoiser(model("denoise"), sigma=300).check(), "0 to 255"),
        (lambda: Denoiser(model("denoise"), sigma="25").check(), "sigma 25"),
        (lambda: Denoiser(model("denoise")).transform(np.zeros((4, 4))), "not a batch"),
        (lambda: Denoiser(7).denoise(np.zeros((4, 4))), "not a model"),
        (lambda: Denoiser(model("inpaint")).check(), "one for inpaint.*diabolo inpaint"),
        (lambda: Denoiser(model("deblur")).check(), "one for deblur"),
        (lambda: Deblurrer(model("denoise")).check(), "diabolo denoise"),
        (lambda: Enlarger(model("enlarge"), factor=3).check(), "factor 3"),
        (lambda: Enlarger(model("enlarge"), factor=2.5).enlarge(np.zeros((4, 4))), "factor 2.5"),
        (lambda: Deblurrer().deblur(np.zeros((4, 4))), "no starter"),
        (lambda: Inpainter(model("inpaint")).inpaint(picture(), hole((60, 70))), "70x60 pixels"),
        (lambda: Inpainter(model("inpaint")).inpaint(picture(), np.zeros((60, 76))), "nothing is missing"),
        (lambda: Inpainter(model("inpaint")).inpaint(picture(), np.ones((60, 76))), "everything is missing"),
        (lambda: Inpainter(model("inpaint")).inpaint(np.full((9, 9), np.nan), np.eye(9)), "NaN outside"),
    ],
)
def test_mistakes(call: Any, words: str) -> None:
    with pytest.raises(Mistake, match=words) as told:
        call()
    assert "\n" not in str(told.value)


def test_bounds_are_asked_of_a_model_that_has_none() -> None:
    import dataclasses

    bare = dataclasses.replace(model("denoise"), bounds=None)
    Denoiser(bare).check()
    for call in (lambda: Denoiser(bare).check(bounds=True), lambda: Denoiser(bare).restore(picture(), bounds=True)):
        with pytest.raises(Mistake, match="how sure"):
            call()
