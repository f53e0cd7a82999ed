"""Autoencoders for pictures: one recipe of parts, one training loop, one safe file, and tasks made of them.

Nothing heavy is imported before a name is used: `import diabolo` alone does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diabolo.architectures import Blocks, Conv, Flat, Unet
    from diabolo.corruptions import (
        BlindSpot,
        Blur,
        Boxes,
        Downscale,
        Jpeg,
        MissingPixels,
        Noise,
        Poisson,
        Recorrupt,
        SaltAndPepper,
        Shot,
        Speckle,
        Strokes,
    )
    from diabolo.errors import Mistake
    from diabolo.estimator import Autoencoder, load
    from diabolo.latents import Codebook, Coded, Contractive, Linear, Plain, Quantised, Sparse, Variational
    from diabolo.objectives import Bernoulli, Gaussian, Laplace
    from diabolo.recipe import Recipe
    from diabolo.sources import open_source
    from diabolo.tasks.compress import Compressor
    from diabolo.tasks.detect import AnomalyDetector
    from diabolo.tasks.generate import Generator
    from diabolo.tasks.quality import measure_quality
    from diabolo.tasks.restore import Deblocker, Deblurrer, Denoiser, Enlarger, Inpainter

__version__ = "0.1.0"

__all__ = [
    "AnomalyDetector",
    "Autoencoder",
    "Bernoulli",
    "BlindSpot",
    "Blocks",
    "Blur",
    "Boxes",
    "Codebook",
    "Coded",
    "Compressor",
    "Contractive",
    "Conv",
    "Deblocker",
    "Deblurrer",
    "Denoiser",
    "Downscale",
    "Enlarger",
    "Flat",
    "Gaussian",
    "Generator",
    "Inpainter",
    "Jpeg",
    "Laplace",
    "Linear",
    "MissingPixels",
    "Mistake",
    "Noise",
    "Plain",
    "Poisson",
    "Quantised",
    "Recipe",
    "Recorrupt",
    "SaltAndPepper",
    "Shot",
    "Sparse",
    "Speckle",
    "Strokes",
    "Unet",
    "Variational",
    "__version__",
    "load",
    "measure_quality",
    "open_source",
]

# Where each name lives: it is imported from there when it is first used.
_HOMES = {
    "AnomalyDetector": "diabolo.tasks.detect",
    "Autoencoder": "diabolo.estimator",
    "Bernoulli": "diabolo.objectives",
    "BlindSpot": "diabolo.corruptions",
    "Blocks": "diabolo.architectures",
    "Blur": "diabolo.corruptions",
    "Boxes": "diabolo.corruptions",
    "Codebook": "diabolo.latents",
    "Coded": "diabolo.latents",
    "Compressor": "diabolo.tasks.compress",
    "Contractive": "diabolo.latents",
    "Conv": "diabolo.architectures",
    "Deblocker": "diabolo.tasks.restore",
    "Deblurrer": "diabolo.tasks.restore",
    "Denoiser": "diabolo.tasks.restore",
    "Downscale": "diabolo.corruptions",
    "Enlarger": "diabolo.tasks.restore",
    "Flat": "diabolo.architectures",
    "Gaussian": "diabolo.objectives",
    "Generator": "diabolo.tasks.generate",
    "Inpainter": "diabolo.tasks.restore",
    "Jpeg": "diabolo.corruptions",
    "Laplace": "diabolo.objectives",
    "Linear": "diabolo.latents",
    "MissingPixels": "diabolo.corruptions",
    "Mistake": "diabolo.errors",
    "Noise": "diabolo.corruptions",
    "Plain": "diabolo.latents",
    "Poisson": "diabolo.corruptions",
    "Quantised": "diabolo.latents",
    "Recipe": "diabolo.recipe",
    "Recorrupt": "diabolo.corruptions",
    "SaltAndPepper": "diabolo.corruptions",
    "Shot": "diabolo.corruptions",
    "Sparse": "diabolo.latents",
    "Speckle": "diabolo.corruptions",
    "Strokes": "diabolo.corruptions",
    "Unet": "diabolo.architectures",
    "Variational": "diabolo.latents",
    "load": "diabolo.estimator",
    "measure_quality": "diabolo.tasks.quality",
    "open_source": "diabolo.sources",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'diabolo' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
