"""Tables of numbers in text files: `.csv` and `.tsv`, plain or packed with gzip; every row is a vector."""

from __future__ import annotations

import array
import csv
import gzip
import itertools
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import numpy as np

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.sources.base import Arrays, refuse_twice

MISSING = {"", "?", "na", "n/a", "#n/a", "#na", "<na>", "nan", "-nan", "null", "none"}  # cells without a value
_DELIMITERS = "\t;,"  # in the order in which they are tried: a comma may be the decimal sign beside the others
_ENDING = re.compile(r"\.[ct]sv(\.gz)?$", re.IGNORECASE)
_LOOKED_AT = 20  # lines, for the delimiter
_NAMED = 3  # columns in one message
_Read = TypeVar("_Read")
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile)


def is_table(path: Path) -> bool:
    """Is it a table by its name: `.csv` or `.tsv`, both also with `.gz`?"""
    return _ENDING.search(path.name) is not None


def as_csv(path: Path) -> Path:
    """The path of a table as that of a plain one with commas, as tables are written."""
    return path.with_name(_ENDING.sub(".csv", path.name))


def open_table(path: Path) -> Arrays:
    """The rows of a table as vectors (n, d) float64, with NaN where a cell has no value (one of `MISSING`).

    Columns stand apart by commas, semicolons or tabs. A first row with a cell that is neither a number nor missing
    gives their names; without one they are "column 1" and so on. Rows are called "row 1", "row 2", ..., without the
    names' row and empty lines. Raises `Mistake` for what is not a table of finite numbers.
    """
    return _whole(path, _read)


def read_cells(path: Path) -> tuple[list[str], bool, list[list[str]]]:
    """The names of a table's columns, whether its first row gives them, and its rows of cells, as they are written."""
    return _whole(path, _texts)


def _whole(path: Path, read: Callable[[IO[str], Path], _Read]) -> _Read:
    """What is read of a table; a `Mistake` where it is none."""
    with reading(path) as source, _opened(source) as file:
        try:
            return read(file, path)
        except UnicodeDecodeError as error:
            got = f"the bytes {error.object[error.start : error.start + 4].hex(' ')}"
            raise Mistake(f"{path} is not text", got, "UTF-8", "save it as CSV in UTF-8") from error
        except csv.Error as error:
            raise Mistake(f"{path} is not a table", got=str(error)) from error
        except _BROKEN as error:
            raise Mistake(f"{path} is damaged or cut short", got=str(error)) from error


def _opened(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")


def _read(file: IO[str], path: Path) -> Arrays:
    names, _, rows = _started(file, path)
    values = _values(rows, names, path)
    table = np.frombuffer(values, np.float64).reshape(-1, len(names)) if values else np.empty((0, len(names)))
    if not len(table):
        raise Mistake(f"there are no rows in {path}", got="the names of columns alone", allowed="rows of numbers")
    for row, column in np.argwhere(np.isinf(table))[:1]:
        wrong = f"{path}: {_label(names, column)} is not finite"
        raise Mistake(wrong, f"{table[row, column]} in row {row + 1}", "finite numbers", "leave the cell empty")
    description = f"{path.name}, {len(table)} row{'s' * (len(table) > 1)} of {len(names)} columns"
    return Arrays(table, description, columns=names)


def _texts(file: IO[str], path: Path) -> tuple[list[str], bool, list[list[str]]]:
    names, has_names, rows = _started(file, path)
    cells = []
    for number, row in enumerate(rows, 1):
        _check_length(row, number, names, path)
        cells.append(row)
    if not cells:
        raise Mistake(f"there are no rows in {path}", got="the names of columns alone", allowed="rows of cells")
    return names, has_names, cells


def _started(file: IO[str], path: Path) -> tuple[list[str], bool, Iterator[list[str]]]:
    """The names of the columns, whether the first row gives them, and the rows below it."""
    start = list(itertools.islice(file, _LOOKED_AT))
    if any("\0" in line for line in start):
        raise Mistake(f"{path} is not text", got="bytes that are 0", allowed="UTF-8", remedy="save it as CSV in UTF-8")
    reader = csv.reader(itertools.chain(start, file), delimiter=_delimiter(start))
    rows = (row for row in reader if row)
    first = next(rows, None)
    if first is None:
        raise Mistake(f"there are no rows in {path}", got="an empty file", allowed="rows of numbers")
    has_names = any(value_of(cell) is None for cell in first)
    names = [(cell.strip() if has_names else "") or f"column {i + 1}" for i, cell in enumerate(first)]
    refuse_twice(names, str(path))
    return names, has_names, rows if has_names else itertools.chain([first], rows)


def _delimiter(start: list[str]) -> str:
    """The delimiter that cuts every line into equally many cells, or else the first line into the most."""
    counts = {}
    for delimiter in _DELIMITERS:
        cells = [len(row) for row in csv.reader(start, delimiter=delimiter) if row]
        counts[delimiter] = cells[0] if cells else 1
        if counts[delimiter] > 1 and len(set(cells)) == 1:
            return delimiter
    most = max(counts, key=lambda delimiter: counts[delimiter])
    return most if counts[most] > 1 else ","


def _values(rows: Iterator[list[str]], names: list[str], path: Path) -> array.array[float]:
    """All cells in order; a `Mistake` for a row of another length, or with a cell that is text."""
    values = array.array("d")
    for number, row in enumerate(rows, 1):
        _check_length(row, number, names, path)
        text = "".join(row)
        try:
            if "_" in text or not text.isascii():  # Python would read 1_000, and digits of other scripts
                raise ValueError(text)
            values.extend(list(map(float, row)))
        except ValueError:
            cells = [value_of(cell) for cell in row]
            if None in cells:
                raise _text(path, names, number, row, [i for i, cell in enumerate(cells) if cell is None]) from None
            values.extend(cell for cell in cells if cell is not None)
    return values


def _check_length(row: list[str], number: int, names: list[str], path: Path) -> None:
    if len(row) != len(names):
        remedy = "quotes around a cell that holds the delimiter" if len(row) > len(names) else "a cell for every column"
        raise Mistake(f"{path}: row {number} has another number of cells", str(len(row)), str(len(names)), remedy)


def value_of(cell: str) -> float | None:
    """A cell's number, NaN where it is missing, None where it is text."""
    plain = cell.strip()
    if plain.lower() in MISSING:
        return np.nan
    if "_" in plain or not plain.isascii():
        return None
    try:
        return float(plain)
    except ValueError:
        return None


def _text(path: Path, names: list[str], number: int, row: list[str], texts: list[int]) -> Mistake:
    told = ", ".join(_label(names, i) for i in texts[:_NAMED])
    told += f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    cell = row[texts[0]].strip()[:40]
    remedy = "leave these columns out of the file, or encode them as numbers"
    if cell.count(",") == 1 and value_of(cell.replace(",", ".")) is not None:
        remedy = "a point as the decimal sign"
    are = "are" if len(texts) > 1 else "is"
    return Mistake(f"{path}: {told} {are} not numbers", f"{cell!r} in row {number}", "numbers or empty cells", remedy)


def _label(names: list[str], i: int) -> str:
    return names[i] if names[i] == f"column {i + 1}" else f"column {names[i]!r}"
