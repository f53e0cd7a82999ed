"""Tables with text: columns of numbers or of categories, with cells missing; every row is a vector of its scores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.sources.base import Arrays
from diabolo.sources.columns import learn_encoding
from diabolo.sources.conditions import conditions_of
from diabolo.sources.encoding import Encoding
from diabolo.sources.labelled import Labelled
from diabolo.sources.notation import POINT, kind_of, notation_of, number_in
from diabolo.sources.table import MISSING, is_table, read_cells, value_of

Texts = dict[str, list[str]]


class Mixed(Arrays):
    """The rows of a table as vectors; `encoding` turns them back, `cells` is the table as it was read."""

    def __init__(self, cells: Texts, encoding: Encoding, description: str) -> None:
        super().__init__(encoding.encode(cells), description)
        self.cells, self.encoding = cells, encoding

    def name(self, index: int) -> str:
        return f"row {index + 1}"


def is_mixed(spec: Any) -> bool:
    """Is it what `open_mixed` opens: the path of a table that is there, several, a DataFrame, columns by name?"""
    if isinstance(spec, list | tuple):
        return bool(spec) and all(isinstance(one, str | os.PathLike) and is_mixed(one) for one in spec)
    if isinstance(spec, str | os.PathLike):
        return is_table(Path(spec)) and Path(spec).expanduser().is_file()
    return isinstance(spec, Mapping) or (hasattr(spec, "columns") and hasattr(spec, "to_numpy"))


def open_mixed(spec: Any, categorical: Sequence[str] = (), label: str = "") -> Mixed | Labelled:
    """A table as vectors; `label` names the column that is what each row is of, `categorical` those of categories.

    Columns whose cells are all numbers, or all dates (`diabolo.sources.notation`), are numbers otherwise, all others
    categories. Raises `Mistake` for a column of free text, and for what is no table.
    """
    return mixed_of(*read_mixed(spec), categorical, label)


def mixed_of(cells: Texts, called: str, categorical: Sequence[str] = (), label: str = "") -> Mixed | Labelled:
    """`open_mixed` of cells that were read already."""
    encoding = learn_encoding(cells, categorical, label, called)
    rows = len(next(iter(cells.values())))
    mixed = Mixed(cells, encoding, f"{called}, {rows} row{'s' * (rows > 1)} of {len(cells)} columns")
    return Labelled(mixed, conditions_of({label: cells[label]})) if label else mixed


def read_mixed(spec: Any) -> tuple[Texts, str]:
    """The cells of a table, "" where one is missing, and what to call it. Of several, the rows one after the other."""
    if isinstance(spec, list | tuple):
        tables = [read_mixed(one) for one in spec]
        first, called = tables[0]
        for other, name in tables[1:]:
            if list(other) != list(first):
                raise Mistake(f"the columns of {name} are not those of {called}", ", ".join(other)[:80])
        return {name: [c for cells, _ in tables for c in cells[name]] for name in first}, " + ".join(
            n for _, n in tables
        )
    if isinstance(spec, str | os.PathLike):
        return _of_file(Path(spec).expanduser()), Path(spec).name
    columns = spec if isinstance(spec, Mapping) else {name: spec[name] for name in spec.columns}
    cells = {str(name): [_cell(value, str(name)) for value in _plain(column)] for name, column in columns.items()}
    lengths = {len(column) for column in cells.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise Mistake("not a table", f"columns of {sorted(lengths)} values", "columns of one length, 1 or more")
    return cells, "the table"


def _of_file(path: Path) -> Texts:
    names, has_names, rows = read_cells(path)
    columns = [[_known(cell) for cell in column] for column in zip(*rows, strict=True)]
    for name, column in zip(names, columns, strict=True):
        if has_names and value_of(name) is None and name in column and not _all_numbers(column):
            wrong, allowed = f"{path} has no names of columns", "a first row of names"
            raise Mistake(wrong, f"the first row's {name!r}, which is a value of its column, too", allowed)
        notation = notation_of([name]) if has_names else POINT
        if notation not in (None, POINT) and all(number_in(cell, notation) is not None for cell in column):
            wrong, allowed = f"{path} has no names of columns", "a first row of names"
            raise Mistake(wrong, f"the first row's {name!r}, which is a {kind_of(notation)} as those below", allowed)
    return dict(zip(names, columns, strict=True))


def _all_numbers(column: list[str]) -> bool:
    return all(value_of(cell) is not None for cell in column)


def _known(cell: str) -> str:
    plain = cell.strip()
    return "" if plain.lower() in MISSING else plain


def _plain(column: Any) -> list[Any]:
    if getattr(getattr(column, "dtype", None), "tz", None) is not None:  # of pandas: the time that clocks there show
        column = (column.dt if hasattr(column, "dt") else column).tz_localize(None)
    if getattr(getattr(column, "dtype", None), "kind", "") == "M":  # of datetime64: whole days, or seconds
        seconds = np.asarray(column, dtype="datetime64[s]")
        days = seconds.astype("datetime64[D]")
        whole = days if (days == seconds)[~np.isnat(seconds)].all() else seconds
        return [None if np.isnat(moment) else str(moment) for moment in whole]
    return column.tolist() if hasattr(column, "tolist") else list(column)


def _cell(value: Any, name: str) -> str:
    """A value as a cell's text; "" for None and NaN."""
    if isinstance(value, np.datetime64) and not np.isnat(value):
        value = value.astype("datetime64[s]").item()
    if value is None or value != value or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, str):
        return _known(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, bool | int | float | np.bool_ | np.integer | np.floating):
        wrong = f"a value of column {name!r} is neither a number nor a text nor a date"
        raise Mistake(wrong, got=type(value).__name__)
    return str(value)
