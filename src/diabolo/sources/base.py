"""What a source of images is, and the source that is an array."""

from __future__ import annotations

import bisect
import collections
import itertools
from typing import Any, Protocol, runtime_checkable

import numpy as np

from diabolo.errors import Mistake


@runtime_checkable
class Source(Protocol):
    """Images by number. Anything with these four is one; no class needs to be inherited.

    The sources made here also have `shapes`, the set of `(*shape, dtype)` that `read` gives, with grey pictures as
    `(h, w, 1, dtype)`, `unreadable`, a list of `(name, reason)` for the files that were left out, and those over files
    `strict`: whether none may be left out.
    """

    description: str

    def __len__(self) -> int: ...

    def read(self, index: int) -> np.ndarray:
        """Image `index` as `(d,)`, `(h, w)` or `(h, w, c)` in its own dtype; raises `Mistake` if it is broken."""
        ...

    def name(self, index: int) -> str:
        """What image `index` is called: for a file, its path below the folder, with slashes."""
        ...


class Arrays:
    """A source over one array: `(n, d)` vectors, `(n, h, w)` grey pictures, `(n, h, w, c)` pictures.

    `array` is there to be taken whole, in place of n calls of `read`. Names are numbers where none are given.
    `columns` are the names of a table's columns; its rows are called "row 1", "row 2" and so on.
    """

    def __init__(
        self,
        array: np.ndarray,
        description: str = "",
        names: list[str] | None = None,
        columns: list[str] | None = None,
    ) -> None:
        self.array = array
        self.names = names
        self.columns = columns
        self.description = description or f"an array of {' x '.join(map(str, array.shape))} {array.dtype}"
        self.unreadable: list[tuple[str, str]] = []

    @property
    def shapes(self) -> set[tuple[Any, ...]]:
        shape = self.array.shape[1:]
        return {(*shape, *((1,) if len(shape) == 2 else ()), self.array.dtype)}

    def __len__(self) -> int:
        return len(self.array)

    def read(self, index: int) -> np.ndarray:
        return np.asarray(self.array[index])

    def name(self, index: int) -> str:
        if self.names:
            return self.names[index]
        return f"row {index + 1}" if self.columns else f"{index:0{len(str(len(self) - 1))}d}"


class Joined:
    """Several sources one after the other. Names get the source's number in front where two would be the same.

    Tables must have the same columns in the same order; a `Mistake` names the first that differs.
    """

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.ends = list(itertools.accumulate(len(source) for source in sources))
        self.description = " + ".join(source.description for source in sources)
        self.unreadable = [problem for source in sources for problem in getattr(source, "unreadable", ())]
        self.strict = any(getattr(source, "strict", False) for source in sources)
        shapes = [getattr(source, "shapes", None) for source in sources]
        self.shapes: set[tuple[Any, ...]] = set() if None in shapes else set().union(*filter(None, shapes))
        self.columns = _common_columns(sources)
        plain = [source.name(i) for source in sources for i in range(len(source))]
        self._numbered = len(set(plain)) < len(plain)

    def __len__(self) -> int:
        return self.ends[-1]

    def read(self, index: int) -> np.ndarray:
        which, place = self._find(index)
        return self.sources[which].read(place)

    def name(self, index: int) -> str:
        which, place = self._find(index)
        name = self.sources[which].name(place)
        return f"{which + 1}/{name}" if self._numbered else name

    def _find(self, index: int) -> tuple[int, int]:
        which = bisect.bisect_right(self.ends, index)
        return which, index - (self.ends[which - 1] if which else 0)


def refuse_twice(columns: list[str], table: str) -> None:
    """Refuse a table of which two columns have one name."""
    twice = [name for name, count in collections.Counter(columns).items() if count > 1]
    if twice:
        got = ", ".join(map(repr, twice[:3])) + (", ..." if len(twice) > 3 else "")
        raise Mistake(f"two columns of {table} have the same name", got, remedy="a name of its own for each column")


def _common_columns(sources: list[Source]) -> list[str] | None:
    """The names of columns that all sources give, None where one knows none."""
    given = [(source, getattr(source, "columns", None)) for source in sources]
    known = [(source, columns) for source, columns in given if columns]
    for source, columns in known[1:]:
        first, names = known[0]
        for i, (wanted, got) in enumerate(itertools.zip_longest(names, columns)):
            if wanted != got:
                has = f"{got!r} in {source.description}" if got else f"none in {source.description}"
                allowed = f"{wanted!r}, as in {first.description}" if wanted else f"{len(names)} columns"
                raise Mistake(f"the tables differ in column {i + 1}", has, allowed, "the same columns in every table")
    return known[0][1] if known and len(known) == len(sources) else None
