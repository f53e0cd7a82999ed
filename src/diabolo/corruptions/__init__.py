"""Corruptions: what is done to an image before the encoder sees it.

To add one: write its part in a file here (a mask in `masks`) and name it in the table below.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from diabolo.corruptions.degradations import Blur, Downscale, Jpeg
from diabolo.corruptions.draws import ON_VECTORS, Corrupted, Corruption
from diabolo.corruptions.masks import Boxes, MissingPixels, Strokes
from diabolo.corruptions.noise import Noise, Poisson, SaltAndPepper, Speckle
from diabolo.errors import Mistake
from diabolo.options import Family

__all__ = [
    "CORRUPTIONS",
    "ON_VECTORS",
    "Blur",
    "Boxes",
    "Corrupted",
    "Corruption",
    "Downscale",
    "Jpeg",
    "MissingPixels",
    "Noise",
    "Poisson",
    "SaltAndPepper",
    "Speckle",
    "Strokes",
    "corrupt",
]

CORRUPTIONS = Family(
    "corruption", Noise, SaltAndPepper, Poisson, Speckle, Jpeg, Blur, Downscale, MissingPixels, Boxes, Strokes
)


def corrupt(image: Tensor, corruptions: Iterable[Corruption], generator: torch.Generator) -> Corrupted:
    """Apply the corruptions in their order; a pixel is missing if any of them hid it.

    `image` is a floating batch, (n, c, h, w) or (n, d), with the 8-bit range 0..255 mapped to 0..1; it is never
    changed. `generator` lives on its device. What follows a mask also changes the mask's fill: put masks last.
    No corruptions give back the image itself.
    """
    if image.dim() not in (2, 4) or not image.is_floating_point():
        got = f"{str(image.dtype).removeprefix('torch.')} of shape {tuple(image.shape)}"
        raise Mistake("corruptions need a batch of floats", got=got, allowed="(n, c, h, w) images or (n, d) vectors")
    missing = None
    for corruption in corruptions:
        image, hidden = corruption(image, generator)
        if missing is not None and hidden is not None:
            hidden = torch.maximum(missing, hidden)
        missing = missing if hidden is None else hidden
    return Corrupted(image, missing)
