"""How widely drawn codes are spread: along each of their own principal directions as far as those learned from."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from diabolo.learned import Statistics
from diabolo.priors.base import Groups

DRAWN = 8192  # rows that are drawn to see how they are spread, so many at once:
AT_ONCE = 1024
FEWEST, FEWEST_EACH = 1000, 100  # rows, and of one combination of conditions: of fewer, chance tells more
WIDEST = 512  # numbers of a row: the square of this is kept
LEAST, MOST = 0.5, 2.0  # times that a direction is stretched


class Spread(Statistics):
    """Rows stretched about the mean of their conditions, by one factor along each principal direction.

    A velocity that is learned by squared errors is a little too short wherever it is not sure, and steps in time add
    to that: along directions in which digits' codes vary least, samples had .87 of their variance. What classifiers
    learned from samples suffered by it. Without enough to learn from, rows are left as they are.
    """

    NAMES = ("means", "stretch")
    means: Tensor  # (m, d) of drawn rows; (0,) where nothing was learned
    stretch: Tensor  # (d, d), symmetric

    def __init__(self) -> None:
        super().__init__()
        self.groups = Groups()

    def learn(
        self, rows: Tensor, conditions: Tensor, draw: Callable[[Tensor, Generator], Tensor], generator: Generator
    ) -> None:
        """Compare rows (n, d) with those that `draw` makes for the same conditions (n, k)."""
        count, numbers = rows.shape
        if count < FEWEST or numbers > WIDEST:
            return
        own = self.groups.learn(conditions)
        if own.bincount().min() < FEWEST_EACH:
            own = self.groups.learn(conditions[:, :0])
        chosen = torch.randint(count, (DRAWN,), generator=generator, device=generator.device)
        drawn = torch.cat([draw(some, generator) for some in conditions[chosen].split(AT_ONCE)]).double()
        means = centres(drawn, own[chosen], len(self.groups.seen))
        found, axes = torch.linalg.eigh(torch.cov((drawn - means[own[chosen]]).T))
        true = rows.double() - centres(rows.double(), own, len(means))[own]
        wanted = (true @ axes).var(0)
        factors = (wanted / found.clamp(min=1e-12)).sqrt().clamp(LEAST, MOST)
        self.keep(means=means, stretch=axes @ factors.diag() @ axes.T)

    def forward(self, rows: Tensor, conditions: Tensor) -> Tensor:
        if not len(self.means):
            return rows
        means = self._means(conditions)
        return means + (rows - means) @ self.stretch

    def back(self, rows: Tensor, conditions: Tensor) -> Tensor:
        """The rows before they were stretched."""
        if not len(self.means):
            return rows
        means = self._means(conditions)
        return means + torch.linalg.solve(self.stretch, (rows - means).T).T

    def _means(self, conditions: Tensor) -> Tensor:
        return self.means[self.groups.nearest(conditions[:, : self.groups.seen.shape[1]])]


def centres(rows: Tensor, numbers: Tensor, count: int) -> Tensor:
    """The mean (count, d) of the rows (n, d) of each number (n,) below `count`."""
    sums = rows.new_zeros(count, rows.shape[1]).index_add_(0, numbers, rows)
    return sums / numbers.bincount(minlength=count).clamp(min=1)[:, None]
