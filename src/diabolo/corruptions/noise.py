"""Random changes of single values. All of these work on images and on vectors; results are not clipped."""

from __future__ import annotations

import torch
from torch import Tensor

from diabolo.corruptions.draws import FULL_SCALE, Corrupted, chosen, per_image, precise, uniform
from diabolo.options import option, part


@part
class Noise:
    """Add Gaussian white noise of standard deviation `sigma`, the same in every pixel and channel."""

    sigma: tuple[float, ...] = option(
        (25.0,), "standard deviation of the noise: one value or low,high", unit="8-bit units", at_least=0, at_most=1000
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        sigma = per_image("noise.sigma", self.sigma, image, generator) / FULL_SCALE
        noisy = (precise(image) + sigma * _normal(image, generator)).to(image.dtype)
        return Corrupted(noisy, noise=_variance(sigma, torch.zeros_like(sigma)))


@part
class Shot:
    """Add the noise of a camera's photons: Gaussian, of a variance that grows in proportion to the brightness.

    After `noise`, which stands for the sensor's own, this is the Poissonian-Gaussian model (Foi et al. 2008).
    """

    sigma: tuple[float, ...] = option(
        (25.0,),
        "standard deviation at the brightest value: one value or low,high",
        unit="8-bit units",
        at_least=0,
        at_most=1000,
    )
    chance: float = option(1.0, "share of the images that it is added to", at_least=0, at_most=1)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        sigma = per_image("shot.sigma", self.sigma, image, generator) / FULL_SCALE
        sigma = sigma * chosen(self.chance, image, generator)
        spread = sigma * precise(image).clamp(min=0).sqrt()
        noisy = (precise(image) + spread * _normal(image, generator)).to(image.dtype)
        return Corrupted(noisy, noise=_variance(torch.zeros_like(sigma), sigma))


@part
class Swap:
    """Put values of another image of the batch in place of some: each of them possible, together they do not fit."""

    share: tuple[float, ...] = option(
        (0.0, 0.5), "share of the values replaced: one value or low,high", unit="share", at_least=0, at_most=1
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        share = per_image("swap.share", self.share, image, generator)
        places = (len(image), 1, *image.shape[2:]) if image.dim() == 4 else tuple(image.shape)
        taken = uniform(places, image, generator) < share
        other = (uniform(tuple(image.shape), image, generator) * len(image)).long()  # each value from another image
        swapped = torch.where(taken, image.gather(0, other), image)
        return Corrupted(swapped, missing=taken.to(image.dtype))


@part
class SaltAndPepper:
    """Make a share of the pixels white (1) or black (0), each with the same chance, in all channels at once."""

    share: tuple[float, ...] = option(
        (0.1,), "share of the pixels hit: one value or low,high", unit="share", at_least=0, at_most=1
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        share = per_image("salt-and-pepper.share", self.share, image, generator)
        drawn = uniform((len(image), 1, *image.shape[2:]) if image.dim() == 4 else tuple(image.shape), image, generator)
        return Corrupted(image.masked_fill(drawn < share, 0.0).masked_fill(drawn < share / 2, 1.0))


@part
class Poisson:
    """Count photons: each value becomes Poisson(value * peak) / peak, so its variance is value / peak.

    Values below 0 send no photons.
    """

    peak: tuple[float, ...] = option(
        (30.0,), "photons at the brightest value: one value or low,high", unit="photons", above=0, at_most=1e6
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        peak = per_image("poisson.peak", self.peak, image, generator)
        photons = torch.poisson(precise(image).clamp(min=0) * peak, generator=generator)
        return Corrupted((photons / peak).to(image.dtype), noise=_variance(torch.zeros_like(peak), peak.rsqrt()))


@part
class Speckle:
    """Multiply each value by 1 + Gaussian noise of standard deviation `sigma`, as coherent light and radar do."""

    sigma: tuple[float, ...] = option(
        (0.2,),
        "standard deviation of the factor: one value or low,high",
        unit="share of the value",
        at_least=0,
        at_most=10,
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        sigma = per_image("speckle.sigma", self.sigma, image, generator)
        return Corrupted((precise(image) * (1 + sigma * _normal(image, generator))).to(image.dtype))


def _variance(constant: Tensor, shot: Tensor) -> Tensor:
    """`Corrupted.noise` (n, 2) of two standard deviations (n, 1, ...), in image units."""
    return torch.cat((constant.flatten(1), shot.flatten(1)), 1).square()


def _normal(image: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal numbers of the batch's shape, in single precision or better."""
    kind = precise(image[:0]).dtype
    return torch.randn(image.shape, generator=generator, device=image.device, dtype=kind)
