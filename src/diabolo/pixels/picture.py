"""What a picture is in memory, and which files are pictures."""

from __future__ import annotations

import dataclasses
import os
from pathlib import PurePath
from typing import NamedTuple

import numpy as np

from diabolo.errors import Mistake

# The suffixes that are read, and the format that each is written as; "" = read only.
SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "",
    ".pgm": "",
    ".ppm": "",
    ".pbm": "",
}
DEPTHS = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


class Header(NamedTuple):
    """What is known of a picture before its pixels are decoded; the picture stands upright (EXIF applied)."""

    height: int
    width: int
    channels: int  # 1 grey, 3 colour; transparency is not counted
    dtype: np.dtype


@dataclasses.dataclass(frozen=True, eq=False)
class Picture:
    """A picture, upright, with what must survive from the file it came from to the file it goes to.

    `values` is `(h, w)` grey or `(h, w, 3)` RGB; uint8 means 0..255, uint16 0..65535, float32 is taken as it is.
    `alpha` is `(h, w)` of the same dtype (0 = clear, the dtype's maximum = opaque) or None where there is none.
    `icc` is the colour profile. `exif` is the EXIF block without its orientation, which has been applied.
    `texts` are (keyword, text) pairs that a PNG file carries, ASCII alone; they are not read.
    `frames` counts the frames or pages of the file, of which this is the first.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    frames: int = 1
    texts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        shape, dtype = self.values.shape, self.values.dtype
        if not (len(shape) == 2 or (len(shape) == 3 and shape[2] == 3)) or 0 in shape:
            raise Mistake("not the shape of a picture", got=str(shape), allowed="(h, w) or (h, w, 3)")
        if dtype not in DEPTHS:
            raise Mistake("not the numbers of a picture", got=str(dtype), allowed="uint8, uint16, float32")
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != dtype):
            got = f"{self.alpha.dtype} {self.alpha.shape}"
            raise Mistake("the transparency does not fit the picture", got=got, allowed=f"{dtype} {shape[:2]}")

    def with_values(self, values: np.ndarray) -> Picture:
        """The same picture with other pixels; its transparency stays, where it still fits."""
        return dataclasses.replace(
            self, values=values, alpha=self.alpha if values.shape[:2] == self.values.shape[:2] else None
        )

    def fitting_icc(self) -> bytes | None:
        """The colour profile, if it is one for the kind of pixels that are here; a CMYK picture's is not."""
        space = b"GRAY" if self.values.ndim == 2 else b"RGB "
        return self.icc if self.icc and self.icc[16:20] == space else None


def is_picture(name: str | os.PathLike[str]) -> bool:
    """Does the file's suffix say that it is a picture that can be read?"""
    return PurePath(name).suffix.lower() in SUFFIXES
