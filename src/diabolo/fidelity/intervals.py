"""Figures with their 95 % intervals: of means, of differences of pairs, of how well two kinds are told apart."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from scipy.stats import binomtest, rankdata, t

LEVEL = 0.95
DRAWS = 1000  # of a bootstrap


@dataclasses.dataclass(frozen=True)
class Interval:
    """A figure and the ends of its 95 % interval, NaN where nothing says how sure it is."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of_mean(cls, values: np.ndarray) -> Interval:
        """The mean of (n,) independent values with Student's interval."""
        mean = float(values.mean())
        if len(values) < 2:
            return cls(mean)
        half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
        return cls(mean, mean - half, mean + half)

    @classmethod
    def of_share(cls, hits: np.ndarray) -> Interval:
        """The share of (n,) bool that is true with Wilson's interval, which is sound at 0 and 1, too."""
        found = binomtest(int(hits.sum()), len(hits)).proportion_ci(LEVEL, method="wilson")
        return cls(float(hits.mean()), float(found.low), float(found.high))

    def to_dict(self) -> dict[str, float | None]:
        """As plain data for JSON, which knows no NaN."""
        return {name: None if math.isnan(value) else value for name, value in dataclasses.asdict(self).items()}


def paired(a: np.ndarray, b: np.ndarray) -> Interval:
    """The mean of a - b, (k, n) each: what k trainings, done both ways, reached on each of the same n test images.

    Its half-width adds, as independent errors do, that of other trainings (Student's, by the k differences) and that of
    other test images (by the n differences, each the mean over the trainings).
    """
    differences = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    ways = [Interval.of_mean(differences.mean(axis)) for axis in (1, 0)]
    half = math.hypot(*(way.high - way.value for way in ways))
    return Interval(ways[0].value, ways[0].value - half, ways[0].value + half)


def bootstrap(figure: Callable[..., float], *samples: np.ndarray, seed: int = 0, draws: int = DRAWS) -> Interval:
    """`figure(*samples)` with the middle 95 % of what it is on samples drawn again with replacement.

    Each sample (n, ...) is drawn by itself (Efron and Tibshirani 1993, chapter 13).
    """
    generator = np.random.default_rng(seed)
    drawn = [
        figure(*(sample[generator.integers(len(sample), size=len(sample))] for sample in samples)) for _ in range(draws)
    ]
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(figure(*samples), float(low), float(high))


def auroc(low: np.ndarray, high: np.ndarray) -> float:
    """How probable it is that one of `high` is above one of `low`, 0..1, a tie counting half: (n,) and (m,) scores."""
    ranks = rankdata(np.concatenate((low, high)))[len(low) :]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(low) * len(high)))


def auroc_interval(low: np.ndarray, high: np.ndarray, draws: int = DRAWS) -> Interval:
    """`auroc` with its interval.

    Where all are told apart, drawing again shows no chance: the interval is then that of a share of as many as the
    smaller sample has.
    """
    found = bootstrap(auroc, low, high, draws=draws)
    if found.low < found.high or found.value not in (0, 1):
        return found
    return Interval.of_share(np.full(min(len(low), len(high)), found.value == 1))
