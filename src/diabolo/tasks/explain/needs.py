"""Which inputs the model needs: how much worse the rest is reproduced where one of them is another image's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from diabolo.errors import Mistake
from diabolo.model import Model

CELLS = 8  # of a picture's grid, along each side
FEWEST = 2  # images
MOST = 256  # images; more add nothing but time


@dataclasses.dataclass(frozen=True)
class Needs:
    """For each of u inputs: a feature, or a cell of a picture's grid, row by row."""

    needed: np.ndarray  # (u,): growth of the other inputs' squared error when this one is wrong; 0 = not needed
    told: np.ndarray  # (u,): how far the others tell it all the same, from 1 (wholly) to 0 (not at all) or below
    grid: tuple[int, int]  # rows and columns of cells; (1, d) of vectors
    images: int  # that this was measured on

    def to_dict(self) -> dict[str, Any]:
        figures = {name: [round(float(v), 6) for v in getattr(self, name)] for name in ("needed", "told")}
        return {**figures, "grid": list(self.grid), "images": self.images}


def needs(model: Model, images: np.ndarray, seed: int = 0) -> Needs:
    """Measure on raw images (n, ...) of one size, n at least 2, that should be normal.

    Each input in turn is taken from another of the images (permutation importance, Breiman 2001, section 10), and the
    squared error of all others is compared with what it was before: 0.5 = half as much again.
    """
    if len(images) < FEWEST:
        raise Mistake("too few images to see which inputs are needed", got=str(len(images)), allowed="2 or more")
    images = images[:MOST]
    x = model.conversion.to_network(images, model.dtype)
    others = x[_derangement(len(x), seed)]
    restored = _restored(model, x)
    cells, grid = _cells(tuple(x.shape[1:]))
    floor = 1e-9 * float(x.double().var()) + 1e-30
    needed, told = [], []
    for cell in cells:
        given = torch.where(cell, others, x)
        back = _restored(model, given)
        before = float((restored - x)[:, ~cell].double().square().mean()) if (~cell).any() else 0.0
        after = float((back - x)[:, ~cell].double().square().mean()) if (~cell).any() else 0.0
        wrong = float((given - x)[:, cell].double().square().mean())
        left = float((back - x)[:, cell].double().square().mean())
        needed.append((after - before) / (before + floor))
        told.append(1 - left / wrong if wrong > floor else 0.0)
    return Needs(np.array(needed), np.array(told), grid, len(images))


def grid_cells(height: int, width: int, cells: int = CELLS) -> np.ndarray:
    """The number of the cell of each pixel, (h, w), row by row, of a grid of at most `cells` x `cells`."""
    rows, columns = min(cells, height), min(cells, width)
    down, along = np.arange(height) * rows // height, np.arange(width) * columns // width
    numbers: np.ndarray = down[:, None] * columns + along
    return numbers


def _cells(shape: tuple[int, ...]) -> tuple[Iterator[torch.Tensor], tuple[int, int]]:
    """Masks of the network's shape, one for each input."""
    if len(shape) == 1:
        return (torch.arange(shape[0]) == i for i in range(shape[0])), (1, shape[0])
    numbers = torch.from_numpy(grid_cells(*shape[1:])).expand(shape)
    grid = min(CELLS, shape[1]), min(CELLS, shape[2])
    return (numbers == i for i in range(grid[0] * grid[1])), grid


def _restored(model: Model, x: torch.Tensor) -> torch.Tensor:
    model.network.eval()
    with torch.no_grad():
        parts = [model.network(part.to(model.device)).parameters.cpu() for part in x.split(model.batch_size)]
        return model.recipe.likelihood.mean(torch.cat(parts))


def _derangement(count: int, seed: int) -> torch.Tensor:
    """Another number for each: a random round in which everybody takes the next one's."""
    order = torch.from_numpy(np.random.default_rng(seed).permutation(count))
    result = torch.empty(count, dtype=torch.long)
    result[order] = order.roll(1)
    return result
