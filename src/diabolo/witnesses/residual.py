"""The residual witness: what the network cannot reproduce, beside what it cannot reproduce of normal images."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.options import option, part
from diabolo.witnesses.base import Evidence, Statistics, Told

FLOOR = 1e-3  # of the mean spread: places where normal images never differ do not decide alone


@part
class Residual:
    """Squared residuals, each over its variance on normal images: by place where all images have one size."""

    share: float = option(1.0, "share of the most abnormal places that make an image's score", above=0, at_most=1)

    def build(self) -> ResidualWitness:
        return ResidualWitness()


class ResidualWitness(Statistics):
    """(n, h, w), the mean over channels, or (n, d): 1 on average for normal images."""

    NAMES = ("variance",)
    variance: Tensor  # (c, h, w) or (d,); (c, 1, 1) where the sizes of images differ

    def learn(self, told: Told, generator: torch.Generator) -> None:
        sizes = {evidence.image.shape[1:] for evidence in told()}
        total, count = torch.zeros(()), 0
        for evidence in told():
            squares = (evidence.image - evidence.restored).double().square()
            if len(sizes) > 1:
                total, count = total + squares.sum((0, 2, 3)), count + squares[:, 0].numel()
            else:
                total, count = total + squares.sum(0), count + len(squares)
        variance = total / count
        variance = variance[:, None, None] if len(sizes) > 1 else variance
        self.keep(variance=variance + FLOOR * variance.mean() + 1e-12)

    def forward(self, evidence: Evidence) -> Tensor:
        squares = (evidence.image - evidence.restored).square() / self.variance
        return squares if squares.dim() == 2 else squares.mean(1)
