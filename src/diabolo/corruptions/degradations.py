"""What a lens, a small sensor or a lossy file does to an image as a whole. All of these need images."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from diabolo import pixels
from diabolo.corruptions.draws import FULL_SCALE, Corrupted, need_images, per_image, precise
from diabolo.options import option, part

TRUNCATE = 4.0  # the Gaussian is cut off at this many sigmas, as scipy.ndimage does


@part
class Jpeg:
    """Save as JPEG and read again: values are clipped to 0..1 and rounded to 8 bits, as a file does.

    Three channels are RGB; any other number of channels is saved one by one, as grey.
    """

    quality: tuple[int, ...] = option(
        (20,), "quality of the JPEG file: one value or low,high", unit="libjpeg's scale", at_least=1, at_most=100
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        need_images(self, image)
        n, c, h, w = image.shape
        planes = 1 if c == 3 else c
        quality = per_image("jpeg.quality", self.quality, image, generator).flatten().repeat_interleave(planes)
        levels = (precise(image.detach()).clamp(0, 1) * FULL_SCALE).round().to(torch.uint8)
        levels = levels.permute(0, 2, 3, 1) if c == 3 else levels.reshape(n * c, h, w)
        pictures = levels.cpu().contiguous().numpy()
        files = np.empty_like(pictures)
        for place, (picture, grade) in enumerate(zip(pictures, quality.tolist(), strict=True)):
            files[place] = pixels.jpeg_round_trip(picture, int(grade))
        saved = torch.from_numpy(files)
        saved = saved.permute(0, 3, 1, 2) if c == 3 else saved.reshape(n, c, h, w)
        return Corrupted((saved.to(image.device, torch.float32) / FULL_SCALE).to(image.dtype).contiguous())


@part
class Blur:
    """Convolve with a Gaussian; the border mirrors the image without repeating the edge (scipy's mode "mirror")."""

    sigma: tuple[float, ...] = option(
        (1.5,), "standard deviation of the blur: one value or low,high", unit="pixels", at_least=0, at_most=100
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        need_images(self, image)
        sigma = per_image("blur.sigma", self.sigma, image, generator).flatten()
        return Corrupted(blurred(precise(image), sigma, max(self.sigma)).to(image.dtype).contiguous())


@part
class Downscale:
    """Average over areas to a smaller image, then bring it back to its size by bicubic interpolation (Keys 1981).

    A side of s pixels becomes s / factor, rounded, and at least 1.
    """

    factor: tuple[int, ...] = option(
        (2,), "how many times smaller: one value or low,high", unit="times", at_least=1, at_most=64
    )

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        need_images(self, image)
        factors = per_image("downscale.factor", self.factor, image, generator).flatten()
        fine, result = precise(image), image.clone()
        for factor in factors.unique().tolist():
            chosen = factors == factor
            result[chosen] = _down_and_up(fine[chosen], int(factor)).to(image.dtype)
        return Corrupted(result)


def blurred(image: Tensor, sigma: Tensor, most: float) -> Tensor:
    """Each image of (n, c, h, w) convolved with a Gaussian of its own sigma (n,), pixels, none above `most`."""
    kernel = _gaussians(sigma.to(image.dtype), int(TRUNCATE * most + 0.5))
    return _along_rows(_along_rows(image, kernel).mT, kernel).mT


def _gaussians(sigma: Tensor, radius: int) -> Tensor:
    """One normalised Gaussian for each sigma (n,), sampled at -radius..radius and cut at its own width: (n, taps)."""
    steps = torch.arange(-radius, radius + 1, device=sigma.device, dtype=sigma.dtype)
    sigma = sigma[:, None].clamp(min=1e-6)  # a sigma of 0 keeps the centre tap alone
    weights = torch.exp(-0.5 * (steps / sigma) ** 2) * (steps.abs() <= (TRUNCATE * sigma + 0.5).floor())
    return weights / weights.sum(1, keepdim=True)


def _along_rows(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve the rows of each image of (n, c, h, w) with its own kernel of (n, taps), mirroring at the border."""
    n, c, h, w = image.shape
    reach = kernel.shape[1] // 2
    padded = image[..., _mirrored(w, reach, image.device)].reshape(1, n * c, h, w + 2 * reach)
    weights = kernel.repeat_interleave(c, 0)[:, None, None]
    return functional.conv2d(padded, weights, groups=n * c).reshape(n, c, h, w)


def _mirrored(size: int, reach: int, device: torch.device) -> Tensor:
    """The places of a line's pixels, with `reach` more on either side, mirrored as often as a short line needs."""
    period = max(2 * (size - 1), 1)
    place = torch.arange(-reach, size + reach, device=device).remainder(period)
    return torch.minimum(place, period - place)


def _down_and_up(image: Tensor, factor: int) -> Tensor:
    size = (image.shape[2], image.shape[3])
    small = (max(1, round(size[0] / factor)), max(1, round(size[1] / factor)))
    averaged = functional.adaptive_avg_pool2d(image, small)
    # antialias has no other effect when enlarging than Keys' a = -0.5, which keeps straight ramps straight
    return functional.interpolate(averaged, size, mode="bicubic", align_corners=False, antialias=True)
