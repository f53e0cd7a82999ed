"""What is known beside each picture, as numbers that can be guessed from its code."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.sources import Conditions, Records
from diabolo.training.pictures import Pictures


def beside(pictures: Pictures, seed: int) -> Tensor:
    """The cells of the pictures' records, or the values of their attributes: (n, d), NaN where nothing is known.

    A column or attribute has a variance of 1 in all, however many numbers it has. Raises `Mistake` without any.
    """
    if isinstance(pictures.source, Records):
        rows, widths = _cells(pictures.source, seed)
        rows = rows[pictures.order]
    elif pictures.conditions is not None:
        rows, widths = _values(pictures.conditions)
    else:
        remedy = "--labels-from-folders, or labels= in Python; else --terms none"
        raise Mistake("the term telling needs pictures of which something is known", "no labels", remedy=remedy)
    known = ~np.isnan(rows)
    rows -= np.where(known, rows, 0).sum(0) / np.maximum(known.sum(0), 1)
    parts = np.split(rows, np.cumsum(widths)[:-1], axis=1)
    return torch.from_numpy(np.concatenate([part / _length(part) for part in parts], 1)).float()


def _cells(records: Records, seed: int) -> tuple[np.ndarray, list[int]]:
    """For each picture of the source the cells of its record (n, d), and how many numbers each column has."""
    cells = records.modalities.encode(records.cells, np.zeros((len(records.places), 0)), seed)
    rows, there = np.full((len(records), cells.shape[1]), np.nan), records.places >= 0
    rows[records.places[there]] = cells[there]
    return rows, [width for width in records.modalities.widths if width]


def _values(conditions: Conditions) -> tuple[np.ndarray, list[int]]:
    """For each picture 1 in the place of each attribute's value (n, d), and how many values each attribute has."""
    widths = [len(attribute.values) for attribute in conditions.attributes]
    rows = np.concatenate(
        [np.eye(width, dtype=np.float32)[conditions.indices[:, i]] for i, width in enumerate(widths)], 1
    )
    rows[np.repeat(conditions.indices < 0, widths, axis=1)] = np.nan
    return rows, widths


def _length(rows: np.ndarray) -> float:
    """The root of the mean squared length of those of rows (n, d) that are known; 1 where it is nothing."""
    squares = np.square(rows).sum(1)
    squares = squares[~np.isnan(squares)]
    return float(np.sqrt(squares.mean())) or 1.0 if len(squares) else 1.0
