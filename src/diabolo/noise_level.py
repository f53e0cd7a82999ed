"""How noisy an image is: a level as a value, as a map for a network, and found from the noisy image alone.

Levels are standard deviations in 8-bit units (0..255), whatever the image's own units are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from diabolo.errors import Mistake

FULL_SCALE = 255.0  # 8-bit units in the image range 0..1
BLUR = 9  # side of the box, pixels; wide enough that the map does not tell the network the clean pixels

SIDE = 8  # of a patch, pixels
FINE = (
    7  # DCT coefficients whose two frequencies add up to this or more, 36 of 64, measure the noise; the others texture
)
MOST = 32768  # patches looked at, of all channels together, and a quarter of them at least
FLATTEST = (0.2, 0.4)  # shares of the patches, by texture, whose noise is measured
# The 0.8 quantile of chi-squared with 36 degrees of freedom over its mean, and the mean of what lies under it.
QUANTILE, UNDER = 1.1910777382422004, 0.9126257995537279
# KEPT is what clipping leaves of the variance where the clipped mean lies DISTANCE standard deviations from the bound:
# nine tenths of the way from theory (Foi 2009) to what the chosen patches of constant images show, which was best on
# BSDS500 (`make bench NAME=noise_level ARGS=clipping` measures it).
DISTANCE = np.array([0, 0.399, 0.536, 0.698, 0.881, 1.083, 1.301, 1.529, 1.766, 2.008, 2.502, 3, 3.5])
KEPT = np.array([0, 0.356, 0.484, 0.603, 0.714, 0.819, 0.894, 0.938, 0.972, 0.987, 1, 1, 1])
LEAST_KEPT = 0.4  # a patch that lost more is left out
# The texture left in the flattest patches: EXCESS, and TREND times how much more the next share has. Set on BSDS500
# and Train400: the best fit there (`make bench NAME=noise_level ARGS=texture`: 0.09 and 1.34) scatters more at 50.
EXCESS, TREND = 0.17, 0.7
BINS = 16  # of brightness, with equal numbers of patches


class NoiseLevel(NamedTuple):
    """Noise whose variance at brightness x in 0..1 is sigma**2 + shot**2 * x (Foi et al. 2008, eq. 1).

    `sigma`: standard deviation that is the same everywhere. `shot`: standard deviation that grows with brightness, what
    photon noise adds at the brightest value. Both >= 0, in 8-bit units.
    """

    sigma: float
    shot: float


def level_map(image: Tensor, sigma: Tensor | float, shot: Tensor | float) -> Tensor:
    """Standard deviation of the noise in each place, (n, 1, h, w), in the units of the image 0..1.

    `image` (n, c, h, w) is the noisy one, 0..1 or beyond; `sigma` and `shot` are numbers or (n,), 8-bit units.
    Brightness is the mean of the channels after a box blur with replicated edges, clipped to 0..1.
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
    """The level of the noise in an image (h, w) or (h, w, c), uint8, uint16 or float 0..1; no noise is (0, 0).

    The noise is taken as white, independent and alike in all channels. Of 8 x 8 patches the flattest by their coarse
    DCT coefficients are chosen, and the variance of their fine ones, which white noise makes independent of the coarse,
    is averaged without the upper tail (after Ponomarenko et al. 2007 and Colom and Buades, IPOL 2013). `shot` is 0
    unless the variance clearly grows with brightness. A bound (0 or 1) that no value passes is taken to clip. Sides
    under 8 pixels are judged by differences of neighbours; where nothing can be said, the answer is (0, 0). Some 30000
    patches are looked at, spread evenly. A `Mistake` for other shapes and types.
    """
    pixels, scale = _checked(image)
    if pixels.size == 0:
        return NoiseLevel(0.0, 0.0)
    if min(pixels.shape[:2]) < SIDE:
        return NoiseLevel(_from_differences(pixels.astype(np.float64) * scale), 0.0)
    patches = _patches(pixels, scale)
    if len(patches.mean) == 0:
        return NoiseLevel(0.0, 0.0)
    bounds = (0.0 if pixels.min() >= 0 else -math.inf, FULL_SCALE if pixels.max() * scale <= FULL_SCALE else math.inf)
    same = np.ones_like(patches.mean)
    raw, sigma = _measure(patches, same, bounds)
    line = _line(patches, same * raw**2, bounds)
    if line is None:
        return NoiseLevel(sigma, 0.0)
    for _ in range(2):  # what is clipped at the bright end depends on the line
        variance = np.maximum(line[0] + line[1] * patches.mean / FULL_SCALE, 1e-3)
        line = _line(patches, variance, bounds) or line
    shape = np.maximum(line[0] + line[1] * patches.mean / FULL_SCALE, 1e-3)
    unit = float(shape.mean())
    factor = _measure(patches, shape / unit, bounds)[1] / math.sqrt(unit)
    factor = factor if 0.8 < factor < 1.25 else 1.0  # black places, where nothing is added, can mislead it
    return NoiseLevel(factor * math.sqrt(line[0]), factor * math.sqrt(line[1]))


