"""Sums over an image, as every likelihood needs them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SMALLEST_SCALE = (
    1e-3  # of data in 0..1; finer than the rounding to bytes (1/255/sqrt(12)), so no density runs to infinity
)
LOG_TWO_PI = math.log(2 * math.pi)


def per_image(costs: Tensor) -> Tensor:
    """The sum over everything but the batch, in at least float32: (n, ...) -> (n,)."""
    return costs.flatten(1).to(torch.promote_types(costs.dtype, torch.float32)).sum(1)


def difference(parameters: Tensor, image: Tensor) -> Tensor:
    """image - parameters, in at least float32, so that half precision loses nothing in the squares."""
    wide = torch.promote_types(parameters.dtype, torch.float32)
    return image.to(wide) - parameters.to(wide)
