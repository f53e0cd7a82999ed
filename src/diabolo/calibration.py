"""How sure a restoration is: half-widths of intervals that hold a promised share of the true values.

What can be seen of a pixel without the truth - how much was changed around it, or how deep in a hole it lies, and how
busy the result is there - sorts it into a cell of a table; each cell has the quantile of the errors that were met in
it. Split conformal prediction (Papadopoulos, Proedrou, Vovk and Gammerman 2002) per group of a taxonomy (Mondrian:
Vovk, Gammerman and Shafer 2005, section 4.5). Pictures are (c, h, w) floats, 0..1.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import distance_transform_edt, uniform_filter

from diabolo.errors import Mistake

WINDOW = 7  # pixels; the side of the square over which change and activity are taken
BINS = 12  # of each feature; of change, so many for seen and so many for missing pixels
LEAST = 500  # values in a cell; with fewer it borrows from its neighbours
MOST = 4_000_000  # values that are kept to learn from, drawn evenly
MISSING = 1.0  # where the axis of change begins to mean pixels of distance: a change of colour is below
LONGEST = 256  # bins of one feature in a table; nobody learns more, and a hostile file could


@dataclasses.dataclass(frozen=True)
class ErrorBounds:
    """Half-widths of the interval that holds `coverage` of the true values, by what can be seen of a pixel.

    `change_edges` and `activity_edges` part the cells of `table`, one fewer than it has rows and columns; a value on
    an edge belongs above it. Change below 1 is the mean of |before - restored| nearby, from 1 on a missing pixel's
    distance to the nearest seen one, in pixels; activity is the standard deviation of `restored` nearby.
    Raises `Mistake` for anything that is no such table.
    """

    coverage: float  # 0..1, both left out
    change_edges: tuple[float, ...]
    activity_edges: tuple[float, ...]
    table: tuple[tuple[float, ...], ...]  # half-widths, image units

    def __post_init__(self) -> None:
        coverage = _share(self.coverage)
        change, activity = (_edges(name, getattr(self, name)) for name in ("change_edges", "activity_edges"))
        rows = self.table if isinstance(self.table, list | tuple) else ()
        table = tuple(_numbers("a row of the table", row) for row in rows[: LONGEST + 1])
        if len(table) != len(change) + 1 or any(len(row) != len(activity) + 1 for row in table):
            allowed = f"{len(change) + 1} rows of {len(activity) + 1} numbers"
            raise Mistake("the table of error bounds does not fit its edges", allowed=allowed)
        if any(width < 0 for row in table for width in row):
            raise Mistake("a half-width of the error bounds is negative", allowed="0 or more")
        for name, value in zip(_NAMES, (coverage, change, activity, table), strict=True):
            object.__setattr__(self, name, value)

    @classmethod
    def learn(
        cls,
        before: Sequence[ArrayLike],
        restored: Sequence[ArrayLike],
        truth: Sequence[ArrayLike],
        missing: Sequence[ArrayLike] | None = None,
        coverage: float = 0.9,
    ) -> ErrorBounds:
        """From pictures whose truth is known, and which the model was not trained on, if it is to hold elsewhere.

        `before`, `restored` and `truth` are (c, h, w) each, `missing` (h, w), 1 = missing; sizes may differ between
        pictures. Raises `Mistake` where there is none, or their numbers or shapes differ.
        """
        coverage = _share(coverage)
        masks = [None] * len(before) if missing is None else list(missing)
        if not len(before) == len(restored) == len(truth) == len(masks) > 0:
            got = ", ".join(str(len(each)) for each in (before, restored, truth, masks))
            raise Mistake("error bounds are learned from as many pictures of each kind", got=got, allowed="1 or more")
        change, activity, error = _samples(zip(before, restored, truth, masks, strict=True), len(masks))
        change_edges, activity_edges = _change_edges(change), _quantile_edges(activity)
        cells = np.digitize(change, change_edges) * (len(activity_edges) + 1) + np.digitize(activity, activity_edges)
        shape = (len(change_edges) + 1, len(activity_edges) + 1)
        edge = np.flatnonzero(change_edges == MISSING)  # rows of the table below it are of seen pixels
        table = _table(cells, error, shape, coverage, int(edge[0]) + 1 if len(edge) else 0)
        return cls(coverage, tuple(change_edges), tuple(activity_edges), tuple(map(tuple, table.tolist())))

    def map(self, before: ArrayLike, restored: ArrayLike, missing: ArrayLike | None = None) -> np.ndarray:
        """The half-width at each value of `restored`, (c, h, w) float32, image units."""
        change, activity = _features(before, restored, missing)
        table = np.array(self.table, np.float32)
        return table[np.digitize(change, self.change_edges)[None], np.digitize(activity, self.activity_edges)]

    def to_plain(self) -> dict[str, Any]:
        """JSON data, as a model's file keeps it."""
        return {
            "coverage": self.coverage,
            "change_edges": list(self.change_edges),
            "activity_edges": list(self.activity_edges),
            "table": [list(row) for row in self.table],
        }

    @classmethod
    def from_plain(cls, plain: Any) -> ErrorBounds:
        """What `to_plain` described; a `Mistake` for anything else."""
        if not isinstance(plain, Mapping) or set(plain) != set(_NAMES):
            raise Mistake("not a description of error bounds", got=repr(plain)[:80], allowed=", ".join(_NAMES))
        return cls(**plain)


_NAMES = tuple(field.name for field in dataclasses.fields(ErrorBounds))


