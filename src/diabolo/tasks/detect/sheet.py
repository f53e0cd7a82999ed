"""A sheet of pictures, their maps and their masks, side by side: to judge by eye what the figures say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diabolo.pixels import resize
from diabolo.tasks.detect.files import FULLEST, Found, shown
from diabolo.tasks.detect.overlay import OUTLINE, edges, overlay

SIDE, GAP, COLUMNS = 160, 6, 4  # pixels of a cell and between cells; examples in a row
MOST = 24  # examples


def sheet(found: Sequence[Found], masks: Sequence[np.ndarray | None], limit: float) -> np.ndarray:
    """uint8 (h, w, 3): for each example the picture, with its mask outlined where there is one, and its map beside."""
    cells = []
    for one, mask in zip(found[:MOST], masks[:MOST], strict=True):
        plain = overlay(shown(one.image), np.zeros(one.heat.shape), limit, FULLEST * limit)
        if mask is not None:
            plain[edges(mask)] = OUTLINE
        heat = overlay(shown(one.image), one.heat, limit, FULLEST * limit)
        cells.append(np.concatenate([_fitted(plain), _fitted(heat)], 1))
    blank = np.full_like(cells[0], 255)
    rows = []
    for start in range(0, len(cells), COLUMNS):
        row = cells[start : start + COLUMNS]
        row += [blank] * (COLUMNS - len(row))
        rows.append(
            np.concatenate([np.pad(cell, ((0, GAP), (0, GAP), (0, 0)), constant_values=255) for cell in row], 1)
        )
    return np.concatenate(rows)


def spread(found: Sequence[Found]) -> list[int]:
    """Which examples are drawn: of each kind as many, from the most to the least abnormal."""
    kinds: dict[str, list[int]] = {}
    for i, one in enumerate(found):
        kinds.setdefault(one.name.rpartition("/")[0], []).append(i)
    each = max(1, MOST // len(kinds))
    chosen = []
    for places in list(kinds.values())[:MOST]:
        ranked = sorted(places, key=lambda i: found[i].score)
        chosen += [ranked[round(step)] for step in np.linspace(0, len(ranked) - 1, min(each, len(ranked)))]
    return chosen


def _fitted(picture: np.ndarray) -> np.ndarray:
    """The picture as large as fits a square cell, on white."""
    height, width = picture.shape[:2]
    factor = SIDE / max(height, width)
    size = max(1, round(height * factor)), max(1, round(width * factor))
    small = picture.repeat(int(factor), 0).repeat(int(factor), 1) if factor >= 2 else picture
    cell = np.full((SIDE, SIDE, 3), 255, np.uint8)
    cell[: size[0], : size[1]] = resize(small, *size)
    return cell
