"""Before and after, side by side: the whole picture, and below it the place that changed most, pixel by pixel."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from diabolo.pixels import resize
from diabolo.tasks.nearness import full_range

WIDEST = 800  # pixels of the whole picture, on each side
CLOSER = 4  # how much larger the place that changed most is shown
GAP = 8


def before_and_after(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3): left before, right after. Pictures (h, w) or (h, w, 3); `before` may be smaller."""
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
    side = min(max(8, width // CLOSER), *pair[1].shape[:2])
    change = np.zeros(pair[1].shape[:2], np.float32)
    for c in range(3):  # not all at once: of a large picture they are many bytes
        change += np.abs(pair[1][..., c].astype(np.int16) - pair[0][..., c])
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
    planes = values if values.ndim == 3 else values[..., None]
    shown = np.empty((*planes.shape[:2], 3), np.uint8)
    for row, line in zip(shown, planes, strict=True):
        exact = line if line.dtype == np.uint8 else np.nan_to_num(line.astype(np.float32)) / full_range(line) * 255
        row[...] = np.clip(np.rint(exact), 0, 255)
    return shown
