"""Before and after, side by side: the whole picture, and below it the place that changed most, pixel by pixel."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from diabolo.pixels import resize

WIDEST = 800  # pixels of the whole picture, on each side
DETAIL = 200  # pixels of the place that is shown enlarged, four times
GAP = 8


def before_and_after(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3): left before, right after. Pictures (h, w) or (h, w, 3); the first may be smaller than the last."""
    pair = [_bytes(before), _bytes(after)]
    if pair[0].shape != pair[1].shape:  # enlarged: each pixel as a square
        factor = pair[1].shape[0] // pair[0].shape[0]
        pair[0] = pair[0].repeat(factor, 0).repeat(factor, 1)
    height, width = pair[1].shape[:2]
    shrink = min(1.0, WIDEST / max(height, width))
    size = max(1, round(height * shrink)), max(1, round(width * shrink))
    rows = [_side_by_side([resize(picture, *size) for picture in pair])]
    if min(height, width) > 16:
        rows.append(_side_by_side(_details(pair, size[1])))
    widest = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, GAP), (0, widest - r.shape[1]), (0, 0)), constant_values=255) for r in rows]
    return np.concatenate(padded)[:-GAP]


def _details(pair: list[np.ndarray], width: int) -> list[np.ndarray]:
    """The square that changed most of both pictures, each pixel as large as fits the width."""
    side = min(DETAIL, *pair[1].shape[:2])
    change = np.abs(pair[1].astype(np.float32) - pair[0]).mean(2)
    sums = uniform_filter(change, side, mode="constant")
    half = side // 2
    inside = sums[half : sums.shape[0] - (side - half) + 1, half : sums.shape[1] - (side - half) + 1]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    factor = max(1, width // side)
    cut = [picture[top : top + side, left : left + side] for picture in pair]
    return [square.repeat(factor, 0).repeat(factor, 1) for square in cut]


def _side_by_side(pair: list[np.ndarray]) -> np.ndarray:
    gap = np.full((pair[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([pair[0], gap, pair[1]], 1)


def _bytes(values: np.ndarray) -> np.ndarray:
    top = 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)
    shown = np.clip(np.nan_to_num(values.astype(np.float32)) / top, 0, 1)
    colour = shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, 2)
    return np.rint(colour * 255).astype(np.uint8)
