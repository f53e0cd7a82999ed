"""The masks that go with pictures: files in which white is missing, or what is transparent or not a number."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from diabolo.errors import Mistake
from diabolo.pixels import Picture, is_picture, read_picture
from diabolo.sources import open_source
from diabolo.tasks.nearness import full_range
from diabolo.tasks.restore.files import companion


@dataclasses.dataclass(frozen=True)
class Masks:
    """Masks at a place, or "auto": what is transparent or not a number.

    One picture, or a `.npy` of one mask, goes with every picture; a folder has them under the pictures' names, a
    `.npy` of several in the order of an array's images.
    """

    place: str

    def __post_init__(self) -> None:
        if self.place != "auto" and not Path(self.place).exists():
            raise Mistake(f"there is no mask {self.place}", allowed="a picture, a folder of them, .npy, or auto")

    def of(self, picture: Picture, name: str) -> np.ndarray:
        """The mask (h, w) of booleans of one picture, True = missing."""
        if self.place == "auto":
            return _without_values(picture)
        if is_picture(self.place) or Path(self.place).is_dir():
            return _read(companion(self.place, name))
        return self._from_array(picture.values.shape[:2], name)

    def without_holes(self, picture: Picture, missing: np.ndarray) -> Picture:
        """The filled picture, opaque where it was transparent before and was filled for that."""
        if self.place != "auto" or picture.alpha is None:
            return picture
        full = picture.alpha.dtype.type(full_range(picture.alpha))
        alpha = np.where(missing, full, picture.alpha)
        return dataclasses.replace(picture, alpha=None if (alpha == full).all() else alpha)

    def _from_array(self, size: tuple[int, ...], name: str) -> np.ndarray:
        array = getattr(open_source(self.place), "array", np.empty(0))
        if array.shape[:2] == size and array.shape[2:] in ((), (1,)):
            return np.asarray(array).reshape(size) != 0
        if array.shape[1:3] != size or array.shape[3:] not in ((), (1,)):
            got, allowed = f"shape {array.shape}", f"(h, w) or (n, h, w) of {size[0]} x {size[1]}"
            raise Mistake(f"the mask {self.place} does not fit", got, allowed)
        if len(array) > 1 and not (name.isdigit() and int(name) < len(array)):
            raise Mistake(
                f"which mask goes with {name}?", got=f"{len(array)} in {self.place}", allowed="one, or one each"
            )
        return np.asarray(array[int(name) if len(array) > 1 else 0]).reshape(size) != 0


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
    """A mask file: half-way to white or more is missing, what is transparent is not; all channels must agree."""
    picture = read_picture(path)
    white = picture.values >= full_range(picture.values) / 2
    if white.ndim == 3:
        if (white.any(2) != white.all(2)).any():
            wrong, remedy = f"the mask {path} is coloured", "paint what is missing white"
            raise Mistake(wrong, allowed="black and white", remedy=remedy)
        white = white[..., 0]
    return white if picture.alpha is None else white & (picture.alpha >= full_range(picture.alpha) / 2)
