"""The density witness: how far a code, or features, lie from those of normal images, in units of their spread."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.options import option, part
from diabolo.witnesses.base import SEEN, Evidence, Moments, Statistics, Told, placed, rows_of, seen, whitener


@part
class Density:
    """Mahalanobis distance: minus the logarithm of a normal distribution's density, but for a constant."""

    of: str = option("code", "what it looks at", choices=SEEN)
    shrink: float = option(0.01, "share of the covariance that is moved to its diagonal", at_least=0, at_most=1)
    share: float = option(1.0, "share of the most abnormal places that make an image's score", above=0, at_most=1)

    def build(self) -> DensityWitness:
        return DensityWitness(self)


class DensityWitness(Statistics):
    """Squared distance to the mean after whitening, over the number of dimensions: 1 on average for normal images."""

    NAMES = ("mean", "whitening")
    mean: Tensor  # (d,)
    whitening: Tensor  # (d, d)

    def __init__(self, options: Density) -> None:
        super().__init__()
        self.options = options

    def learn(self, told: Told, generator: torch.Generator) -> None:
        moments = Moments()
        for evidence in told():
            moments.add(rows_of(seen(evidence, self.options.of)))
        self.keep(mean=moments.mean(), whitening=whitener(moments.covariance(self.options.shrink)))

    def forward(self, evidence: Evidence) -> Tensor:
        values = seen(evidence, self.options.of)
        white = (rows_of(values) - self.mean) @ self.whitening
        return placed(white.square().mean(1), values)
