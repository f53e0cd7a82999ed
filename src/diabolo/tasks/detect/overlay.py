"""A heat map laid over its picture: nothing where all is normal, yellow to red where it is not."""

from __future__ import annotations

import numpy as np

from diabolo.errors import Mistake
from diabolo.tasks.nearness import full_range

COOL, HOT = np.array([255.0, 210.0, 0.0]), np.array([220.0, 0.0, 0.0])
STRONGEST = 0.65  # of what lies over the picture; the rest is the picture
OUTLINE = np.array([220, 0, 0], np.uint8)


def overlay(picture: np.ndarray, heat: np.ndarray, limit: float, most: float) -> np.ndarray:
    """The picture as uint8 (h, w, 3) under its heat (h, w), any scale.

    Colour begins at half of `limit`, above which a place counts as wrong and is outlined, and is fullest at `most`.
    """
    planes = picture if picture.ndim == 3 else picture[..., None]
    planes = planes if planes.shape[2] == 3 else planes.mean(2, keepdims=True)
    shown = np.clip(np.nan_to_num(planes.astype(np.float32)) / full_range(picture), 0, 1) * 255
    shown = np.repeat(shown, 3, 2) if shown.shape[2] == 1 else shown
    start = limit / 2
    strength = np.clip((heat - start) / max(most - start, 1e-12), 0, 1)[..., None]
    mixed = shown * (1 - STRONGEST * strength) + (COOL + (HOT - COOL) * strength) * STRONGEST * strength
    result = np.rint(mixed).astype(np.uint8)
    result[edges(heat > limit)] = OUTLINE
    return result


def edges(wrong: np.ndarray) -> np.ndarray:
    """The pixels of (h, w) that are wrong and have a neighbour that is not."""
    inside = wrong.copy()
    inside[1:] &= wrong[:-1]
    inside[:-1] &= wrong[1:]
    inside[:, 1:] &= wrong[:, :-1]
    inside[:, :-1] &= wrong[:, 1:]
    return wrong & ~inside


def mask_of(values: np.ndarray, size: tuple[int, int], name: str) -> np.ndarray:
    """A mask as bool (h, w): any value that is not 0; a `Mistake` where it is not of the picture's size."""
    flat = values.max(2) if values.ndim == 3 else values
    if flat.shape != size:
        got, allowed = f"{flat.shape[1]} x {flat.shape[0]} pixels", f"{size[1]} x {size[0]}, as its picture"
        raise Mistake(f"the mask {name} does not fit its picture", got, allowed)
    return np.asarray(flat > 0)
