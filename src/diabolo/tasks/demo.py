"""The demo: four autoencoders on real pictures that come with scikit-learn and scikit-image, and a report."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from diabolo import artifact
from diabolo.events import Event, Listener, Note, Stepped, ignore
from diabolo.model import Model
from diabolo.pixels import Picture, resize, write_picture
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import Arrays, open_source
from diabolo.tasks.compare import compare
from diabolo.tasks.comparison.record import Comparison
from diabolo.tasks.places import folder
from diabolo.tasks.report import check_able
from diabolo.tasks.restored import Restored, restore
from diabolo.training import fit

SIZES = (2, 8, 16)
PHOTO = "coffee.png"  # none of the tiles to learn from is a part of it
# Cut down to pictures of 8 x 8 pixels, and to a minute of one processor.
RECIPES = {
    "linear": named("linear"),
    "deep": with_options(
        named("deep"),
        {
            "architecture.depth": 2,
            "architecture.width": 256,
            "batch_size": 64,
            "epochs": 60,
            "learning_rate": 4e-3,
        },
    ),
    "conv": with_options(
        named("conv"),
        {
            "architecture.levels": 1,
            "architecture.width": 16,
            "batch_size": 64,
            "epochs": 50,
            "learning_rate": 6e-3,
        },
    ),
}
# The recipe denoise, cut down to half a minute of one processor.
DENOISE = {
    "architecture.widths": (16, 32),
    "architecture.reduce": 1,
    "hint": "none",
    "epochs": 2,
    "batch_size": 16,
    "crop": 0,
    "corruption.noise.sigma": (5.0, 40.0),
}


@dataclasses.dataclass(frozen=True)
class Demo:
    """What the demo made, and where."""

    models: dict[str, Path]
    report: Path
    noisy: Path  # a photograph with noise, to try the denoising model on
    comparison: Comparison
    tiles: Restored
    photo: Restored


def demo(out: str | os.PathLike[str] = "diabolo-demo", *, seed: int = 0, listen: Listener = ignore) -> Demo:
    """Fit linear, deep and conv on digits and denoise on tiles of photographs; write four models and a report to `out`.

    Raises `Mistake` where matplotlib or scikit-image is missing, or `out` cannot be written.
    """
    check_able()
    target = Path(out)
    folder(target)
    tiles, test_tiles = pictures_of("photo-tiles"), pictures_of("photo-tiles-test")
    with _one_thread():
        comparison = compare("digits", sizes=SIZES, recipes=RECIPES, seed=seed, listen=listen)
        model = denoiser(tiles, seed, listen)
    photo = _photo()
    models = {name: _of(comparison, name) for name in ("linear", "deep", "conv")} | {"denoise": model}
    result = Demo(
        models={name: target / f"{name}.diabolo" for name in models},
        report=target / "report.html",
        noisy=target / "noisy.png",
        comparison=comparison,
        tiles=restore(model, test_tiles, seed),
        photo=restore(model, photo[None], seed),
    )
    for name, fitted in models.items():
        artifact.save(fitted, result.models[name])
    write_picture(result.noisy, Picture(result.photo.pictures["noisy"][0]))
    from diabolo.tasks.report.demo import write_demo

    write_demo(comparison, result.tiles, result.photo, result.report)
    return result


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads, which wait for each other; and one gives the same weights."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _of(comparison: Comparison, name: str) -> Model:
    result = comparison.find(name)
    assert result is not None  # digits are fit for all three
    assert result.model is not None
    return result.model


def denoiser(tiles: np.ndarray, seed: int, listen: Listener) -> Model:
    """The denoising model of colour tiles (n, h, w, 3), for pictures of any size."""

    def quietly(event: Event) -> None:
        if isinstance(event, Stepped):
            listen(event)

    listen(Note(f"denoise, on {len(tiles)} tiles of photographs"))
    recipe = with_options(named("denoise"), {**DENOISE, "seed": seed})
    return fit(Arrays(tiles, "photo-tiles"), recipe, listen=quietly)


def pictures_of(name: str) -> np.ndarray:
    """All pictures of a named set whose pictures have one size."""
    source = open_source(name)
    return np.stack([source.read(i) for i in range(len(source))])


def _photo() -> np.ndarray:
    """The photograph at half its size, uint8."""
    photos = open_source("photos")
    raw = photos.read([photos.name(i) for i in range(len(photos))].index(PHOTO))
    return resize(raw, raw.shape[0] // 2, raw.shape[1] // 2)
