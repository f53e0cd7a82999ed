"""The Gaussian likelihood: squared error."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor

from diabolo.objectives.base import LOG_TWO_PI, SMALLEST_SCALE, difference, per_image
from diabolo.options import option, part


@part
class Gaussian:
    """Every pixel is normal around the decoder's output, with one standard deviation for all (the scale)."""

    low: ClassVar[float] = -math.inf
    high: ClassVar[float] = math.inf

    scale: str = option("unit", "standard deviation: 1, or the best for each batch", choices=("unit", "optimal"))

    def mean(self, parameters: Tensor) -> Tensor:
        """The reconstruction: the parameters as they are."""
        return parameters

    def error(self, parameters: Tensor, image: Tensor) -> Tensor:
        """The summed squared error of each image, (n,)."""
        return per_image(difference(parameters, image).square())

    def distortion(self, parameters: Tensor, image: Tensor) -> Tensor:
        """The negative log-likelihood of each image, (n,), nats.

        "unit": half the squared error, which leaves out the constant d/2 log(2 pi). "optimal": exact, at the
        standard deviation that is best for the whole batch, sigma^2 = its mean squared error, so that the batch's
        mean is d/2 (log(2 pi sigma^2) + 1) (Rybkin 2021, sigma-VAE, section 3.2); it may be negative.
        """
        errors = self.error(parameters, image)
        if self.scale == "unit":
            return errors / 2
        numbers = image[0].numel()
        variance = (errors.mean() / numbers).clamp(min=SMALLEST_SCALE**2)
        return (numbers * (LOG_TWO_PI + variance.log()) + errors / variance) / 2

    def scale_from(self, total_error: float, count: int) -> float:
        """The most likely standard deviation, given the summed `error` of many images of `count` numbers in all."""
        return max(SMALLEST_SCALE, math.sqrt(total_error / count))

    def log_likelihood(self, parameters: Tensor, image: Tensor, scale: float) -> Tensor:
        """The exact log-density of each image, (n,), nats, at a standard deviation."""
        constant = image[0].numel() * (LOG_TWO_PI / 2 + math.log(scale))
        return -self.error(parameters, image) / (2 * scale**2) - constant
