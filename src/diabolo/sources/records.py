"""Records: the rows of a table of which one column holds pictures, or says where these lie."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.pixels import is_picture
from diabolo.sources.arrays import as_array
from diabolo.sources.base import Arrays, Source
from diabolo.sources.labelled import Labelled
from diabolo.sources.mixed import Mixed, Texts, mixed_of, read_mixed
from diabolo.sources.modalities import Modalities, learn_modalities
from diabolo.sources.pictures import Folder, Pictures


class Records:
    """The pictures of records, with the cells beside them; any picture and any cell may be missing.

    As a source it is the pictures that there are. `cells` are all columns but theirs, "" = missing; `places` (n,) say
    for each record which picture is its own, -1 = none.
    """

    def __init__(self, table: Table, modalities: Modalities) -> None:
        if table.source is None:
            raise Mistake(f"{table.called} has no pictures", got=f"an empty column {table.picture!r}")
        self.source, self.cells, self.places, self.modalities = table.source, table.cells, table.places, modalities
        self.description = f"{table.called}, {len(table.places)} records, {len(self.source)} of them with pictures"
        self.unreadable: list[tuple[str, str]] = []
        self.shapes: set[tuple[Any, ...]] = getattr(self.source, "shapes", set())
        self.array: np.ndarray | None = getattr(self.source, "array", None)

    def __len__(self) -> int:
        return len(self.source)

    def read(self, index: int) -> np.ndarray:
        return self.source.read(index)

    def name(self, index: int) -> str:
        return self.source.name(index)


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read: the names of its columns, the cells of all but that of pictures, and the pictures.

    `picture` is the name of their column, "" where there is none; `places` (n,) are as in `Records`.
    """

    names: list[str]
    cells: Texts
    called: str
    picture: str
    source: Source | None
    places: np.ndarray


class Listed:
    """A store of the picture files that a table lists, by their paths from its folder."""

    def __init__(self, folder: Path, names: list[str], description: str) -> None:
        self.folder, self.listed, self.description = Folder(folder), names, description
        self.refused: list[tuple[str, str]] = []

    def names(self) -> list[str]:
        return self.listed

    def open(self, name: str) -> IO[bytes]:
        return self.folder.open(name)

    def read(self, name: str) -> bytes:
        return self.folder.read(name)


def open_rows(spec: Any, categorical: Sequence[str] = (), label: str = "") -> Records | Mixed | Labelled:
    """The rows of a table: records where a column is of pictures, or else vectors (`open_mixed`).

    A column is of pictures where all its cells name picture files; in Python also where it is an array (n, h, w[, c]),
    in which a picture of nothing but NaN is missing, or a list of such pictures with None for a missing one. `label`
    is one more of the categories there.
    """
    table = read_table(spec)
    if not table.picture:
        return mixed_of(table.cells, table.called, categorical, label)
    named = [*categorical, *([label] if label else [])]
    return Records(table, learn_modalities(table.names, table.cells, table.picture, named, table.called))


def read_table(spec: Any, picture: str = "") -> Table:
    """A table with its pictures: those of the column `picture`, or of the one that holds some.

    Raises `Mistake` for several columns of pictures, and with its row for a picture that is not there.
    """
    if not isinstance(spec, str | os.PathLike | list | tuple):
        columns = {str(name): spec[name] for name in (spec if isinstance(spec, Mapping) else spec.columns)}
        held = [name for name, column in columns.items() if _is_held(column)]
        if held:
            return _of_columns(columns, _only(held, "the table"))
    cells, called = read_mixed(spec)
    names, rows = list(cells), len(next(iter(cells.values())))
    found = [name for name, column in cells.items() if any(column) and all(is_picture(c) for c in column if c)]
    wanted = picture if picture in cells else _only(found, called)
    if not wanted:
        return Table(names, cells, called, "", None, np.full(rows, -1))
    if isinstance(spec, list | tuple) and len(spec) > 1:
        raise Mistake("records come from one table", f"{len(spec)} tables, with pictures in column {wanted!r}")
    source, places = _of_files(cells.pop(wanted), folder_of(spec), called, wanted)
    return Table(names, cells, called, wanted, source, places)


def folder_of(spec: Any) -> Path:
    """Where the paths in a table begin: the folder that it lies in, or the one that one works in."""
    one = spec[0] if isinstance(spec, list | tuple) else spec
    return Path(one).expanduser().parent if isinstance(one, str | os.PathLike) else Path()


def _of_columns(columns: dict[str, Any], name: str) -> Table:
    """The table of columns of which one holds pictures."""
    source, places = _of_arrays(columns[name], name)
    others = {other: column for other, column in columns.items() if other != name}
    cells, called = read_mixed(others) if others else ({}, "the table")
    rows = {len(column) for column in cells.values()} | {len(places)}
    if rows != {len(places)} or not len(places):
        raise Mistake("not a table", f"columns of {sorted(rows)} values", "columns of one length, 1 or more")
    return Table(list(columns), cells, called, name, source, places)


def _of_files(listed: list[str], folder: Path, called: str, name: str) -> tuple[Source | None, np.ndarray]:
    """The pictures that are listed, and the place of each row's own."""
    for row, path in enumerate(listed, 1):
        if path and not (folder / path).is_file():
            wrong = f"{called}: a picture is not there"
            raise Mistake(wrong, f"{path} in row {row} of column {name!r}", f"files, by their paths from {folder}")
    present = [path for path in listed if path]
    places = np.where(np.array(listed) != "", np.cumsum(np.array(listed) != "") - 1, -1)
    return (Pictures(Listed(folder, present, called), strict=True) if present else None), places


def _of_arrays(column: Any, name: str) -> tuple[Source | None, np.ndarray]:
    """The pictures that are held, and the place of each row's own."""
    there = np.array([picture is not None and not _is_nan(picture) for picture in column])
    present = [np.asarray(picture) for picture, known in zip(column, there, strict=True) if known]
    if len({picture.shape for picture in present}) > 1:
        raise Mistake(f"the pictures of column {name!r} have different sizes", allowed="one size")
    whole = column if isinstance(column, np.ndarray) and there.all() else present
    places = np.where(there, np.cumsum(there) - 1, -1)
    return (Arrays(as_array(whole)) if present else None), places


def _is_nan(picture: Any) -> bool:
    values = np.asarray(picture)
    return values.dtype.kind == "f" and bool(np.isnan(values).all())


def _is_held(column: Any) -> bool:
    """Does a column hold pictures themselves?"""
    if isinstance(column, np.ndarray) and column.dtype != object:
        return column.ndim > 2
    held = [value for value in column if isinstance(value, np.ndarray)]
    return bool(held) and all(value.ndim > 1 for value in held)


def _only(found: list[str], called: str) -> str:
    """The one name that was found, or "" where none was."""
    if len(found) > 1:
        raise Mistake(f"{called} has several columns of pictures", ", ".join(found), "one", "leave the others out")
    return "".join(found)
