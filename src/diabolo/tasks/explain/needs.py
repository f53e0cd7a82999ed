"""Which inputs the model needs: how much worse the rest is reproduced where one of them is another image's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

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
    x = _numbers(model, images)
    others = images[_derangement(len(images), seed)]
    restored = _numbers(model, model.reconstruct(images))
    cells, grid = _cells(images.shape[1:])
    floor = 1e-9 * float(x.var()) + 1e-30
    needed, told = [], []
    for cell in cells:
        given = np.where(cell, others, images)
        back, wrong = _numbers(model, model.reconstruct(given)), _numbers(model, given)
        rest = np.broadcast_to(~cell, images.shape[1:])
        before, after = (_error(one, x, rest) for one in (restored, back))
        needed.append((after - before) / (before + floor))
        asked, left = (_error(one, x, ~rest) for one in (wrong, back))
        told.append(1 - left / asked if asked > floor else 0.0)
    return Needs(np.array(needed), np.array(told), grid, len(images))


def grid_cells(height: int, width: int, cells: int = CELLS) -> np.ndarray:
    """The number of the cell of each pixel, (h, w), row by row, of a grid of at most `cells` x `cells`."""
    rows, columns = min(cells, height), min(cells, width)
    down, along = np.arange(height) * rows // height, np.arange(width) * columns // width
    numbers: np.ndarray = down[:, None] * columns + along
    return numbers


def _cells(shape: tuple[int, ...]) -> tuple[Iterator[np.ndarray], tuple[int, int]]:
    """Masks that fit a raw image, one for each input."""
    if len(shape) == 1:
        return (np.arange(shape[0]) == i for i in range(shape[0])), (1, shape[0])
    numbers = grid_cells(*shape[:2])
    numbers = numbers if len(shape) == 2 else numbers[..., None]
    grid = min(CELLS, shape[0]), min(CELLS, shape[1])
    return (numbers == i for i in range(grid[0] * grid[1])), grid


def _numbers(model: Model, images: np.ndarray) -> np.ndarray:
    """Raw images in network units, each column of a table in its own, shaped as they are, float64."""
    values = model.conversion.to_network(images).double().numpy()
    if model.conversion.layout == "channels":
        return np.moveaxis(values, 1, -1)
    return values.reshape(images.shape)


def _error(values: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    """Mean squared error over the places (*raw image) that count; 0 where none does."""
    return float(np.square(values - truth)[:, where].mean()) if where.any() else 0.0


def _derangement(count: int, seed: int) -> np.ndarray:
    """Another number for each: a random round in which everybody takes the next one's."""
    order = np.random.default_rng(seed).permutation(count)
    result = np.empty(count, int)
    result[order] = np.roll(order, 1)
    return result
