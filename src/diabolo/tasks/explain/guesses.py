"""What a value of a row should be, as far as its other values tell: a guess, and how far such guesses are wrong."""

from __future__ import annotations

import numpy as np

from diabolo.errors import Mistake
from diabolo.judgement import known
from diabolo.model import Model

NEAREST = 5  # typical rows that a guess starts from
PASSES = 2  # of the network, each with the guess in place of the value
AT_ONCE = 2**22  # distances in memory


class Typical:
    """The normal rows that a model keeps, (k, d) in the data's units, and their spread."""

    def __init__(self, model: Model, dtype: np.dtype) -> None:
        kept = known(model).typical
        if kept.dim() != 2 or kept.shape[1:] != model.conversion.shape or not len(kept):
            raise Mistake("this model keeps no normal rows", remedy="diabolo fit detect NORMAL.csv -o m.diabolo")
        self.model, self.dtype = model, dtype
        self.rows = model.conversion.from_network(kept, dtype)
        deviation = self.rows.astype(np.float64).std(0)
        self.scale = np.where(deviation > 0, deviation, 1.0)  # (d,)

    def distances(self, rows: np.ndarray) -> np.ndarray:
        """Squared differences (n, k, d) of rows to the typical ones, in units of each column's spread."""
        return np.square((rows[:, None] - self.rows.astype(np.float64)) / self.scale)

    def complete(self, rows: np.ndarray) -> np.ndarray:
        """Rows with missing values replaced by what the network is given in their place."""
        if rows.dtype.kind != "f" or not np.isnan(rows).any():
            return rows
        filled = self.model.conversion.from_network(self.model.conversion.to_network(rows), rows.dtype)
        return np.where(np.isnan(rows), filled, rows)

    def guess(self, rows: np.ndarray, columns: np.ndarray, own: np.ndarray | None = None) -> np.ndarray:
        """What column `columns[i]` of complete row `rows[i]` should be, (p,) float64, from its other values alone.

        The mean of the most similar typical rows, all but that column compared, and then what the network makes of
        it, twice. `own[i]`: the number of the typical row that row i is, which does not count.
        """
        start = np.concatenate([self._nearest(rows, columns, own, part) for part in self._parts(len(rows))])
        filled, every = rows.copy(), np.arange(len(rows))
        filled[every, columns] = typed(start, self.dtype)
        for _ in range(PASSES):
            filled[every, columns] = self.model.reconstruct(filled)[every, columns]
        guessed: np.ndarray = filled[every, columns].astype(np.float64)
        return guessed

    def spread(self, columns: np.ndarray) -> np.ndarray:
        """Root mean square error of such guesses on normal rows, (len(columns),): one standard deviation.

        Measured on the typical rows, each without itself. The network learned from these, so it is raised by as much
        as its error is greater on images that it did not learn from.
        """
        k = len(self.rows)
        rows, own = np.tile(self.rows, (len(columns), 1)), np.tile(np.arange(k), len(columns))
        guessed = self.guess(rows, np.repeat(columns, k), own).reshape(len(columns), k)
        errors = guessed - self.rows.T[columns].astype(np.float64)
        seen = float(self.model.residual(self.rows).mean())
        more = float(self.model.metrics.get("mse", seen)) / seen if seen > 0 else 1.0
        wrong: np.ndarray = np.sqrt(np.square(errors).mean(1) * max(1.0, more))
        return wrong

    def _parts(self, count: int) -> list[slice]:
        at_once = max(1, AT_ONCE // self.rows.size)
        return [slice(start, start + at_once) for start in range(0, count, at_once)]

    def _nearest(self, rows: np.ndarray, columns: np.ndarray, own: np.ndarray | None, part: slice) -> np.ndarray:
        apart = self.distances(rows[part])
        every = np.arange(len(apart))
        total = apart.sum(2) - apart[every, :, columns[part]]
        if own is not None:
            total[every, own[part]] = np.inf
        nearest = np.argsort(total, 1, kind="stable")[:, : min(NEAREST, len(self.rows))]
        mean: np.ndarray = self.rows[nearest, columns[part][:, None]].astype(np.float64).mean(1)
        return mean


def typed(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Numbers as the data has them; those of whole-number types are rounded and kept within their type."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    return np.clip(np.rint(values), np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
