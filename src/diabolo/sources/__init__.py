"""Where images come from: arrays, tables, files, folders, archives and named sets, all opened by `open_source`."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from diabolo.errors import Mistake
from diabolo.files import told
from diabolo.pixels import SUFFIXES, is_picture, picture_size
from diabolo.sources.arrays import as_array, column_names, open_npy, open_npz
from diabolo.sources.base import Arrays, Joined, Source
from diabolo.sources.chosen import Chosen
from diabolo.sources.conditions import Attribute, Conditions, conditions_of
from diabolo.sources.encoding import Encoding
from diabolo.sources.idx import is_idx, open_idx
from diabolo.sources.labelled import LABEL_KEYS, Labelled, labelled
from diabolo.sources.mixed import Mixed, is_mixed, open_mixed
from diabolo.sources.modalities import Modalities
from diabolo.sources.named import NAMED, labels, list_sets
from diabolo.sources.pictures import Folder, Pictures, Zip
from diabolo.sources.records import Records, Table, folder_of, open_rows, read_table
from diabolo.sources.table import is_table, open_table

__all__ = [
    "LABEL_KEYS",
    "NAMED",
    "SOURCES",
    "Arrays",
    "Attribute",
    "Chosen",
    "Conditions",
    "Encoding",
    "Joined",
    "Kind",
    "Labelled",
    "Mixed",
    "Modalities",
    "Pictures",
    "Records",
    "Source",
    "Table",
    "as_array",
    "conditions_of",
    "folder_of",
    "is_mixed",
    "labelled",
    "labels",
    "list_sets",
    "open_mixed",
    "open_rows",
    "open_source",
    "read_table",
]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of path that holds images: which paths are of this kind, and what opens them."""

    help: str
    fits: Callable[[Path], bool]
    open: Callable[[Path, bool], Source]


def _suffix(*suffixes: str) -> Callable[[Path], bool]:
    return lambda path: path.suffix.lower() in suffixes


def _open_single(path: Path, strict: bool) -> Source:
    picture_size(path)  # its mistake speaks of the file, not of a folder with one picture
    return Pictures(Folder(path.parent, only=path.name), strict=True)


SOURCES = {
    "folder": Kind("a folder of pictures", Path.is_dir, lambda path, strict: Pictures(Folder(path), strict)),
    "npy": Kind(".npy", _suffix(".npy"), lambda path, strict: open_npy(path)),
    "npz": Kind(".npz", _suffix(".npz"), lambda path, strict: open_npz(path)),
    "csv": Kind("a table (.csv, .tsv, also .gz)", is_table, lambda path, strict: open_table(path)),
    "zip": Kind(".zip of pictures", _suffix(".zip"), lambda path, strict: Pictures(Zip(path), strict)),
    "idx": Kind("-idx3-ubyte(.gz)", is_idx, lambda path, strict: open_idx(path)),
    "picture": Kind(f"a picture ({', '.join(SUFFIXES)})", is_picture, _open_single),
}


def open_source(spec: Any, strict: bool = False) -> Source:
    """The source that `spec` stands for.

    `spec` is a path, the name of a set in `NAMED`, a list of these, an array or what becomes one (a list of
    equal arrays, a DataFrame of numbers, a generator of equal arrays), or a source, which is given back. A name
    without a folder is a set's if there is no such file here. `strict` makes a picture that cannot be read a `Mistake`;
    otherwise it is left out and listed in the source's `unreadable`. NaN and infinity are not looked for here:
    training does.
    """
    if isinstance(spec, str | os.PathLike):
        return _open_path(spec, strict)
    if isinstance(spec, Source):
        return spec
    if isinstance(spec, list | tuple) and spec and all(isinstance(one, str | os.PathLike | Source) for one in spec):
        return Joined([open_source(one, strict) for one in spec]) if len(spec) > 1 else open_source(spec[0], strict)
    if isinstance(spec, Iterator):
        spec = list(spec)
        if not spec:
            raise Mistake(
                "there are no images", got="a generator that gave nothing", remedy="make it anew: it is used up"
            )
    return Arrays(as_array(spec), columns=column_names(spec))


def _open_path(spec: str | os.PathLike[str], strict: bool) -> Source:
    path = Path(spec).expanduser()
    with told("read", spec):
        present = bool(str(spec)) and path.exists()
    if isinstance(spec, str) and spec in NAMED:
        if present:
            remedy = f"{os.path.join('.', spec)} for the one here"
            raise Mistake(f"{spec} is the name of a set and of a file or folder here", remedy=remedy)
        return NAMED[spec].load()
    if not present:
        raise _missing(str(spec), path)
    for kind in SOURCES.values():
        if kind.fits(path):
            return kind.open(path, strict)
    allowed = ", ".join(kind.help for kind in SOURCES.values())
    raise Mistake(f"{path} is no file of images", got=repr(path.suffix), allowed=allowed)


def _missing(spec: str, path: Path) -> Mistake:
    """The mistake of a path that is not there, with the nearest of its neighbours and of the named sets."""
    try:
        neighbours = {entry.name: str(entry) for entry in path.parent.iterdir() if not entry.name.startswith(".")}
    except OSError:
        neighbours = {}
    known = {name: name for name in NAMED} | neighbours
    near = difflib.get_close_matches(path.name, known, n=1, cutoff=0.6)
    remedy = f"did you mean {known[near[0]]}?" if near else ""
    allowed = f"a path, or one of the sets {', '.join(NAMED)}"
    return Mistake(f"there is no file, folder or set {spec!r}", allowed=allowed, remedy=remedy)
