"""Noise taken away: a denoising model beside a median filter, on pictures whose clean state is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from scipy.ndimage import median_filter

from diabolo import metrics
from diabolo.corruptions import Noise, corrupt
from diabolo.model import Model

SIGMA = 25.0  # of the noise, in 8-bit units


@dataclasses.dataclass(frozen=True)
class Restored:
    """Pictures with noise, as two methods clean them, and as they were: raw arrays, and each one's PSNR, decibels."""

    pictures: dict[str, np.ndarray]  # "noisy", "median filter", "autoencoder", "clean": (n, h, w, 3) uint8
    psnr: dict[str, np.ndarray]  # (n,), for all but "clean"


def restore(model: Model, clean: np.ndarray, seed: int) -> Restored:
    """Add noise to pictures (n, h, w, 3) uint8 and take it away again, by a 3 x 3 median and by the model."""
    images = torch.from_numpy(clean).permute(0, 3, 1, 2) / 255
    noisy = corrupt(images, (Noise(sigma=SIGMA),), torch.Generator().manual_seed(seed)).image  # type: ignore[arg-type]
    with torch.no_grad():
        learned = torch.cat([model.network(chunk.to(model.device)).parameters.cpu() for chunk in noisy.split(64)])
    median = torch.from_numpy(median_filter(noisy.numpy(), size=(1, 1, 3, 3)))
    kinds = {"noisy": noisy, "median filter": median, "autoencoder": learned, "clean": images}
    kinds = {name: batch.clamp(0, 1) for name, batch in kinds.items()}
    psnr = {name: metrics.psnr(batch, images).numpy() for name, batch in kinds.items() if name != "clean"}
    return Restored({name: _bytes(batch) for name, batch in kinds.items()}, psnr)


def _bytes(batch: torch.Tensor) -> np.ndarray:
    return (batch.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).numpy()
