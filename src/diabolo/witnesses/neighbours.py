"""The neighbours witness: how far the nearest normal ones are."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.options import option, part
from diabolo.witnesses.base import (
    SEEN,
    Evidence,
    Moments,
    Statistics,
    Told,
    chosen_rows,
    placed,
    rows_of,
    seen,
    whitener,
)

AT_ONCE = 2**24  # distances in memory


@part
class Neighbours:
    """The mean distance to the nearest of many rows kept from normal images."""

    of: str = option("features", "what it looks at", choices=SEEN)
    kept: int = option(2000, "rows of normal images that are kept", at_least=1, at_most=10**6)
    nearest: int = option(5, "neighbours whose distance counts, the mean of all", at_least=1, at_most=1000)
    white: bool = option(True, "distances in units of the spread in every direction")
    shrink: float = option(0.01, "share of the covariance that is moved to its diagonal", at_least=0, at_most=1)
    share: float = option(1.0, "share of the most abnormal places that make an image's score", above=0, at_most=1)

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
        plain = torch.eye(len(moments.mean()), dtype=torch.double)
        white = whitener(moments.covariance(self.options.shrink)) if self.options.white else plain
        self.keep(mean=moments.mean(), whitening=white)
        rows = chosen_rows(told, self._look, self.options.kept, generator)
        self.keep(bank=self._whitened(rows))

    def forward(self, evidence: Evidence) -> Tensor:
        values = self._look(evidence)
        rows = self._whitened(rows_of(values))
        at_once = max(1, AT_ONCE // len(self.bank))
        return placed(torch.cat([self._distance(part) for part in rows.split(at_once)]), values)

    def _look(self, evidence: Evidence) -> Tensor:
        return seen(evidence, self.options.of)

    def _whitened(self, rows: Tensor) -> Tensor:
        return (rows - self.mean) @ self.whitening

    def _distance(self, rows: Tensor) -> Tensor:
        count = min(self.options.nearest, len(self.bank))
        found = torch.cdist(rows, self.bank.to(rows)).topk(count, 1, largest=False).values
        return found.mean(1) / rows.shape[1] ** 0.5
