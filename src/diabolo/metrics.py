"""How near one batch of images is to another, and how much of a model is mere copying.

Images are tensors (n, c, h, w) of equal shapes; every metric gives one number per image, (n,). `range` is the
distance between the darkest and the brightest value an image can have: 1 for 0..1, 255 for 8-bit values.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from diabolo.errors import Mistake

WINDOW, SIGMA = 11, 1.5  # the Gaussian window of Wang et al. 2004, in pixels
STABILISERS = (0.01, 0.03)  # K1 and K2 of the same paper
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli and Bovik 2003, section 3.2


def mse(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared error per value, >= 0, 0 = equal. Also for vectors (n, d)."""
    _check(a, b)
    return (_precise(a) - _precise(b)).square().flatten(1).mean(1)


def psnr(a: Tensor, b: Tensor, range: float = 1.0) -> Tensor:
    """Peak signal-to-noise ratio in decibels, 10 log10(range^2 / mse); higher is nearer, infinite = equal."""
    _check(a, b, range)
    return 10 * torch.log10(range**2 / mse(a, b))


def ssim(a: Tensor, b: Tensor, range: float = 1.0) -> Tensor:
    """Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004, eq. 13), at most 1 = equal.

    An 11 x 11 Gaussian window with sigma 1.5, averaged over channels and the places where it fits inside the image.
    A `Mistake` for images with a side under 11 pixels.
    """
    _check(a, b, range)
    _check_side(a, WINDOW, "SSIM")
    luminance, contrast = _similarities(_precise(a), _precise(b), range)
    return (luminance * contrast).flatten(1).mean(1)


def ms_ssim(a: Tensor, b: Tensor, range: float = 1.0) -> Tensor:
    """Structural similarity on five scales (Wang, Simoncelli and Bovik 2003, eq. 7), 0..1, 1 = equal.

    Each scale halves the image by averaging 2 x 2 pixels. A scale with a negative mean (structures that oppose each
    other) counts as 0. A `Mistake` for images with a side under 176 pixels, which leave the last scale no window.
    """
    _check(a, b, range)
    _check_side(a, WINDOW * 2 ** (len(SCALES) - 1), "MS-SSIM")
    a, b = _precise(a), _precise(b)
    product = torch.ones(len(a), dtype=a.dtype, device=a.device)
    for weight in SCALES[:-1]:
        contrast = _similarities(a, b, range)[1].flatten(1).mean(1)
        product = product * contrast.clamp(min=0) ** weight
        a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
    return product * ssim(a, b, range).clamp(min=0) ** SCALES[-1]


def copy_score(reconstruct: Callable[[Tensor], Tensor], images: Tensor, generator: torch.Generator) -> float:
    """How well a model also "reconstructs" noise: 0 = knows only its data, 1 = copies whatever it is given.

    White noise is drawn with the mean and variance that each value has over `images` (n, ...), n noise images. The
    score is 1 - (mean squared error of reconstructing the noise) / (variance of the noise), and 0 where that is
    negative. A `Mistake` where no value varies over the images. `generator` lives on the images' device.
    """
    images = _precise(images)
    mean = images.mean(0)
    deviation = torch.randn(images.shape, generator=generator, dtype=images.dtype, device=images.device)
    deviation = deviation * (images - mean).square().mean(0).sqrt()
    variance = deviation.square().mean()
    if not variance > 0:
        raise Mistake("the copy score needs images that vary", got=f"{len(images)} equal images")
    noise = mean + deviation
    with torch.no_grad():
        error = (_precise(reconstruct(noise)) - noise).square().mean()
    return max(0.0, 1.0 - float(error / variance))


def _similarities(a: Tensor, b: Tensor, range: float) -> tuple[Tensor, Tensor]:
    """The luminance term, and the product of the contrast and structure terms, at every place of the window."""
    first, second = ((stabiliser * range) ** 2 for stabiliser in STABILISERS)
    mean_a, mean_b = _windowed(a), _windowed(b)
    variance_a = (_windowed(a * a) - mean_a**2).clamp(min=0)  # rounding may leave it just below 0
    variance_b = (_windowed(b * b) - mean_b**2).clamp(min=0)
    covariance = _windowed(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + first) / (mean_a**2 + mean_b**2 + first)
    return luminance, (2 * covariance + second) / (variance_a + variance_b + second)


def _windowed(image: Tensor) -> Tensor:
    """The Gaussian-weighted mean under the window wherever it fits: (n, c, h - 10, w - 10).

    A sum of shifted slices and not a convolution: on a GPU that would round to TF32, which the variances do not bear.
    """
    steps = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-0.5 * (steps / SIGMA) ** 2)
    shares = (weights / weights.sum()).tolist()
    for axis in (2, 3):
        length = image.shape[axis] - WINDOW + 1
        image = sum(
            (share * image.narrow(axis, start, length) for start, share in enumerate(shares)), image.new_zeros(())
        )
    return image


def _precise(image: Tensor) -> Tensor:
    return image.to(torch.promote_types(image.dtype, torch.float32))


def _check(a: Tensor, b: Tensor, range: float = 1.0) -> None:
    if a.shape != b.shape or a.dim() < 2:
        got = f"{tuple(a.shape)} and {tuple(b.shape)}"
        raise Mistake("a metric needs two batches of the same shape", got=got, allowed="(n, c, h, w) each")
    if not range > 0:
        raise Mistake("the range of the images is not a length", got=f"{range:g}", allowed="more than 0")


def _check_side(image: Tensor, least: int, metric: str) -> None:
    if image.dim() != 4 or min(image.shape[2:]) < least:
        allowed = f"(n, c, h, w), each side at least {least} pixels"
        raise Mistake(f"the images are too small for {metric}", got=f"shape {tuple(image.shape)}", allowed=allowed)
