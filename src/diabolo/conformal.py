"""Thresholds that hold: what scores of normal data that nothing was learned from say about further scores.

Whatever the score, whatever the data: if a new picture is normal as those were, its p-value is below alpha with a
probability of at most alpha (split conformal prediction; Vovk, Gammerman and Shafer 2005, section 2.2; for anomalies
Laxhammar and Falkman 2010). Scores here are higher for what is more normal.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

from diabolo.errors import Mistake

TIE = (
    1e-5  # of a score, or of 1 where it is less: by so much a picture's score may change with what is judged beside it
)
LEAST_ALPHA = 1e-5  # a smaller rate takes more normal pictures than anybody has


def p_values(scores: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(1 + how many of the m sorted scores of `normal` are at most as high) / (m + 1), in 0..1, shaped as `scores`.

    What is higher by less than a `TIE` counts too: the p-value of a copy of normal data does not hang on a last bit.
    """
    return (1 + np.searchsorted(forgiving(normal), scores, side="right")) / (len(normal) + 1)


def threshold(normal: np.ndarray, alpha: float) -> float:
    """The score below which, and only there, a p-value is at most alpha; `normal` is sorted upwards.

    A `Mistake` where there are too few normal scores for this alpha.
    """
    check_alpha(alpha, len(normal))
    return float(forgiving(normal)[_rank(alpha, len(normal)) - 1])


def forgiving(normal: np.ndarray) -> np.ndarray:
    """What a score must reach for each of `normal` to be at most as high: a `TIE` less than these, in their order."""
    return normal - TIE * np.maximum(1, np.abs(normal))


def fewest(alpha: float) -> int:
    """How many normal scores it takes for a p-value of alpha to be possible: 1 / (m + 1) <= alpha."""
    return max(1, math.ceil(1 / alpha - 1e-9) - 1)


def check_alpha(alpha: Any, count: int) -> None:
    """Refuse a rate of false alarms that is none, or that `count` normal scores cannot promise."""
    if isinstance(alpha, bool) or not isinstance(alpha, Real) or not LEAST_ALPHA <= float(alpha) < 1:
        got, allowed = f"alpha {alpha}", f"{LEAST_ALPHA:g} to less than 1"
        raise Mistake("not a rate of false alarms", got, allowed, "--alpha 0.05")
    if not _rank(float(alpha), count):
        lowest = math.ceil(1e4 / (count + 1)) / 1e4
        remedy = f"--alpha {lowest:g}, or {fewest(float(alpha)) - count} more normal pictures to calibrate with"
        got = f"alpha {float(alpha):g} with {count} normal pictures kept for calibration"
        raise Mistake("too few normal pictures for this rate of false alarms", got, f"{lowest:g} or more", remedy)


def benjamini_hochberg(p: np.ndarray, alpha: float) -> np.ndarray:
    """Which of (n,) p-values are discoveries, bool, so that at most a share `alpha` of these is false, on average.

    Benjamini and Hochberg 1995; it holds for conformal p-values that share their normal scores (Bates, Candes, Lei,
    Romano and Sesia 2023, theorem 2).
    """
    order = np.sort(p)
    within = np.flatnonzero(order <= alpha * (1 + np.arange(len(p))) / len(p) + 1e-12)
    return p <= order[within[-1]] if len(within) else np.zeros(len(p), bool)


def conformal_quantile(errors: np.ndarray, coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest of n errors: a further one is at most so large with that probability.

    The largest where n is too small for such a promise. (Vovk, Gammerman and Shafer 2005, section 2.2)
    """
    rank = min(len(errors), math.ceil((len(errors) + 1) * coverage))
    return float(np.partition(errors, rank - 1)[rank - 1])


def _rank(alpha: float, count: int) -> int:
    """The greatest k with k / (count + 1) <= alpha; a hair is forgiven, since 0.01 is no binary fraction."""
    return min(count, math.floor(alpha * (count + 1) + 1e-9))
