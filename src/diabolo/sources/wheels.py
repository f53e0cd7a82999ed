"""Real pictures that need no download: they lie inside the wheels of scikit-learn and scikit-image."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import IO, Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.pixels import read_picture, resize
from diabolo.sources.base import Arrays
from diabolo.sources.pictures import Pictures

TILE = 32  # pixels, the side of a tile
_LEARN = ("sklearn", "datasets/images")
_IMAGE = ("skimage", "data")
# Colour photographs; all are free of rights but china and flower (CC BY 2.0) and motorcycle (Middlebury, research).
PHOTOS = {
    "astronaut.png": _IMAGE,
    "chelsea.png": _IMAGE,
    "china.jpg": _LEARN,
    "coffee.png": _IMAGE,
    "flower.jpg": _LEARN,
    "motorcycle_left.png": _IMAGE,
    "rocket.jpg": _IMAGE,
}
# The tiles for testing come from photographs that none of the tiles for training come from.
TEST_PHOTOS = ("coffee.png", "flower.jpg")


class Photos:
    """The store of the photographs in both wheels."""

    description = "photographs inside scikit-image and scikit-learn"

    def __init__(self) -> None:
        self.refused: list[tuple[str, str]] = []

    def names(self) -> list[str]:
        return list(PHOTOS)

    def open(self, name: str) -> IO[bytes]:
        return open(_path(name), "rb")

    def read(self, name: str) -> bytes:
        return _path(name).read_bytes()


def photos() -> Pictures:
    """Seven colour photographs of 300 to 741 pixels."""
    return Pictures(Photos(), strict=True)


def tiles() -> Arrays:
    """4000 colour tiles from five photographs at half size, every eighth pixel: neighbours overlap."""
    return _tiles([name for name in PHOTOS if name not in TEST_PHOTOS], step=8, most=4000)


def tiles_of_others() -> Arrays:
    """Colour tiles from the two other photographs at half size, every sixteenth pixel."""
    return _tiles(list(TEST_PHOTOS), step=16, most=4000)


def digits() -> Arrays:
    """1797 handwritten digits, 8 x 8. The file's whole numbers 0..16 become uint8 as round(value * 255 / 16)."""
    counts = _digits().images
    return Arrays(np.rint(counts * (255 / 16)).astype(np.uint8), "digits, 1797 handwritten digits of 8 x 8")


def digit_labels() -> np.ndarray:
    """(1797,) the digit 0..9 of each picture of `digits`."""
    return _digits().target


def faces() -> Arrays:
    """100 grey faces, 25 x 25 float32 in 0..1: the first half of the file, whose second half is no faces."""
    array = np.load(_wheel_folder(*_IMAGE) / "lfw_subset.npy", allow_pickle=False)[:100]
    return Arrays(array.astype(np.float32), "faces, 100 grey faces of 25 x 25")


def _tiles(names: list[str], step: int, most: int) -> Arrays:
    """Tiles at every `step` pixels of the photographs at half size, in order; `most` of them, evenly spread."""
    cut, labels = [], []
    for name in names:
        photo = read_picture(_path(name)).values
        half = resize(photo, photo.shape[0] // 2, photo.shape[1] // 2)
        for top in range(0, half.shape[0] - TILE + 1, step):
            for left in range(0, half.shape[1] - TILE + 1, step):
                cut.append(half[top : top + TILE, left : left + TILE])
                labels.append(f"{Path(name).stem}-{top:03d}-{left:03d}")
    chosen = np.unique(np.linspace(0, len(cut) - 1, min(most, len(cut))).astype(int))
    description = f"{len(chosen)} tiles of {TILE} x {TILE} from {len(names)} photographs"
    return Arrays(np.stack([cut[i] for i in chosen]), description, [labels[i] for i in chosen])


def _path(photo: str) -> Path:
    return _wheel_folder(*PHOTOS[photo]) / photo


def _wheel_folder(package: str, folder: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise Mistake(
            "these pictures are part of scikit-image, which is missing", remedy='pip install "diabolo[report]"'
        )
    return Path(found.submodule_search_locations[0]) / folder


def _digits() -> Any:
    from sklearn.datasets import load_digits

    return load_digits()
