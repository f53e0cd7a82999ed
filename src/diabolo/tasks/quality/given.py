"""What is compared: each side read, capped, and brought to one kind; nothing is rescaled or dropped silently."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from diabolo.errors import Mistake, unknown
from diabolo.events import Listener, Note
from diabolo.preprocessing import UNIT, Preprocessing, network_shape
from diabolo.sources import Chosen, Source, open_source
from diabolo.tasks.quality.labels import as_labels, in_folder, labels_of, of_table
from diabolo.training.pictures import Pictures

FEWEST = 24  # images of each side: a quarter of them is more than a neighbourhood
SEARCHED = 60_000  # real images among which copies are looked for, at most
SLOW = 96  # pixels: larger pictures take long
TABLE = 2  # parts of a row's entry in a source's `shapes`: its length and the type of its numbers
TOLERANCE = 0.02  # how far floats that stand for 0..1 may lie outside


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """One of the sets: raw images (n, ...) in random order, their labels (n,) where known, and what they are called."""

    role: str
    description: str
    images: np.ndarray
    labels: np.ndarray | None
    names: list[str]
    of: int  # how many there were
    columns: list[str] | None = None
    label_name: str = "label"  # the column of a table that held the labels, where one did

    @property
    def noun(self) -> str:
        """What one of them is called on the page."""
        return "row" if self.images.ndim == 2 else "image"

    def part(self, start: int, stop: int) -> Side:
        """Some of the images, by their places."""
        labels = None if self.labels is None else self.labels[start:stop]
        return dataclasses.replace(self, images=self.images[start:stop], labels=labels, names=self.names[start:stop])

    def __len__(self) -> int:
        return len(self.images)


@dataclasses.dataclass(frozen=True)
class Reading:
    """How places are read."""

    preprocessing: Preprocessing
    from_folders: bool
    label_column: str  # of tables; of folders of pictures the name of a table in each
    seed: int
    strict: bool
    listen: Listener


def read(role: str, place: Any, labels: Any, most: int, how: Reading) -> Side:
    """One side: at most `most` of the images at `place`, drawn at random; `labels` (n,) go before the place's own."""
    source = open_source(place, how.strict)
    _check_resizing(role, source, how.preprocessing)
    beside = labels is None and in_folder(place, how.label_column)
    if beside:
        labels = of_table(role, place, source, how.label_column)
    elif labels is None:
        labels = labels_of(place, source, how.from_folders)
    else:
        labels = as_labels(labels, role)
        if len(labels) != len(source):
            wrong = f"the labels of the {role} set do not match it"
            raise Mistake(wrong, f"{len(labels)} labels for {len(source)}", "one label for each")
    if labels is not None and len(labels) != len(source):
        how.listen(
            Note(f"the labels beside the {role} set are left out: {len(labels)} for {len(source)}", warning=True)
        )
        labels = None
    drawn = np.random.default_rng(how.seed).permutation(len(source))[:most]
    pictures = Pictures(Chosen(source, drawn.tolist()), how.preprocessing)
    for name, reason in pictures.unreadable:
        how.listen(Note(f"left out {name}: {reason}", warning=True))
    if pictures.shape is None:
        wrong = f"the pictures of the {role} set have different sizes"
        raise Mistake(wrong, pictures.told_sizes(), "one size", "--side 64")
    nouns = "rows" if len(pictures.shape) == 1 else "images"
    if not pictures.in_memory:
        got = f"{len(pictures)} {nouns} of {' x '.join(map(str, pictures.shape))}"
        remedy = "--most 2000" if nouns == "rows" else "--side 64, or --most 2000"
        raise Mistake(f"the {role} set does not fit in memory", got, remedy=remedy)
    if len(pictures) < FEWEST:
        raise Mistake(f"too few {nouns} in the {role} set", got=str(len(pictures)), allowed=f"{FEWEST} or more")
    network_shape(pictures.shape)  # refuses channels that come first
    images, kept = np.asarray(pictures.held(0, len(pictures))), drawn[pictures.order]
    names, columns = [source.name(int(i)) for i in kept], getattr(source, "columns", None)
    known = None if labels is None else labels[kept]
    side = Side(role, source.description, images, known, names, len(source), columns)
    return with_label_column(side, how.label_column) if how.label_column and not beside else side


def _check_resizing(role: str, source: Source, preprocessing: Preprocessing) -> None:
    asked = [f"{name} {number}" for name in ("side", "channels") if (number := getattr(preprocessing, name))]
    if asked and any(len(shape) == TABLE for shape in getattr(source, "shapes", ())):
        wrong = f"only pictures are brought to a size or to channels, and the {role} set is a table"
        raise Mistake(wrong, ", ".join(asked), remedy="leave it out" if len(asked) == 1 else "leave them out")


