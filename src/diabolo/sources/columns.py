"""What the columns of a table are: numbers, or categories; free text is neither."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import numpy as np

from diabolo.errors import Mistake
from diabolo.sources.encoding import Categories, Cells, Column, Encoding, Numbers
from diabolo.sources.notation import decimals_of, notation_of, number_in

KNOTS = 128  # places at which the values of a column are kept; fewer different ones are kept each
CROWD = 5  # cells for each different value, on average, where values repeat: what is drawn are then these alone
CATEGORIES = 256  # of one column; what has more is text
RARE = 2  # cells for each category, on average: below it, nearly every value is another one, and the column is text
FEW = 10  # categories that a column may have without being looked at twice
COLUMNS = 256
LARGEST = 3 * 2**19  # letters of an encoding in a model's file
LENGTH = 100  # letters of a category
DECIMALS = 12


def learn_encoding(cells: Cells, categorical: Sequence[str] = (), label: str = "", table: str = "table") -> Encoding:
    """What the columns of a table are. Those named in `categorical`, and the label, are categories whatever they hold.

    Raises `Mistake` for a column of free text, for infinity, and for more than `COLUMNS` columns.
    """
    if len(cells) > COLUMNS:
        raise Mistake(f"too many columns in {table}", str(len(cells)), f"at most {COLUMNS}", "leave some out")
    for name in (*categorical, *([label] if label else [])):
        if name not in cells:
            raise Mistake(f"{table} has no column {name!r}", allowed=", ".join(cells))
    named = {*categorical, label}
    columns = tuple(_learned(name, column, name in named, table) for name, column in cells.items())
    if all(name == label for name in cells):
        raise Mistake(f"{table} has nothing but labels", got=label, allowed="2 columns or more")
    encoding = Encoding(columns, label)
    length = len(json.dumps(dataclasses.asdict(encoding)))
    if length > LARGEST:
        got, allowed = f"{length} letters for {len(columns)} columns", f"at most {LARGEST}"
        raise Mistake(f"{table} takes too long to describe in a model", got, allowed, "leave some columns out")
    return encoding


def _learned(name: str, cells: Sequence[str], named: bool, table: str) -> Column:
    present = [cell for cell in cells if cell]
    notation = None if named or not present else notation_of(present)
    if notation is None:
        return _categories(name, cells, present, named, table)
    values = np.array([number_in(cell, notation) for cell in present], dtype=np.float64)
    if not np.isfinite(values).all():
        place = next(i for i, cell in enumerate(cells) if cell and not np.isfinite(number_in(cell, notation) or 0.0))
        wrong = f"{table}: column {name!r} is not finite"
        raise Mistake(wrong, f"{cells[place]} in row {place + 1}", "finite numbers", "leave the cell empty")
    missing = 1 - len(present) / len(cells)
    return Numbers(name, *_spread(np.sort(values)), decimals_of(present, notation, DECIMALS), missing, notation)


def _spread(ordered: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Values and the shares below them: both ends of each value where these repeat, or else `KNOTS` quantiles.

    Among quantiles, too, a value that is as frequent as what lies between two of them has both its ends: the zeros of a
    column that is mostly zero, say. There are at most `2 * KNOTS` in all, as each such value covers a quantile.
    """
    different, counts = np.unique(ordered, return_counts=True)
    stops = np.cumsum(counts) / len(ordered)
    starts = np.concatenate(([0.0], stops[:-1]))
    few = len(different) <= min(KNOTS, max(1, len(ordered) // CROWD))
    own = few | (counts >= max(CROWD, len(ordered) / (KNOTS - 1)))
    shares = np.linspace(0, 1, 0 if few else min(KNOTS, len(ordered)))
    covered = (starts[own] <= shares[:, None]) & (shares[:, None] <= stops[own])
    shares = shares[~covered.any(1)]
    places = np.concatenate((starts[own], stops[own], shares))
    values = np.concatenate((different[own], different[own], np.quantile(ordered, shares)))
    order = np.lexsort((values, places))
    return tuple(values[order].tolist()), tuple(places[order].tolist())


def _categories(name: str, cells: Sequence[str], present: list[str], named: bool, table: str) -> Categories:
    values, counts = np.unique(np.array(cells), return_counts=True)
    different = len(values) - ("" in cells)
    most = CATEGORIES if named else min(CATEGORIES, max(FEW, len(present) // RARE))
    if different > most:
        wrong = f"{table}: column {name!r} is free text, which cannot be made up"
        got = f"{different} different values in {len(present)} rows, as {present[0][:40]!r}"
        remedy = "leave the column out, or bring it to few values"
        raise Mistake(wrong, got, f"numbers, dates, or at most {most} categories", remedy)
    long = next((value for value in values if len(value) > LENGTH or not value.isprintable()), None)
    if long is not None:
        wrong = f"{table}: a category of column {name!r} is too long, or cannot be printed"
        raise Mistake(wrong, repr(str(long))[:40], f"at most {LENGTH} letters")
    order = np.argsort(-counts, kind="stable")  # the most frequent first
    return Categories(name, tuple(values[order].tolist()), tuple((counts[order] / counts.sum()).tolist()))
