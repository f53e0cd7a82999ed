"""Does a set repeat what was learned from? Distances to it, against those of what nobody learned from."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from diabolo.fidelity.intervals import Interval, auroc_interval
from diabolo.fidelity.neighbours import nearest

QUANTILE = 0.01  # so few of the real ones that were not learned from are as near by chance, equal ones aside
SAME = 1e-5  # of the spread of those learned from: what is no farther apart is equal but for rounding
MOST_HELD = 5000  # learned ones that are held against the others


@dataclasses.dataclass(frozen=True, eq=False)
class Copying:
    """Distances of samples to the nearest one learned from, and what distances are usual."""

    distances: np.ndarray  # (m,) of the samples
    index: np.ndarray  # (m,) the number of the nearest one learned from
    limit: float  # below it are 1 % of the real ones that were not learned from and equal none that was
    chance: float  # the share of samples expected below it: 0.01, more where real ones equal learned ones, too
    share: Interval  # of the samples that are below it

    @property
    def suspicious(self) -> np.ndarray:
        """The samples' numbers, the nearest first."""
        return np.argsort(self.distances / max(self.limit, 1e-12), kind="stable")


def copying(samples: np.ndarray, learned: np.ndarray, unseen: np.ndarray | None = None) -> Copying:
    """How many of (m, d) samples are nearer to the learned ones (n, d) than all but 1 % of real ones would be.

    Real ones that equal a learned one, as rows of a table may, do not count for the 1 %: more of them would make the
    limit 0, which no near copy is below. As many samples may equal a learned one, too, and are expected below it.
    `unseen` are real ones that were not learned from. Without them some learned ones are held against the others: as
    far from n - 1 of them as a new one would be, if none of them stands there twice.
    """
    distances, index = nearest(samples, learned)
    if unseen is None:
        own = np.linspace(0, len(learned) - 1, min(len(learned), MOST_HELD)).astype(int)
        usual = nearest(learned[own], learned, leave_out=own)[0]
    else:
        usual = nearest(unseen, learned)[0]
    same = SAME * math.sqrt(learned.var(0, dtype=np.float64).sum())
    apart = usual[usual > same]
    limit = float(np.quantile(apart, QUANTILE)) if len(apart) else same
    repeated = min(float((ones <= same).mean()) for ones in (usual, distances))
    chance = QUANTILE + (1 - QUANTILE) * repeated
    return Copying(distances, index, limit, chance, Interval.of_share(distances < limit))


def nearer_than(samples: np.ndarray, learned: np.ndarray, unseen: np.ndarray) -> Interval:
    """The share of samples whose nearest real one, of learned (n, d) and unseen (m, d), was learned from.

    n / (n + m) where nothing is repeated, 1 where all is. Blur, which brings samples nearer to everything, does not
    move it. Where both are equally near it is unseen.
    """
    return Interval.of_share(nearest(samples, learned)[0] < nearest(samples, unseen)[0])


def membership(samples: np.ndarray, learned: np.ndarray, unseen: np.ndarray) -> Interval:
    """How well the distance to the nearest sample tells learned from unseen ones: an AUROC, 0.5 = not at all.

    The attack of Chen, Yu, Zhang and Fritz 2020 ("GAN-Leaks", section 4.2), which needs the samples alone.
    """
    return auroc_interval(-nearest(unseen, samples)[0], -nearest(learned, samples)[0], draws=200)
