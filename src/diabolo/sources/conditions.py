"""What images are of: a class, several attributes, or a list of tags, each from a closed list of values."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diabolo.errors import Mistake

CLASS = "label"  # the name of the attribute, where there is one without a name of its own
TAG = ("no", "yes")  # the values of a tag
MOST_VALUES = 1000  # of one attribute: what has more is no class but a name
MOST_ATTRIBUTES = 256
_WHOLE = re.compile("0|-?[1-9][0-9]{0,17}")  # in 64 bits


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One thing that can be said of an image, and all that can be said there."""

    name: str
    values: tuple[str, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Conditions:
    """What n images are of: `indices` (n, k), of each attribute's value; -1 where it is not known."""

    attributes: tuple[Attribute, ...]
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def chosen(self, places: Any) -> Conditions:
        """Those of the images at `places`, in that order."""
        return Conditions(self.attributes, self.indices[np.asarray(places, dtype=int)])

    def texts(self) -> list[str]:
        """Of each image its values in words, with commas where there are several attributes; "" where not known."""
        known = [(*attribute.values, "") for attribute in self.attributes]  # the last one is at -1
        return [", ".join(values[i] for values, i in zip(known, row, strict=True)) for row in self.indices]


def conditions_of(labels: Any, names: Sequence[str] | None = None) -> Conditions:
    """What is said of images, from any of these:

    an array or list (n,) of classes; (n, k) of k attributes; a dictionary or DataFrame of columns (n,); a list of n
    lists of tags, each of which becomes an attribute with the values no and yes; None in place of a list means that
    none of its tags is known. Values are numbers or texts; NaN, None, "" and -1 mean that it is not known. `names` are
    those of the attributes of an (n, k) array.
    """
    if isinstance(labels, Conditions):
        return labels
    if hasattr(labels, "columns") and hasattr(labels, "to_numpy"):
        labels = {str(name): labels[name].tolist() for name in labels.columns}
    if isinstance(labels, Mapping):
        return _of_columns({str(name): _plain(column) for name, column in labels.items()})
    rows = _plain(labels)
    lists = [row for row in rows if row is not None]
    if lists and all(isinstance(row, set | frozenset | list | tuple) for row in lists):
        lengths = {len(row) for row in lists}
        if isinstance(labels, np.ndarray) or (len(lengths) == 1 and names is not None):
            named = names or [f"{CLASS} {i + 1}" for i in range(min(lengths))]
            return _of_columns(dict(zip(named, map(list, zip(*rows, strict=True)), strict=True)))
        return _of_tags(rows)
    return _of_columns({CLASS: rows})


def _plain(column: Any) -> list[Any]:
    """A list of Python's own values."""
    return column.tolist() if hasattr(column, "tolist") else list(column)


def _of_columns(columns: dict[str, list[Any]]) -> Conditions:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise Mistake("the attributes have different numbers of labels", got=", ".join(map(str, sorted(lengths))))
    if len(columns) > MOST_ATTRIBUTES:
        raise Mistake("too many attributes", got=str(len(columns)), allowed=f"at most {MOST_ATTRIBUTES}")
    attributes, indices = [], []
    for name, column in columns.items():
        texts = [text_of(value, name) for value in column]
        values = sorted({text for text in texts if text}, key=natural)
        if not values:
            raise Mistake("no label is known", got=f"{len(texts)} empty ones of {name!r}")
        if len(values) > MOST_VALUES:
            allowed = f"at most {MOST_VALUES}, of which many images have each"
            raise Mistake(f"the labels of {name!r} are no classes", f"{len(values)} different ones", allowed)
        place = {value: i for i, value in enumerate(values)} | {"": -1}
        attributes.append(Attribute(name, tuple(values)))
        indices.append([place[text] for text in texts])
    return Conditions(tuple(attributes), np.array(indices, dtype=np.int64).T.copy())


def _of_tags(rows: list[Any]) -> Conditions:
    tags = sorted({str(tag) for row in rows for tag in row or ()}, key=natural)
    if not tags:
        raise Mistake("no label is known", got=f"{len(rows)} empty lists of tags")
    return _of_columns(
        {tag: [None if row is None else TAG[tag in {str(t) for t in row}] for row in rows] for tag in tags}
    )


def text_of(value: Any, name: str) -> str:
    """A label as text; "" where it is not known."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool):
        return TAG[value]
    if isinstance(value, float):
        return "" if math.isnan(value) or value == -1 else str(int(value)) if value.is_integer() else str(value)
    if value is None or isinstance(value, int):
        return "" if value in (None, -1) else str(value)
    if isinstance(value, bytes) or not hasattr(value, "strip"):
        raise Mistake(f"a label of {name!r} is neither a number nor a text", got=type(value).__name__)
    text = str(value).strip()
    if not text.isprintable():
        raise Mistake(f"a label of {name!r} cannot be printed", got=repr(text)[:40])
    return text


def as_numbers(values: Sequence[str]) -> np.ndarray:
    """(k + 1,) the values of an attribute, and what stands for one that is not known.

    Whole numbers and -1, if all of them are such; texts and "" otherwise.

    >>> as_numbers(["3", "10"]), as_numbers(["03", "10"])
    (array([ 3, 10, -1]), array(['03', '10', ''], dtype='<U2'))
    """
    whole = all(_WHOLE.fullmatch(value) for value in values)
    return np.array([*map(int, values), -1]) if whole else np.array([*values, ""])


def natural(value: str) -> tuple[int, float, str]:
    """A key to sort by: numbers first, by their size, then texts."""
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value
