"""The Laplace likelihood: absolute error."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor

from diabolo.objectives.base import SMALLEST_SCALE, difference, per_image
from diabolo.options import option, part


@part
class Laplace:
    """Every pixel is Laplace distributed around the decoder's output, with one scale for all; forgives outliers."""

    low: ClassVar[float] = -math.inf
    high: ClassVar[float] = math.inf

    scale: str = option("unit", "mean absolute deviation: 1, or the best for each batch", choices=("unit", "optimal"))

    def mean(self, parameters: Tensor) -> Tensor:
        """The reconstruction: the parameters as they are (the median, which is the mean too)."""
        return parameters

    def error(self, parameters: Tensor, image: Tensor) -> Tensor:
        """The summed absolute error of each image, (n,)."""
        return per_image(difference(parameters, image).abs())

    def distortion(self, parameters: Tensor, image: Tensor) -> Tensor:
        """The negative log-likelihood of each image, (n,), nats.

        "unit": the absolute error, which leaves out the constant d log 2. "optimal": exact, at the scale that is
        best for the whole batch, b = its mean absolute error; it may be negative.
        """
        errors = self.error(parameters, image)
        if self.scale == "unit":
            return errors
        numbers = image[0].numel()
        scale = (errors.mean() / numbers).clamp(min=SMALLEST_SCALE)
        return numbers * (2 * scale).log() + errors / scale

    def scale_from(self, total_error: float, count: int) -> float:
        """The most likely scale, given the summed `error` of many images of `count` numbers in all."""
        return max(SMALLEST_SCALE, total_error / count)

    def log_likelihood(self, parameters: Tensor, image: Tensor, scale: float) -> Tensor:
        """The exact log-density of each image, (n,), nats, at a scale."""
        return -self.error(parameters, image) / scale - image[0].numel() * math.log(2 * scale)
