"""Corruptions: what is done to an image before the encoder sees it.

To add one: write its part in a file here (a mask in `masks`) and name it in the table below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from diabolo.corruptions.degradations import Blur, Downscale, Jpeg
from diabolo.corruptions.draws import FULL_SCALE, ON_VECTORS, Corrupted, Corruption
from diabolo.corruptions.flaws import Flaws
from diabolo.corruptions.masks import Boxes, MissingPixels, Strokes
from diabolo.corruptions.noise import Noise, Poisson, SaltAndPepper, Shot, Speckle, Swap
from diabolo.corruptions.noisy import BlindSpot, Recorrupt
from diabolo.corruptions.warp import Warp
from diabolo.errors import Mistake
from diabolo.noise_level import level_map
from diabolo.options import Family

__all__ = [
    "CORRUPTIONS",
    "HINTS",
    "ON_VECTORS",
    "BlindSpot",
    "Blur",
    "Boxes",
    "Corrupted",
    "Corruption",
    "Downscale",
    "Flaws",
    "Jpeg",
    "MissingPixels",
    "Noise",
    "Poisson",
    "Recorrupt",
    "SaltAndPepper",
    "Shot",
    "Speckle",
    "Strokes",
    "Swap",
    "Warp",
    "corrupt",
    "hint",
]

CORRUPTIONS = Family(
    "corruption",
    *(Noise, Shot, SaltAndPepper, Poisson, Speckle, Swap),
    *(Jpeg, Blur, Downscale),
    *(MissingPixels, Boxes, Strokes),
    *(Flaws, Warp),
    *(Recorrupt, BlindSpot),
)

HINTS = ("none", "noise-level", "missing", "inside")


def corrupt(
    image: Tensor, corruptions: Iterable[Corruption], generator: torch.Generator, inside: Tensor | None = None
) -> Corrupted:
    """Apply the corruptions in their order; a pixel is missing if any of them hid it, and variances add up.

    `image` is a floating batch, (n, c, h, w) or (n, d), with the 8-bit range 0..255 mapped to 0..1; it is never
    changed. `generator` lives on its device. What follows a mask also changes the mask's fill: put masks last.
    No corruptions give back the image itself. Beyond the edges, where `inside` (n, 1, h, w) is 0, nothing is done.
    """
    if image.dim() not in (2, 4) or not image.is_floating_point():
        got = f"{str(image.dtype).removeprefix('torch.')} of shape {tuple(image.shape)}"
        raise Mistake("corruptions need a batch of floats", got=got, allowed="(n, c, h, w) images or (n, d) vectors")
    so_far = Corrupted(image, counted=inside, inside=inside)
    for corruption in corruptions:
        edges = {"inside": inside} if inside is not None and hasattr(corruption, "minds_edges") else {}
        now = corruption(so_far.image, generator, **edges)
        so_far = Corrupted(
            now.image if inside is None else torch.where(inside > 0, now.image, image),
            _both(so_far.missing, now.missing, torch.maximum),
            _both(so_far.noise, now.noise, torch.add),
            so_far.target if now.target is None else now.target,
            _both(so_far.counted, now.counted, torch.minimum),
            inside,
        )
    return so_far


def hint(name: str, corrupted: Corrupted) -> Tensor | None:
    """What the encoder is told beside the corrupted image, (n, 1, h, w); None for "none".

    "noise-level": the standard deviation of the noise in each pixel, image units, as it can be told from the noisy
    image itself. "missing": the mask of missing pixels. Zero where nothing was added or hidden. "inside": 1 where the
    picture is, 0 beyond its edges.
    """
    image = corrupted.image
    if name == "noise-level" and corrupted.noise is not None:
        sigma, shot = (corrupted.noise.sqrt() * FULL_SCALE).unbind(1)
        return level_map(image, sigma, shot)
    if name == "missing" and corrupted.missing is not None:
        return corrupted.missing
    if name == "inside" and corrupted.inside is not None:
        return corrupted.inside
    return None if name in ("none", "inside") else torch.zeros_like(image[:, :1])


def _both(before: Tensor | None, now: Tensor | None, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor | None:
    if before is None or now is None:
        return before if now is None else now
    return join(before, now)
