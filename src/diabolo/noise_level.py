"""How noisy an image is: a level as a value, as a map for a network, and found from the noisy image alone.

Levels are standard deviations in 8-bit units (0..255), whatever the image's own units are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

FULL_SCALE = 255.0  # 8-bit units in the image range 0..1
BLUR = 9  # side of the box, pixels; wide enough that the map does not tell the network the clean pixels


class NoiseLevel(NamedTuple):
    """Noise whose variance at brightness x in 0..1 is sigma**2 + shot**2 * x (Foi et al. 2008, eq. 1).

    `sigma`: standard deviation that is the same everywhere. `shot`: standard deviation that grows with brightness, what
    photon noise adds at the brightest value. Both >= 0, in 8-bit units.
    """

    sigma: float
    shot: float


def level_map(image: Tensor, sigma: Tensor | float, shot: Tensor | float) -> Tensor:
    """Standard deviation of the noise in each place, (n, 1, h, w), in the units of the image 0..1.

    `image` (n, c, h, w) is the noisy one, 0..1 or beyond; `sigma` and `shot` are numbers or (n,), 8-bit units. Brightness
    is the mean of the channels after a box blur with replicated edges, clipped to 0..1.
    """
    padded = functional.pad(image.mean(1, keepdim=True), (BLUR // 2,) * 4, mode="replicate")
    brightness = _box(_box(padded, 2), 3).clamp(0, 1)
    flat, rising = (torch.as_tensor(level).to(image).reshape(-1, 1, 1, 1) / FULL_SCALE for level in (sigma, shot))
    return (flat.square() + rising.square() * brightness).sqrt()


def _box(image: Tensor, dim: int) -> Tensor:
    """The running mean of BLUR values along a dimension; on a CPU the sum is several times faster than a pooling."""
    size = image.shape[dim] - BLUR + 1
    total = image.narrow(dim, 0, size)
    for start in range(1, BLUR):
        total = total + image.narrow(dim, start, size)
    return total / BLUR


def estimate(image: np.ndarray) -> NoiseLevel:
    """The level of the noise in an image (h, w) or (h, w, c), uint8, uint16 or float 0..1."""
    raise NotImplementedError