def with_label_column(side: Side, name: str) -> Side:
    """The table without the column that holds the labels, which become its labels."""
    columns = side.columns or [f"column {i + 1}" for i in range(side.images.shape[-1])]
    if side.images.ndim != 2:
        wrong = "only tables have a column of labels"
        raise Mistake(
            wrong, f"images of shape {side.images.shape[1:]}", remedy="--labels-from-folders, or --labels TABLE.csv"
        )
    if name not in columns:
        raise unknown(f"column of the {side.role} set", name, columns)
    at = columns.index(name)
    values = side.images[:, at]
    if values.dtype.kind == "f" and np.isnan(values).any():
        wrong = f"labels are missing in the column {name!r} of the {side.role} set"
        raise Mistake(wrong, f"{int(np.isnan(values).sum())} empty cells", "a label in every row")
    rest = [column for column in columns if column != name]
    return dataclasses.replace(side, images=np.delete(side.images, at, axis=1), labels=values, columns=rest)


def of_one_kind(sides: Sequence[Side], listen: Listener) -> list[Side]:
    """The sides in the first one's type of numbers; a `Mistake` where sizes, channels or columns differ.

    Floats of 0..1 beside whole numbers are rounded to these, since a file of theirs would hold no more.
    """
    first = sides[0]
    for other in sides[1:]:
        _check_shape(first, other)
        _check_columns(first, other)
    if first.images.ndim > 2 and max(first.images.shape[1:3]) > SLOW:
        listen(Note(f"pictures of more than {SLOW} pixels take long; --side 64 measures smaller ones", warning=True))
    same = [first, *(dataclasses.replace(other, images=_typed(first, other)) for other in sides[1:])]
    return _one_alphabet(same)


def _check_shape(first: Side, other: Side) -> None:
    one, two = first.images.shape[1:], other.images.shape[1:]
    if one == two:
        return
    told = [f"{' x '.join(map(str, side.images.shape[1:]))} ({side.role})" for side in (first, other)]
    got = " and ".join(told)
    if len(one) == 1 or len(two) == 1:
        what = "columns" if len(one) == len(two) else "kinds"
        raise Mistake(f"the two sets have different {what}", got, "the same in both")
    if one[:2] != two[:2]:
        raise Mistake(
            "the two sets have pictures of different sizes", got, "one size", f"--side {min(*one[:2], *two[:2])}"
        )
    raise Mistake("the two sets have different channels", got, "the same in both", "--channels 1 for grey")


def _check_columns(first: Side, other: Side) -> None:
    if first.columns and other.columns and first.columns != other.columns:
        one, two = next((a, b) for a, b in zip(first.columns, other.columns, strict=True) if a != b)
        got = f"{two!r} in the {other.role} set where the {first.role} has {one!r}"
        raise Mistake("the two tables have different columns", got, "the same columns in the same order")


def _typed(first: Side, other: Side) -> np.ndarray:
    wanted, images = first.images.dtype, other.images
    if images.dtype == wanted or wanted.kind == images.dtype.kind == "f":
        return images.astype(wanted, copy=False)
    floats = [side for side in (first, other) if side.images.dtype.name not in UNIT]
    for side in floats:
        low, high = float(np.nanmin(side.images)), float(np.nanmax(side.images))
        if len(floats) == 1 and not -TOLERANCE <= low <= high <= 1 + TOLERANCE:
            whole = (other if side is first else first).images.dtype
            got = f"{first.images.dtype} ({first.role}), {images.dtype} from {low:g} to {high:g} ({other.role})"
            remedy = f"x.astype('{whole}'), if they mean the same"
            raise Mistake("the two sets hold different kinds of numbers", got, f"floats of 0..1 beside {whole}", remedy)
    unit = images.astype(np.float64) / UNIT.get(images.dtype.name, 1.0)
    if wanted.name not in UNIT:
        return unit.astype(wanted)
    top = UNIT[wanted.name]
    return np.rint(unit.clip(0, 1) * top).astype(wanted)


def _one_alphabet(sides: list[Side]) -> list[Side]:
    """Labels that are texts on one side and whole numbers on the other become texts: 3 and "3" are one class."""
    kinds = {side.labels.dtype.kind in "US" for side in sides if side.labels is not None}
    return [dataclasses.replace(side, labels=_texts(side.labels)) for side in sides] if len(kinds) == 2 else sides


def _texts(labels: np.ndarray | None) -> np.ndarray | None:
    if labels is None:
        return None
    return np.array([f"{label:g}" if isinstance(label, float) else str(label) for label in labels.tolist()])
