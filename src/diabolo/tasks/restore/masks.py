"""The masks that go with pictures: files in which white is missing, or what is transparent or not a number."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from diabolo.errors import Mistake
from diabolo.pixels import Picture, is_picture, read_picture
from diabolo.sources import open_source
from diabolo.tasks.restore.files import companion


@dataclasses.dataclass(frozen=True)
class Masks:
    """Masks at `place` (a picture, a folder of them under the pictures' names, a `.npy`), or "auto", for `pictures`."""

    place: str
    pictures: str

    def __post_init__(self) -> None:
        if self.place != "auto" and not Path(self.place).exists():
            raise Mistake(f"there is no mask {self.place}", allowed="a picture, a folder of them, .npy, or auto")

    def of(self, picture: Picture, name: str) -> np.ndarray:
        """The mask (h, w) of booleans of one picture, True = missing."""
        if self.place == "auto":
            return _without_values(picture)
        if is_picture(self.place) or Path(self.place).is_dir():
            return _read(companion(self.place, not Path(self.pictures).is_dir(), name))
        source = open_source(self.place)
        return np.asarray(source.read(int(name) if len(source) > 1 else 0)) != 0

    def without_holes(self, picture: Picture, missing: np.ndarray) -> Picture:
        """The filled picture, opaque where it was transparent before and was filled for that."""
        if self.place != "auto" or picture.alpha is None:
            return picture
        full = np.iinfo(picture.alpha.dtype).max if picture.alpha.dtype.kind in "ui" else 1
        alpha = np.where(missing, full, picture.alpha).astype(picture.alpha.dtype)
        return dataclasses.replace(picture, alpha=None if (alpha == full).all() else alpha)


def _without_values(picture: Picture) -> np.ndarray:
    values = picture.values.reshape(*picture.values.shape[:2], -1)
    missing = np.isnan(values).any(2)
    if picture.alpha is not None:
        missing |= picture.alpha == 0
    if not missing.any():
        wrong = "the picture has neither transparent nor NaN pixels"
        raise Mistake(wrong, remedy="--mask MASK, a picture in which white is missing")
    return missing


def _read(path: Path) -> np.ndarray:
    """A mask file: grey, or colour whose channels agree; half-way to white or more is missing."""
    values = read_picture(path).values
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise Mistake(
                f"the mask {path} is coloured", allowed="black and white", remedy="paint what is missing white"
            )
        values = values[..., 0]
    top = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1.0
    return values >= top / 2
