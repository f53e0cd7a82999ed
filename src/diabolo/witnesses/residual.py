"""The residual witness: what the network cannot reproduce, beside what it cannot reproduce of normal images."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.learned import Statistics
from diabolo.options import option, part
from diabolo.witnesses.base import Evidence, Moments, Told, whitener, worst

FLOOR = 1e-3  # of the mean variance: places where normal images never differ do not decide alone


@part
class Residual:
    """Residuals over their spread on normal images: of vectors all together, of images place by place."""

    share: float = option(1.0, "share of the most abnormal places that make an image's score", above=0, at_most=1)
    shrink: float = option(0.01, "of vectors: share of the covariance moved to its diagonal", at_least=0, at_most=1)

    def whole(self, said: Tensor) -> Tensor:
        """What it says of whole images, (n,), from what it says of their places."""
        return worst(said, self.share, squared=True)

    def build(self) -> ResidualWitness:
        return ResidualWitness(self)


class ResidualWitness(Statistics):
    """(n, h, w), the root mean square over channels, or (n, d); on normal images 1, as a root mean square.

    Residuals of vectors are whitened symmetrically (ZCA; Kessy, Lewin and Strimmer 2018, table 1): what is left still
    belongs to its value, and the squares sum to the Mahalanobis distance.
    """

    NAMES = ("mean", "whitening")
    mean: Tensor  # (d,); of images 0
    whitening: Tensor  # (d, d); of images 1 / spread: (c, h, w), or (c, 1, 1) where their sizes differ

    def __init__(self, options: Residual) -> None:
        super().__init__()
        self.options = options

    def learn(self, told: Told, generator: torch.Generator) -> None:
        shapes = {tuple(evidence.image.shape[1:]) for evidence in told()}
        if len(next(iter(shapes))) == 1:
            moments = Moments()
            for evidence in told():
                moments.add(evidence.image - evidence.restored)
            self.keep(mean=moments.mean(), whitening=whitener(moments.covariance(self.options.shrink), symmetric=True))
            return
        total, count = torch.zeros(()), 0
        for evidence in told():
            squares = (evidence.image - evidence.restored).double().square()
            if len(shapes) > 1:
                total, count = total + squares.sum((0, 2, 3)), count + squares[:, 0].numel()
            else:
                total, count = total + squares.sum(0), count + len(squares)
        variance = total / count
        variance = variance[:, None, None] if len(shapes) > 1 else variance
        self.keep(mean=torch.zeros(()), whitening=(variance + FLOOR * variance.mean() + 1e-12).rsqrt())

    def forward(self, evidence: Evidence) -> Tensor:
        residual = evidence.image - evidence.restored
        if residual.dim() == 2:
            white = (residual - self.mean.to(residual)) @ self.whitening.to(residual)
            return white.abs() if evidence.placed is None else evidence.placed(white)
        return (residual * self._whitening(residual)).square().mean(1).sqrt()

    def _whitening(self, residual: Tensor) -> Tensor:
        """What was learned, where pictures have the size that was learned; else of each channel as a whole."""
        own = self.whitening
        if own.shape[1:] in ((1, 1), residual.shape[2:]):
            return own
        return own.square().reciprocal().mean((1, 2), keepdim=True).rsqrt()
