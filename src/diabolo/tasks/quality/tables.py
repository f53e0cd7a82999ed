"""Tables: errors of columns and of pairs of columns, beside two halves of the real one and a bad one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diabolo.errors import unknown
from diabolo.fidelity import Interval, pair_errors, shape_errors
from diabolo.tasks.quality.given import Side
from diabolo.tasks.quality.record import Columns, Figure, mean_of_pairs


def column_errors(real: Side, synthetic: Side, categorical: Sequence[str], seed: int) -> Columns:
    """Errors of a half of `real` against as many synthetic rows; the floor is the other half.

    The ceiling is a table whose columns are drawn evenly between their least and greatest value, each by itself. The
    labels, where both have some, are one more column, of categories, as are the columns named `categorical`.
    """
    names = list(real.columns or [f"column {i + 1}" for i in range(real.images.shape[1])])
    for name in categorical:
        if name not in names:
            raise unknown("column", name, names)
    kinds = [name in categorical for name in names]
    labelled = real.labels is not None and synthetic.labels is not None
    if labelled:
        names, kinds = [*names, real.label_name], [*kinds, True]
    count = min(len(real) // 2, len(synthetic))
    half, other = real.part(0, count), real.part(count, 2 * count)
    generator = np.random.default_rng(seed)
    tables = [_columns(side, labelled) for side in (synthetic.part(0, count), other)]
    tables.append([_even(column, generator) for column in tables[1]])
    base = _columns(half, labelled)
    shapes = [shape_errors(base, table, kinds) for table in tables]
    pairs = [pair_errors(base, table, kinds) for table in tables]
    figures = [_figure("column_shape_error", "column-shape error, mean", [float(s.mean()) for s in shapes])]
    if len(names) > 1:
        figures.append(_figure("pair_trend_error", "pair-trend error, mean", [mean_of_pairs(p) for p in pairs]))
    return Columns(tuple(names), tuple(kinds), shapes[0], pairs[0], tuple(figures))


def _figure(name: str, title: str, values: list[float]) -> Figure:
    return Figure(name, title, *(Interval(value) for value in values))


def _columns(side: Side, labelled: bool) -> list[np.ndarray]:
    columns = list(side.images.astype(np.float64).T)
    return [*columns, np.asarray(side.labels)] if labelled else columns


def _even(column: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    if column.dtype.kind != "f":
        return generator.choice(np.unique(column), len(column))
    if np.isnan(column).all():
        return column
    return generator.uniform(np.nanmin(column), np.nanmax(column), len(column))
