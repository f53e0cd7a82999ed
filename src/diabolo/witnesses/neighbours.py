"""The neighbours witness: how far the nearest normal ones are."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.learned import Statistics
from diabolo.options import option, part
from diabolo.witnesses.base import (
    SEEN,
    Evidence,
    Moments,
    Told,
    chosen_rows,
    placed,
    rows_of,
    seen,
    whitener,
    worst,
)

AT_ONCE = 2**24  # distances, or differences, in memory


@part
class Neighbours:
    """The mean distance to the nearest of many rows kept from normal images."""

    of: str = option("features", "what it looks at", choices=SEEN)
    kept: int = option(2000, "rows of normal images that are kept", at_least=1, at_most=10**6)
    nearest: int = option(5, "neighbours whose distance counts, the mean of all", at_least=1, at_most=1000)
    white: bool = option(True, "distances in units of the spread in every direction")
    shrink: float = option(0.01, "share of the covariance that is moved to its diagonal", at_least=0, at_most=1)
    share: float = option(1.0, "share of the most abnormal places that make an image's score", above=0, at_most=1)

    def whole(self, said: Tensor) -> Tensor:
        """What it says of whole images, (n,), from what it says of their places."""
        return worst(said, self.share)

    def build(self) -> NeighboursWitness:
        return NeighboursWitness(self)


class NeighboursWitness(Statistics):
    """Euclidean distances (of whitened rows) over the root of the dimensions: (n,), or (n, h', w') of maps."""

    NAMES = ("mean", "whitening", "bank")
    mean: Tensor  # (d,)
    whitening: Tensor  # (d, d)
    bank: Tensor  # (kept, d), whitened

    def __init__(self, options: Neighbours) -> None:
        super().__init__()
        self.options = options

    def learn(self, told: Told, generator: torch.Generator) -> None:
        moments = Moments()
        for evidence in told():
            moments.add(rows_of(self._look(evidence)))
        plain = torch.eye(len(moments.mean())).to(moments.mean())
        white = whitener(moments.covariance(self.options.shrink)) if self.options.white else plain
        self.keep(mean=moments.mean(), whitening=white)
        rows = chosen_rows(told, self._look, self.options.kept, generator)
        self.keep(bank=self._whitened(rows))

    def forward(self, evidence: Evidence) -> Tensor:
        values = self._look(evidence)
        rows = self._whitened(rows_of(values))
        if torch.compiler.is_compiling():  # for export: there the number of rows is left open
            return placed(self._distance(rows, self._nearest_of_any(rows)), values)
        parts = rows.split(max(1, AT_ONCE // max(len(self.bank), self._count * rows.shape[1])))
        return placed(torch.cat([self._distance(some, self._nearest(some)) for some in parts]), values)

    def _look(self, evidence: Evidence) -> Tensor:
        return seen(evidence, self.options.of)

    def _whitened(self, rows: Tensor) -> Tensor:
        return (rows - self.mean) @ self.whitening

    def _distance(self, rows: Tensor, nearest: Tensor) -> Tensor:
        """The mean distance to the rows of the bank that are nearest: taken anew, since a product of matrices is not
        exact where a distance is small beside the rows' lengths.
        """
        differences = rows[:, None] - self.bank.to(rows)[nearest]
        return differences.square().sum(2).sqrt().mean(1) / rows.shape[1] ** 0.5

    def _nearest(self, rows: Tensor) -> Tensor:
        """Which rows of the bank are nearest, (m, nearest)."""
        return torch.cdist(rows, self.bank.to(rows)).topk(self._count, 1, largest=False).indices

    def _nearest_of_any(self, rows: Tensor) -> Tensor:
        """The same of any number of rows, in operators that can be exported; a part of the bank after the other."""
        least, which = rows.new_zeros(rows.shape[0], 0), torch.zeros(rows.shape[0], 0, dtype=torch.long)
        step = max(256, self._count, len(self.bank) // 16)
        for start, some in zip(range(0, len(self.bank), step), self.bank.to(rows).split(step), strict=True):
            squares = some.square().sum(1) - 2 * rows @ some.T  # less the row's own, which is the same for all
            numbers = torch.arange(start, start + len(some)).expand(rows.shape[0], -1)
            least, found = torch.cat((least, squares), 1).topk(self._count, 1, largest=False)
            which = torch.cat((which, numbers), 1).gather(1, found)
        return which

    @property
    def _count(self) -> int:
        return min(self.options.nearest, len(self.bank))
