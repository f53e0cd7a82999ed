"""Does a set repeat what was learned from? Distances to it, against those of what nobody learned from."""

from __future__ import annotations

import dataclasses

import numpy as np

from diabolo.fidelity.intervals import Interval, auroc, bootstrap
from diabolo.fidelity.neighbours import nearest

QUANTILE = 0.01  # so few of the real ones that were not learned from are as near by chance
MOST_HELD = 5000  # learned ones that are held against the others


@dataclasses.dataclass(frozen=True, eq=False)
class Copying:
    """Distances of samples to the nearest one learned from, and what distances are usual."""

    distances: np.ndarray  # (m,) of the samples
    index: np.ndarray  # (m,) the number of the nearest one learned from
    limit: float  # below it are 1 % of real ones that were not learned from
    share: Interval  # of the samples that are below it; 0.01 by chance

    @property
    def suspicious(self) -> np.ndarray:
        """The samples' numbers, the nearest first."""
        return np.argsort(self.distances / max(self.limit, 1e-12), kind="stable")


def copying(samples: np.ndarray, learned: np.ndarray, unseen: np.ndarray | None = None) -> Copying:
    """How many of (m, d) samples are nearer to the learned ones (n, d) than all but 1 % of real ones would be.

    `unseen` are real ones that were not learned from. Without them some learned ones are held against the others: as
    far from n - 1 of them as a new one would be, if none of them stands there twice.
    """
    distances, index = nearest(samples, learned)
    if unseen is None:
        own = np.linspace(0, len(learned) - 1, min(len(learned), MOST_HELD)).astype(int)
        usual = nearest(learned[own], learned, leave_out=own)[0]
    else:
        usual = nearest(unseen, learned)[0]
    limit = float(np.quantile(usual, QUANTILE))
    return Copying(distances, index, limit, Interval.of_share(distances < limit))


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
    return bootstrap(auroc, -nearest(unseen, samples)[0], -nearest(learned, samples)[0], draws=200)
