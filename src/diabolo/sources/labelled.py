"""Images with what they are of: labels from folders' names, named sets, files of labels, or given in Python."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.sources.base import Source
from diabolo.sources.conditions import CLASS, Conditions, conditions_of
from diabolo.sources.encoding import Encoding
from diabolo.sources.idx import is_idx, read_idx
from diabolo.sources.named import NAMED
from diabolo.sources.named import labels as named_labels
from diabolo.sources.table import is_table, read_cells

OWN, FOLDERS, NONE = "own", "folders", "none"
LABEL_KEYS = ("labels", "y", "target", "targets")  # the array of an .npz that holds labels: the first that is there
NAMES = ("name", "file", "filename", "image", "picture")  # the column of a table that says which picture a row is of


class Labelled:
    """A source and the `conditions` of its images, in the same order."""

    def __init__(self, source: Source, given: Conditions) -> None:
        if len(given) != len(source):
            unread = getattr(source, "unreadable", ())
            told = f" ({len(unread)} more could not be read)" if unread else ""
            got = f"{len(given)} labels for {len(source)} pictures{told}"
            raise Mistake("the labels do not match the pictures", got, allowed="one label for each picture")
        self.source, self.conditions = source, given
        self.description = source.description
        self.unreadable: list[tuple[str, str]] = getattr(source, "unreadable", [])
        self.strict: bool = getattr(source, "strict", False)
        self.columns: list[str] | None = getattr(source, "columns", None)
        self.shapes: set[tuple[Any, ...]] = getattr(source, "shapes", set())
        self.array: np.ndarray | None = getattr(source, "array", None)
        self.encoding: Encoding | None = getattr(source, "encoding", None)

    def __len__(self) -> int:
        return len(self.source)

    def read(self, index: int) -> np.ndarray:
        return self.source.read(index)

    def name(self, index: int) -> str:
        return self.source.name(index)


def labelled(source: Source, labels: Any = OWN, spec: Any = None) -> Source:
    """The source with labels, or as it is where it has none.

    `labels`: "own", those that come with what `spec` names, a named set or an `.npz` with an array "labels"; "folders",
    the name of the folder that each picture lies in; "none"; the path of a file of labels (.npy, .npz, idx1, or .csv
    with a column for each attribute); or whatever `conditions_of` takes.
    """
    if labels is None or (isinstance(labels, str) and labels == NONE):
        return source
    if isinstance(labels, str) and labels == OWN:
        found = _own(spec)
        return source if found is None else Labelled(source, conditions_of(found))
    if isinstance(labels, str) and labels == FOLDERS:
        return Labelled(source, _of_folders(source))
    if isinstance(labels, str | os.PathLike):
        return Labelled(source, _of_file(Path(labels), source))
    return Labelled(source, conditions_of(labels))


def _own(spec: Any) -> np.ndarray | None:
    """The labels that come with a named set, or with an `.npz` that has some; of several such joined."""
    if isinstance(spec, list | tuple):
        found = [_own(one) for one in spec]
        known = [labels for labels in found if labels is not None]
        return np.concatenate(known) if known and len(known) == len(found) else None
    if isinstance(spec, str) and spec in NAMED:
        return named_labels(spec) if NAMED[spec].labels else None
    if isinstance(spec, str | os.PathLike) and Path(spec).suffix.lower() == ".npz":
        return _npz(Path(spec))
    return None


def _of_folders(source: Source) -> Conditions:
    folders = [PurePosixPath(source.name(i)).parent.name for i in range(len(source))]
    if "" in folders:
        got = f"{source.name(folders.index(''))} and {folders.count('') - 1} more lie in no folder below it"
        raise Mistake(f"{source.description} has no folder for every class", got, "CLASS/picture.png for each picture")
    return conditions_of(folders)


def _of_file(path: Path, source: Source) -> Conditions:
    kinds = {".npy": _npy, ".npz": _npz, "table": lambda path: _table(path, source)}
    suffix = "table" if is_table(path) else path.suffix.lower()
    if suffix not in kinds and not is_idx(path):
        raise Mistake(f"{path} is no file of labels", repr(suffix), ".npy, .npz, .csv, idx1-ubyte(.gz), or folders")
    found = read_idx(path) if suffix not in kinds else kinds[suffix](path)
    if found is None:
        raise Mistake(f"{path} holds no labels", allowed=f"an array {' or '.join(LABEL_KEYS)}")
    return conditions_of(found)


def _npy(path: Path) -> Any:
    with reading(path) as file:
        try:
            return np.load(file, allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise Mistake(f"{path} cannot be read", got=" ".join(str(error).split())[:120]) from error


def _npz(path: Path) -> Any:
    with reading(path) as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                key = next((key for key in LABEL_KEYS if key in arrays.files), None)
                return None if key is None else arrays[key]
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            raise Mistake(f"{path} cannot be read", got=" ".join(str(error).split())[:120]) from error


def _table(path: Path, source: Source) -> dict[str, list[str]]:
    """The columns of a table of labels: its rows in the order of the pictures, or found by the pictures' names."""
    head, has_names, rows = read_cells(path)
    if not has_names:
        raise Mistake(f"{path} is not a table of labels", "no names of columns", f"a first row of names, as {CLASS}")
    if head[0].lower() in NAMES:
        head, rows = head[1:], _by_name(path, source, rows)
    return dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))


def _by_name(path: Path, source: Source, rows: list[list[str]]) -> list[list[str]]:
    """The labels of each picture, found by its name; a `Mistake` where it has none or two.

    Rows that are of no picture are left out: one table may tell of many folders.
    """
    names, found = [source.name(i) for i in range(len(source))], dict[str, list[str]]()
    for name, *labels in rows:
        if found.setdefault(name, labels) != labels:
            raise Mistake(f"{path} says two things of {name}", f"{', '.join(found[name])} and {', '.join(labels)}")
    lacking = [name for name in names if name not in found]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        wrong = f"{path} does not match the pictures"
        raise Mistake(wrong, f"no row for {lacking[0]}{more}", "a row for each picture, by its path")
    return [found[name] for name in names]
