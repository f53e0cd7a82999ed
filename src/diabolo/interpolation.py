"""Holes filled by what is around them, smoothly: where a network begins that is told what is missing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

LEVELS = 7
COARSEST = 2**LEVELS  # pixels, the width of the coarsest pixel: no hole in use is deeper


def pull_push(image: Tensor, missing: Tensor) -> Tensor:
    """`image` (n, c, h, w) with the pixels where `missing` (n, 1, h, w) is not 0 filled from the others.

    Seen pixels are averaged to ever coarser images, and what is missing is taken from the finest one that knows it
    (Gortler et al. 1996, The Lumigraph, section 3.5). Where nothing at all is seen nearby, 0.
    """
    weight = (missing == 0).to(image.dtype)
    pyramid = [(torch.where(missing == 0, image, 0), weight)]
    for _ in range(LEVELS):
        values, weight = pyramid[-1]
        if max(values.shape[2:]) == 1:
            break
        total, seen = (avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) for x in (values * weight, weight))
        pyramid.append((total / seen.clamp(min=1e-6), (4 * seen).clamp(max=1)))
    filled = pyramid[-1][0]
    for values, weight in reversed(pyramid[:-1]):
        twice = interpolate(filled, scale_factor=2, mode="bilinear", align_corners=False)
        coarse = twice[..., : values.shape[2], : values.shape[3]]  # the same wherever the image ends
        filled = weight * values + (1 - weight) * coarse
    return torch.where(missing == 0, image, filled)