class _Patches(NamedTuple):
    """Of each patch, in 8-bit units: its mean, and the mean squares of its coarse and of its fine DCT coefficients."""

    mean: np.ndarray
    coarse: np.ndarray
    fine: np.ndarray


def _checked(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The image as (h, w, c), and what makes 8-bit units of its values."""
    scales = {"uint8": 1.0, "uint16": 255 / 65535, "float16": 255.0, "float32": 255.0, "float64": 255.0}
    if image.ndim not in (2, 3) or image.dtype.name not in scales:
        got, allowed = f"{image.dtype} of shape {image.shape}", "(h, w) or (h, w, c) of uint8, uint16 or float"
        raise Mistake("the noise of this array cannot be estimated", got=got, allowed=allowed)
    return (image if image.ndim == 3 else image[..., None]), scales[image.dtype.name]


def _patches(pixels: np.ndarray, scale: float) -> _Patches:
    """Patches of (h, w, c) pixels on an even grid; those with values that are no numbers are left out."""
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (SIDE, SIDE), axis=(0, 1))
    step = max(1, math.ceil(math.sqrt(math.prod(windows.shape[:3]) / MOST)))
    coarse, fine = _projections()
    found = []
    grid = windows[::step, ::step]
    for rows in np.array_split(grid, min(len(grid), 8)):  # not all at once: they are 64 times the pixels
        values = rows.reshape(-1, SIDE * SIDE).astype(np.float32) * np.float32(scale)
        mean = values.mean(1)
        values -= mean[:, None]
        found.append((mean, np.square(values @ coarse).mean(1), np.square(values @ fine).mean(1)))
    known = np.array([np.concatenate(part) for part in zip(*found, strict=True)], np.float64)
    return _Patches(*known[:, np.isfinite(known).all(0)])


def _projections() -> tuple[np.ndarray, np.ndarray]:
    """The orthonormal DCT-II of a flattened patch as columns: its coarse ones but the mean, and its fine ones."""
    order = np.arange(SIDE)
    waves = np.sqrt(2 / SIDE) * np.cos(np.pi * (2 * order + 1) * order[:, None] / (2 * SIDE))
    waves[0] /= np.sqrt(2)
    both = np.kron(waves, waves).astype(np.float32)
    frequency = np.add.outer(order, order).ravel()
    return both[(frequency > 0) & (frequency < FINE)].T, both[frequency >= FINE].T


def _measure(patches: _Patches, shape: np.ndarray, bounds: tuple[float, float]) -> tuple[float, float]:
    """The noise's standard deviation where `shape`, its variance up to a factor, is 1: as measured, and corrected."""
    variances = _flattest(patches, shape, FLATTEST)
    for _ in range(5):  # what clipping leaves depends on the answer
        left = _kept(patches.mean, np.sqrt(variances[0] * shape), bounds)
        usable = left > LEAST_KEPT
        if not usable.any():
            break
        before = variances[0]
        variances = _flattest(_Patches(*(part[usable] for part in patches)), (shape * left)[usable], FLATTEST)
        if abs(variances[0] - before) < 2e-3 * before:
            break
    flat, textured = np.sqrt(variances).tolist()
    return flat, max(0.0, flat - TREND * (textured - flat) - EXCESS)


def _flattest(patches: _Patches, unit: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """The variance of the fine coefficients, in `unit`, of each share of the patches that are flattest in it."""
    order = np.argsort(patches.coarse / unit)
    fine = (patches.fine / unit)[order]
    return np.array([_trimmed(fine[: max(1, int(share * len(fine)))]) for share in shares])


def _trimmed(fine: np.ndarray) -> float:
    """The mean of what is chi-squared but for an upper tail, which the texture makes."""
    ordered = np.sort(fine)
    sums = np.cumsum(ordered)
    mean = ordered[len(ordered) // 2]
    for _ in range(8):
        count = max(1, int(np.searchsorted(ordered, QUANTILE * mean)))
        mean = sums[count - 1] / count / (UNDER if len(ordered) > 1 else 1)
    return float(mean)


def _kept(mean: np.ndarray, deviation: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """The share of the variance that clipping leaves to patches of a (clipped) mean; `deviation` is before clipping."""
    deviation = np.maximum(deviation, 1e-3)
    low, high = (np.interp(side / deviation, DISTANCE, KEPT) for side in (mean - bounds[0], bounds[1] - mean))
    return np.asarray(low + high - 1)


def _line(patches: _Patches, variance: np.ndarray, bounds: tuple[float, float]) -> tuple[float, float] | None:
    """The variance at brightness 0 and its growth up to brightness 1; None where it does not clearly grow.

    `variance` of each patch, as known so far, tells what clipping took.
    """
    left = _kept(patches.mean, np.sqrt(variance), bounds)
    usable = left > LEAST_KEPT
    if usable.sum() < BINS * SIDE**2:
        return None
    left, chosen = left[usable], _Patches(*(part[usable] for part in patches))
    bins = np.array_split(np.argsort(chosen.mean), BINS)
    parts = [_Patches(*(part[places] for part in chosen)) for places in bins]
    units = [left[places] for places in bins]
    found = np.array([_flattest(part, unit, (0.25,))[0] for part, unit in zip(parts, units, strict=True)])
    brightness = np.array([part.mean.mean() for part in parts]) / FULL_SCALE
    constant, line = (_robust_fit(brightness, found, degree) for degree in (0, 1))
    misfits = [np.median(np.abs(found / (base + growth * brightness) - 1)) for base, growth in (constant, line)]
    dark, bright = (line[0] + line[1] * x for x in np.quantile(brightness, (0.1, 0.9)))
    ranks = np.corrcoef(np.arange(BINS), np.argsort(np.argsort(found)))[0, 1]
    # Texture grows with brightness too, and weighs more where there is little noise: hence the second term.
    grows = (
        bright > (1.2 + 2 / math.sqrt(np.median(found) + 1e-9)) * dark and misfits[0] > 1.3 * misfits[1] and ranks > 0.5
    )
    return line if grows else None


def _robust_fit(x: np.ndarray, y: np.ndarray, degree: int) -> tuple[float, float]:
    """y = base + growth x, both >= 0, by reweighted least squares of the relative error; `growth` is 0 at degree 0."""
    base, growth, tiny = float(np.median(y)), 0.0, 1e-9 + 0.05 * float(np.median(y))
    for _ in range(10):
        error = y / np.maximum(base + growth * x, tiny) - 1
        width = max(0.06, 3 * float(np.median(np.abs(error))))
        weight = 1 / (1 + (error / width) ** 2) / np.maximum(base + growth * x, tiny) ** 2
        base, growth = float(np.average(y, weights=weight)), 0.0
        if degree:
            centre = np.average(x, weights=weight)
            spread = (weight * (x - centre) ** 2).sum()
            growth = max(0.0, float((weight * (x - centre) * (y - base)).sum() / max(spread, 1e-12)))
            base -= growth * float(centre)
        if base < 0:
            base, growth = 0.0, float((weight * x * y).sum() / (weight * x * x).sum())
    return max(base, 1e-9), growth


def _from_differences(values: np.ndarray) -> float:
    """Of an image (h, w, c) too small for patches: second differences along the sides of 3 or more, or 0."""
    found = False
    for axis in (0, 1):
        if values.shape[axis] >= 3:
            values, found = np.diff(values, 2, axis) / math.sqrt(6), True
    size = np.abs(values[np.isfinite(values)])
    return float(np.median(size)) / 0.6745 if found and size.size else 0.0
