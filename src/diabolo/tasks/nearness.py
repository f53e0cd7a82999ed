"""How near two pictures are, over all their values, strip by strip: large pictures take little memory."""

from __future__ import annotations

import numpy as np

ROWS = 256  # of a strip


def full_range(values: np.ndarray) -> float:
    """The value that means white."""
    return float(np.iinfo(values.dtype).max) if values.dtype.kind in "ui" else 1.0


def psnr(values: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures (h, w) or (h, w, c) of one type, dB; infinite where they are equal."""
    return psnr_of([values], [truth])


def psnr_of(pictures: list[np.ndarray], truths: list[np.ndarray]) -> float:
    """The same over the values of many pictures together."""
    squares, count = 0.0, 0
    for values, truth in zip(pictures, truths, strict=True):
        for top in range(0, len(truth), ROWS):
            strip = values[top : top + ROWS].astype(np.float64) - truth[top : top + ROWS]
            squares += float(np.square(strip).sum())
        count += truth.size
    top_squared = full_range(truths[0]) ** 2
    return float(10 * np.log10(top_squared * count / squares)) if squares else float("inf")
