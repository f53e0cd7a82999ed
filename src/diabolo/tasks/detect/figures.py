"""How well anomalies are found and placed: figures of evaluation, all in 0..1, 1 = perfect, for known good and bad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import label
from sklearn.metrics import roc_auc_score

EIGHT_NEIGHBOURS = np.ones((3, 3), int)  # pixels that touch at a corner belong to one region
MOST_FALSE = 0.3  # up to this share of false pixels the per-region overlap is averaged (Bergmann et al. 2020)
STEPS = 400  # thresholds of the curve


def auroc(good: np.ndarray, bad: np.ndarray) -> float:
    """How probable it is that a bad picture scores as less normal than a good one; scores, higher = more normal."""
    truth = np.concatenate((np.zeros(len(good)), np.ones(len(bad))))
    return float(roc_auc_score(truth, -np.concatenate((good, bad))))


def pixel_auroc(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> float:
    """The same of pixels: maps (h, w) that are higher where it is wrong, masks (h, w) that are not 0 there."""
    values = np.concatenate([m.reshape(-1) for m in maps])
    return float(roc_auc_score(np.concatenate([m.reshape(-1) > 0 for m in masks]), values))


def aupro(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray], most_false: float = MOST_FALSE) -> float:
    """Area under the per-region overlap: of each connected region of the masks, large or small, the share found.

    Averaged over false-positive rates of pixels from 0 to `most_false`, and divided by that (Bergmann, Batzner,
    Fauser, Sattlegger and Steger 2021, "The MVTec anomaly detection dataset", section 5.2).
    """
    sound, regions = [], []
    for heat, mask in zip(maps, masks, strict=True):
        named, count = label(mask > 0, EIGHT_NEIGHBOURS)
        sound.append(heat[named == 0])
        regions += [np.sort(heat[named == number]) for number in range(1, count + 1)]
    normal = np.sort(np.concatenate(sound))
    rates = np.linspace(0, most_false, STEPS)
    # The threshold of a rate is the normal value that so many lie above: (n - rank) / n of them.
    ranks = np.minimum(len(normal) - 1, len(normal) - np.floor(rates * len(normal)).astype(int))
    limits = normal[ranks]
    overlap = np.mean([1 - np.searchsorted(r, limits, side="right") / len(r) for r in regions], axis=0)
    return float(np.trapezoid(overlap, rates) / most_false)
