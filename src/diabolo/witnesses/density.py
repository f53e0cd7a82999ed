"""The density witness: how far a code, or features, lie from those of normal images, in units of their spread."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.learned import Statistics
from diabolo.options import option, part
from diabolo.witnesses.base import SEEN, Evidence, Moments, Told, placed, principal, rows_of, seen, worst


@part
class Density:
    """Mahalanobis distance: the density of a normal distribution, of as many directions as are worth it."""

    of: str = option("code", "what it looks at", choices=SEEN)
    kept: int = option(128, "principal directions that are measured one by one; the others count alike", at_least=1)
    shrink: float = option(0.01, "share of the mean variance that is added to every direction", at_least=0, at_most=10)
    share: float = option(1.0, "share of the most abnormal places that make an image's score", above=0, at_most=1)

    def whole(self, said: Tensor) -> Tensor:
        """What it says of whole images, (n,), from what it says of their places."""
        return worst(said, self.share)

    def build(self) -> DensityWitness:
        return DensityWitness(self)


class DensityWitness(Statistics):
    """The root of the mean squared distance after whitening: about 1 for normal images.

    Directions beyond those kept have one variance for all, as in probabilistic principal component analysis (Tipping
    and Bishop 1999, section 3).
    """

    NAMES = ("mean", "directions", "variances", "rest")
    mean: Tensor  # (d,)
    directions: Tensor  # (d, k), orthonormal columns
    variances: Tensor  # (k,)
    rest: Tensor  # (), of each other direction

    def __init__(self, options: Density) -> None:
        super().__init__()
        self.options = options

    def learn(self, told: Told, generator: torch.Generator) -> None:
        moments = Moments()
        for evidence in told():
            moments.add(rows_of(seen(evidence, self.options.of)))
        directions, variances, rest = principal(moments.covariance(), self.options.kept)
        added = self.options.shrink * (variances.mean() if len(variances) else rest) + 1e-12
        self.keep(mean=moments.mean(), directions=directions, variances=variances + added, rest=rest + added)

    def forward(self, evidence: Evidence) -> Tensor:
        values = seen(evidence, self.options.of)
        rows = rows_of(values) - self.mean.to(values)
        along = rows @ self.directions.to(values)
        squares = (along.square() / self.variances).sum(1)
        beyond = (rows.square().sum(1) - along.square().sum(1)).clamp(min=0) / self.rest
        return placed(((squares + beyond) / rows.shape[1]).sqrt(), values)
