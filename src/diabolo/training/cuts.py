"""Squares cut from pictures of any size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CENTRE = (0.5, 0.5)


class Cut(NamedTuple):
    """Where a square is cut from an image: its side in pixels, 0 = the whole image, and its place, 0..1 of the way.

    Without a margin it lies within the picture, and one too short for it is mirrored at its ends. With a `margin` it
    may hang over the picture's edges by so many pixels, or further where the picture is too short.
    """

    side: int = 0
    y: float = CENTRE[0]
    x: float = CENTRE[1]
    margin: int = 0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """(h, w) or (h, w, c) to (side, side[, c]); with a margin to (side, side, c + 1), see `_hanging`."""
        if not self.side or image.ndim == 1:
            return image
        return self._hanging(image) if self.margin else self._within(image)

    def _within(self, image: np.ndarray) -> np.ndarray:
        lacks = [(0, max(0, self.side - length)) for length in image.shape[:2]]
        if lacks != [(0, 0), (0, 0)]:
            image = np.pad(image, [*lacks, *[(0, 0)] * (image.ndim - 2)], mode="symmetric")
        top, left = (_start(place, length - self.side) for place, length in zip(self[1:3], image.shape, strict=False))
        return image[top : top + self.side, left : left + self.side]

    def _hanging(self, image: np.ndarray) -> np.ndarray:
        """The square, 0 outside of the image, and as one more channel 1 where the image is and 0 outside."""
        planes = image[..., None] if image.ndim == 2 else image
        square = np.zeros((self.side, self.side, planes.shape[2] + 1), image.dtype)
        there, here = [], []
        for place, length in zip(self[1:3], image.shape, strict=False):
            spare = max(length + 2 * self.margin - self.side, 0)
            first = _start(place, spare) - max(self.margin, (self.side - length) // 2)
            seen = slice(max(first, 0), min(first + self.side, length))
            there.append(seen)
            here.append(slice(seen.start - first, seen.stop - first))
        inside = square[here[0], here[1]]
        inside[..., :-1] = planes[there[0], there[1]]
        inside[..., -1] = 1
        return square


def _start(place: float, spare: int) -> int:
    """The first of `spare` + 1 possible pixels that is `place`, 0..1, of the way."""
    return min(int(place * (spare + 1)), spare)
