"""Pictures turned before they are coded: the network is not the same in all directions, so one of eight takes least.

A turn 0..7 is a quarter turn, counter-clockwise, as many times as its two low bits say, and from 4 on then a mirroring
left to right.
"""

from __future__ import annotations

import numpy as np

# In the order in which they are tried: what helped most often on photos that were held out from training comes first.
TURNS = (0, 6, 2, 4, 5, 7, 1, 3)


def turned(images: np.ndarray, turn: int) -> np.ndarray:
    """Images (n, h, w) or (n, h, w, c) after a turn."""
    out = np.rot90(images, turn % 4, (1, 2))
    return np.ascontiguousarray(out[:, :, ::-1] if turn > 3 else out)


def upright(images: np.ndarray, turn: int) -> np.ndarray:
    """Images as they were before a turn."""
    out = images[:, :, ::-1] if turn > 3 else images
    return np.ascontiguousarray(np.rot90(out, -turn % 4, (1, 2)))


def turned_region(region: tuple[int, int, int, int], turn: int, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Where the rectangle (top, left, height, width) of upright images lies after a turn.

    `size`: (height, width) of the images after it.

    >>> turned_region((0, 1, 2, 3), 1, size=(10, 8))
    (6, 0, 3, 2)
    """
    top, left, height, width = region
    rows, columns = size if turn % 2 == 0 else size[::-1]
    for _ in range(turn % 4):
        top, left, height, width = columns - left - width, top, width, height
        rows, columns = columns, rows
    return (top, columns - left - width, height, width) if turn > 3 else (top, left, height, width)