def _samples(pictures: Iterator[tuple[Any, ...]], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Change, activity and |restored - truth| of all values, (n,) each; of large sets evenly drawn ones."""
    generator = np.random.default_rng(0)
    kept = []
    for before, restored, truth, mask in pictures:
        change, activity = _features(before, restored, mask)
        if np.shape(truth) != activity.shape:
            got = f"{np.shape(truth)} and {activity.shape}"
            raise Mistake("a picture and its truth have different shapes", got=got)
        error = np.abs(np.asarray(restored, np.float64) - np.asarray(truth, np.float64))
        each = [np.broadcast_to(values, error.shape).ravel() for values in (change, activity, error)]
        if error.size * count > MOST:
            chosen = generator.choice(error.size, min(error.size, max(1, MOST // count)), replace=False)
            each = [values[chosen] for values in each]
        kept.append(np.stack(each))
    change, activity, error = np.concatenate(kept, axis=1)
    return change, activity, error


def _features(before: ArrayLike, restored: ArrayLike, missing: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """Change, or distance where missing, (h, w), and activity (c, h, w)."""
    before, restored = np.asarray(before, np.float64), np.asarray(restored, np.float64)
    if before.shape != restored.shape or before.ndim != 3 or 0 in before.shape:
        got = f"{before.shape} and {restored.shape}"
        raise Mistake("error bounds need a picture before and after", got=got, allowed="(c, h, w) both, not empty")
    mean = _nearby(restored)
    activity = np.sqrt(np.maximum(_nearby(restored**2) - mean**2, 0))
    if missing is None:
        return np.minimum(_nearby(np.abs(before - restored).mean(0)), np.nextafter(MISSING, 0)), activity
    hole = np.asarray(missing) > 0.5
    if hole.shape != before.shape[1:]:
        allowed = str(before.shape[1:])
        raise Mistake("the mask has another size than the picture", got=str(hole.shape), allowed=allowed)
    return _change_with_hole(before, restored, hole), activity


def _change_with_hole(before: np.ndarray, restored: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The change near seen pixels, from seen ones alone (what stands in a hole means nothing); depth in the hole."""
    difference = np.abs(np.where(hole, 0, before) - np.where(hole, 0, restored)).mean(0)
    share = np.maximum(_nearby(1.0 - hole), 1 / WINDOW**2 / 2)  # at a seen pixel at least that pixel's own
    change = np.minimum(_nearby(difference) / share, np.nextafter(MISSING, 0))
    depth = distance_transform_edt(hole) if not hole.all() else np.full(hole.shape, math.hypot(*hole.shape))
    return np.where(hole, depth, change)


def _nearby(values: np.ndarray) -> np.ndarray:
    """The mean over a square around each pixel; beyond the border the picture is mirrored."""
    return uniform_filter(values, WINDOW, axes=(-2, -1))


def _change_edges(change: np.ndarray) -> np.ndarray:
    seen = change < MISSING
    if seen.all():
        return _quantile_edges(change)
    return np.unique(np.concatenate([_quantile_edges(change[seen]), [MISSING], _quantile_edges(change[~seen])]))


def _quantile_edges(values: np.ndarray) -> np.ndarray:
    """What parts `values` into BINS equally full bins, or fewer where many are equal: (BINS - 1,) increasing."""
    if not len(values):
        return np.empty(0)
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))


def _table(cells: np.ndarray, errors: np.ndarray, shape: tuple[int, int], coverage: float, seen: int = 0) -> np.ndarray:
    """The conformal quantile of the errors in each cell, and in as many cells around as LEAST errors take.

    Cells of missing pixels, in the rows from `seen` on, borrow nothing from those of seen ones, nor these from them,
    unless there is nothing else.
    """
    order = np.argsort(cells, kind="stable")
    ends = np.searchsorted(cells[order], np.arange(shape[0] * shape[1] + 1))
    groups = [errors[order[start:end]] for start, end in itertools.pairwise(ends)]
    sizes = np.diff(ends).reshape(shape)
    table = np.empty(shape)
    for row, column in np.ndindex(shape):
        for reach in range(max(shape)):
            least, most = (0, seen) if row < seen else (seen, shape[0])
            least, most = (least, most) if sizes[least:most].any() else (0, shape[0])
            rows = slice(max(least, row - reach), min(most, row + reach + 1))
            box = rows, slice(max(0, column - reach), column + reach + 1)
            if sizes[box].sum() >= LEAST:
                break
        near = np.arange(sizes.size).reshape(shape)[box].ravel()
        table[row, column] = conformal_quantile(np.concatenate([groups[cell] for cell in near]), coverage)
    return table


def conformal_quantile(errors: np.ndarray, coverage: float) -> float:
    """The ceil((n + 1) coverage)-th smallest of n errors: a further one is at most so large with that probability.

    The largest where n is too small for such a promise. (Vovk, Gammerman and Shafer 2005, section 2.2)
    """
    rank = min(len(errors), math.ceil((len(errors) + 1) * coverage))
    return float(np.partition(errors, rank - 1)[rank - 1])


def _edges(name: str, values: Any) -> tuple[float, ...]:
    edges = _numbers(name, values)
    if any(after <= before for before, after in itertools.pairwise(edges)):
        raise Mistake(f"{name} of the error bounds do not increase", got=repr(edges)[:80])
    return edges


def _numbers(name: str, values: Any) -> tuple[float, ...]:
    plain = isinstance(values, list | tuple) and len(values) <= LONGEST
    if not plain or not all(map(_is_number, values)):
        allowed = f"at most {LONGEST} finite numbers"
        raise Mistake(f"{name} of the error bounds: not numbers", got=repr(values)[:80], allowed=allowed)
    return tuple(map(float, values))


def _is_number(value: Any) -> bool:
    """Is it finite, and no larger than single precision holds?"""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e38


def _share(coverage: Any) -> float:
    if not _is_number(coverage) or not 0 < coverage < 1:
        raise Mistake("the coverage is no share", got=repr(coverage)[:80], allowed="more than 0 and less than 1")
    return float(coverage)
