"""The labels of a place: those of a named set, of a file beside an idx file, of an archive, or the folders' names."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.sources import LABEL_KEYS, NAMED, Source, labelled, labels
from diabolo.sources.idx import is_idx, read_idx
from diabolo.sources.table import as_csv, is_table


def labels_of(place: Any, source: Source, from_folders: bool) -> np.ndarray | None:
    """(n,) the label of each image of `source`, which was opened from `place`; None where it has none.

    `from_folders`: the first folder in each image's name is its label; a `Mistake` where there is none.
    """
    if from_folders:
        return _folders(source)
    if not isinstance(place, str | os.PathLike):
        return None
    if isinstance(place, str) and place in NAMED:
        return labels(place) if NAMED[place].labels else None
    path = Path(place).expanduser()
    if path.suffix.lower() == ".npz":
        return _archive(path)
    beside = path.with_name(re.sub("images([-.])idx3", r"labels\1idx1", path.name))
    return read_idx(beside) if is_idx(path) and beside != path and beside.is_file() else None


def in_folder(place: Any, table: str) -> bool:
    """Is the place a folder, and `table` the name of a table that may lie in it?"""
    return isinstance(place, str | os.PathLike) and Path(place).is_dir() and is_table(Path(table))


def of_table(role: str, place: Any, source: Source, table: str) -> np.ndarray:
    """(n,) the labels of a folder's pictures, of several attributes all together, by a table.

    It lies in the folder under that name, or as .csv, which synthetic sets have. A table elsewhere tells of real
    pictures alone, since synthetic ones may have the same names.
    """
    own = Path(place) / Path(table).name
    places = [own, as_csv(own), *([] if role == "synthetic" else [Path(table)])]
    path = next((one for one in places if one.is_file()), None)
    if path is None:
        raise Mistake(f"{place} has no table of labels", f"no file {own}", "a table of that name in every folder")
    known: Any = labelled(source, path)
    said = known.conditions.texts()
    if (known.conditions.indices < 0).any():
        lacking = source.name(int((known.conditions.indices < 0).any(1).argmax()))
        raise Mistake(f"labels are missing in {path}", f"an empty cell for {lacking}", "a label for every picture")
    return np.array(said)


def _folders(source: Source) -> np.ndarray:
    names = [source.name(i) for i in range(len(source))]
    without = [name for name in names if "/" not in name]
    if without:
        got = f"{without[0]!r}" + (f" and {len(without) - 1} more" if len(without) > 1 else "")
        allowed = "a folder for each class, as CLASS/picture.png"
        raise Mistake(f"pictures of {source.description} lie in no folder that could be their label", got, allowed)
    return np.array([name.split("/")[0] for name in names])


def _archive(path: Path) -> np.ndarray | None:
    with reading(path) as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                found = next((np.ravel(arrays[key]) for key in LABEL_KEYS if key in arrays.files), None)
        except (ValueError, EOFError, zipfile.BadZipFile) as error:
            got = " ".join(str(error).split())[:120]
            raise Mistake(f"the labels in {path} cannot be read", got) from error
    # Nothing but empty texts is what `generate` once wrote for a model without labels.
    return None if found is None or (found.dtype.kind in "US" and not any(found.tolist())) else found


def as_labels(given: Any, role: str) -> np.ndarray:
    """Labels as they were given, (n,), numbers or texts; a `Mistake` where one is missing or is neither."""
    values = given.tolist() if hasattr(given, "tolist") else list(given)
    strange = [one for one in values if not isinstance(one, str | bytes | int | float | np.generic) or one != one]
    if strange:
        wrong, got = f"the labels of the {role} set are not numbers or texts", repr(strange[0])[:40]
        raise Mistake(wrong, got, "one number or text for each")
    return np.asarray(values)
