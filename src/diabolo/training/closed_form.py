"""The linear autoencoder's weights without descending: principal components, in one pass over the data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from diabolo.architectures import Flat
from diabolo.latents import Linear
from diabolo.latents.linear import LinearLatent
from diabolo.latents.principal import principal_components
from diabolo.objectives import Gaussian
from diabolo.preprocessing import UNIT, Conversion
from diabolo.recipe import Recipe
from diabolo.training.pictures import Pictures
from diabolo.views import Values

CHUNK = 2048  # images: large enough for the matrix product, small beside the data
# Numbers in an image from which threads share the work. Below, BLAS's threads mostly spin and wait for one another:
# of 60000 x 784 numbers two took 3.2 CPU-seconds, one 0.8.
SHARED = 2048


def applies(recipe: Recipe) -> bool:
    """Whether the optimum of a recipe is known: linear in, linear out, squared error, nothing in the way."""
    linear = isinstance(recipe.architecture, Flat) and recipe.architecture.depth == 0
    linear = linear and recipe.architecture.output == "linear" and isinstance(recipe.latent, Linear)
    plain = isinstance(recipe.likelihood, Gaussian) and isinstance(recipe.view, Values) and not recipe.corruption
    return linear and plain and recipe.training.method == "auto"


def solve(latent: LinearLatent, pictures: Pictures, learned: np.ndarray, conversion: Conversion) -> None:
    """Set the latent to the principal components of the images at `learned` (Baldi & Hornik 1989)."""
    rows: Iterator[np.ndarray] | np.ndarray = _flat(pictures, learned, conversion)
    numbers = math.prod(conversion.shape)
    if len(learned) < numbers:  # few large pictures: solved by their inner products, all at once
        rows = np.concatenate(list(rows))
    with threadpool_limits(None if numbers >= SHARED else 1, user_api="blas"):
        mean, basis, variances = principal_components(rows, latent.code[0])[:3]
    offset, scale = np.array(conversion.offset), np.array(conversion.scale)
    factor = 1 / UNIT.get(conversion.dtype, 1.0)  # the pass multiplies raw numbers; only its result is rescaled
    if len(scale) > 1 or conversion.impute:
        latent.set_solution(mean, basis, variances)  # every column was rescaled on the way
    else:
        latent.set_solution((mean * factor - offset) / scale, basis, variances * (factor / scale) ** 2)


def _flat(pictures: Pictures, learned: np.ndarray, conversion: Conversion) -> Iterator[np.ndarray]:
    """Raw images as rows, in the network's order of numbers; float64 and rescaled only where columns are."""
    whole = pictures.in_memory and pictures.shape is not None and len(learned) == len(pictures)
    for start in range(0, len(learned), CHUNK):
        if whole:
            raw = pictures.held(start, start + CHUNK)
        else:
            raw = np.concatenate(list(pictures.batches(learned[start : start + CHUNK], CHUNK)))
        if conversion.layout == "channels":
            raw = np.moveaxis(raw, -1, 1)
        rows = raw.reshape(len(raw), -1)
        if len(conversion.scale) > 1 or conversion.impute:
            rows = (rows * (1 / UNIT.get(conversion.dtype, 1.0)) - conversion.offset) / conversion.scale
            rows = conversion.filled(rows)
        yield rows
