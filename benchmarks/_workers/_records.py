"""Handwritten digits as records of four modalities: a picture, a label, statistics of its strokes, a caption."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label
from skimage.morphology import skeletonize

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
STROKES = ("ink", "width", "slant", "aspect", "holes")  # the table row
DIGITS = {"ink": 3, "width": 2, "slant": 1, "aspect": 2, "holes": 0}  # after the point
INK = 127  # values above are ink, of 255
HOLE = 2  # pixels; what is smaller is no hole
NEAR = 0.5  # standard deviations of a statistic in the training set


def strokes(image: np.ndarray) -> tuple[float, ...]:
    """Of a picture (h, w), uint8, the share of ink, the strokes' mean width (pixels), their slant (degrees, positive to
    the right), the width of the box around them by its height, and the number of holes; zeros where there is no ink."""
    inked = image > INK
    if not inked.any():
        return (0.0,) * len(STROKES)
    y, x = np.nonzero(inked)
    away_y, away_x = y - y.mean(), x - x.mean()
    slant = np.degrees(np.arctan2(-(away_x * away_y).mean(), max((away_y**2).mean(), 1e-9)))
    empty, found = label(~np.pad(inked, 1))
    sizes = np.bincount(empty.ravel(), minlength=found + 1)[1:]
    return (
        float(image.mean() / 255),
        inked.sum() / max(1, skeletonize(inked).sum()),
        float(slant),
        (np.ptp(x) + 1) / (np.ptp(y) + 1),
        float((sizes >= HOLE).sum() - 1),
    )


def all_strokes(images: np.ndarray) -> np.ndarray:
    """(n, 5) statistics of pictures (n, h, w), in the order of `STROKES`."""
    return np.array([strokes(image) for image in images])


def records(images: np.ndarray, labels: np.ndarray, statistics: np.ndarray, thick: float) -> dict[str, object]:
    """Columns: pictures from a width of strokes of `thick` pixels on are "thick" ones, the others "thin"."""
    row = {name: np.round(statistics[:, i], DIGITS[name]) for i, name in enumerate(STROKES)}
    caption = [f"{stroke(width, thick)} {WORDS[number]}" for width, number in zip(row["width"], labels, strict=True)]
    return {"picture": images, "digit": [str(number) for number in labels], **row, "caption": caption}


def stroke(width: float, thick: float) -> str:
    return "thick" if width >= thick else "thin"


def spoken(captions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What captions say: the digit, and the stroke; -1 and "" where a word is missing."""
    words = [(*caption.split(), "", "")[:2] for caption in captions]
    numbers = np.array([WORDS.index(second) if second in WORDS else -1 for _, second in words])
    return numbers, np.array([first for first, _ in words])


def near(one: np.ndarray, other: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """(n,) shares of the statistics (n, 5) that are within `NEAR` standard deviations (5,) of each other."""
    return (np.abs(one - other) <= NEAR * spread).mean(1)


def rows_of(made: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([made[name].astype(float) for name in STROKES], 1)
