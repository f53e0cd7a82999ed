"""The Bernoulli likelihood: cross-entropy, for pixels that are black or white."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from diabolo.objectives.base import per_image
from diabolo.options import part


@part
class Bernoulli:
    """Every pixel is 1 with a probability whose logit the decoder gives; greys in 0..1 count as probabilities."""

    low: ClassVar[float] = 0.0
    high: ClassVar[float] = 1.0

    def mean(self, parameters: Tensor) -> Tensor:
        """The reconstruction: the probability of a 1."""
        return torch.sigmoid(parameters)

    def error(self, parameters: Tensor, image: Tensor) -> Tensor:
        """The cross-entropy of each image, (n,), nats."""
        wide = torch.promote_types(parameters.dtype, torch.float32)
        return per_image(F.binary_cross_entropy_with_logits(parameters.to(wide), image.to(wide), reduction="none"))

    def distortion(self, parameters: Tensor, image: Tensor) -> Tensor:
        """The negative log-likelihood of each image, (n,), nats; exact for 0 and 1, the cross-entropy between."""
        return self.error(parameters, image)

    def scale_from(self, total_error: float, count: int) -> float:
        """Always 1: a probability has no scale to calibrate."""
        return 1.0

    def log_likelihood(self, parameters: Tensor, image: Tensor, scale: float) -> Tensor:
        """The exact log-probability of each image, (n,), nats; `scale` is not used."""
        return -self.error(parameters, image)
