"""Tables with text, made ready to be measured: categories become numbers, one alphabet for all sides."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from diabolo.errors import Mistake, unknown
from diabolo.pixels import is_picture
from diabolo.sources import Arrays, is_mixed
from diabolo.sources.columns import learn_encoding
from diabolo.sources.mixed import Texts, read_mixed
from diabolo.sources.notation import in_one_unit, kind_of, notation_of
from diabolo.sources.table import value_of


def has_text(place: Any) -> bool:
    """Is it a table with a column that is not all numbers?"""
    return is_mixed(place) and any(_is_text(column) for column in read_mixed(place)[0].values())


@dataclasses.dataclass(frozen=True, eq=False)
class Numbered:
    """Every side's rows as numbers, with its labels (n,) where a column holds these; which columns are what."""

    sides: dict[str, tuple[Arrays, np.ndarray | None]]
    texts: list[str]  # columns that are categories
    pictures: list[str]  # columns that name pictures, left out: folders' names would tell the sides apart

    @property
    def notes(self) -> list[str]:
        """What must be known of the columns that are left out."""
        words = "names pictures and was left out; folders of pictures are measured by themselves."
        return [f"The column {name!r} {words}" for name in self.pictures]


def as_numbers(places: dict[str, Any], label: str, categorical: Sequence[str]) -> Numbered:
    """Tables, the real one first, with text as numbers; `label` is the column of labels, or "".

    A category is the place of its text among all sides' in alphabetical order, a missing cell NaN in either kind of
    column. What is text in one side is text in all. A `Mistake` where columns differ, and for one of free text.
    """
    tables = {role: read_mixed(place) for role, place in places.items()}
    first, name_of_first = next(iter(tables.values()))
    for role, (cells, _) in tables.items():
        if list(cells) != list(first):
            got = f"{', '.join(cells)[:60]} in the {role} set"
            raise Mistake("the two tables have different columns", got, ", ".join(first)[:60])
    if label and label not in first:
        raise unknown("column of the real set", label, list(first))
    columns = [name for name in first if name != label]
    pictures = [name for name in columns if any(_names_pictures(cells[name]) for cells, _ in tables.values())]
    rest = [name for name in columns if name not in pictures]
    if not rest:
        allowed = "a column of numbers or categories"
        raise Mistake("the tables have nothing to compare", f"{', '.join(first)[:60]} alone", allowed)
    written = {name: _notations(name, [cells[name] for cells, _ in tables.values()]) for name in rest}
    texts = [name for name in rest if None in written[name]]
    if texts:  # those of free text are refused, as where tables are learned
        learn_encoding({name: first[name] for name in texts}, [*{*categorical} & {*texts}], table=name_of_first)
    alphabet = {n: sorted({cell for cells, _ in tables.values() for cell in cells[n] if cell}) for n in texts}
    sides = {}
    for i, (role, (cells, called)) in enumerate(tables.items()):
        rows = np.stack([_numbers(cells[name], alphabet.get(name) or written[name][i]) for name in rest], 1)
        sides[role] = Arrays(rows, called, columns=rest), _labels(cells, label, role)
    return Numbered(sides, texts, pictures)


def _names_pictures(column: list[str]) -> bool:
    return any(column) and all(is_picture(cell) for cell in column if cell)


def _is_text(column: list[str]) -> bool:
    return any(value_of(cell) is None for cell in column)


def _notations(name: str, columns: Sequence[list[str]]) -> list[str | None]:
    """How each side writes the numbers of one column: all alike, if it can be; None where it holds text."""
    alike = notation_of([cell for column in columns for cell in column])
    found = [alike or notation_of(column) for column in columns]
    kinds = sorted({kind_of(one) for one in found if one is not None})
    if None not in found and len(kinds) > 1:
        got = f"{' and '.join(f'{kind}s' for kind in kinds)} in column {name!r}"
        raise Mistake("the two tables hold different things", got, "the same in both")
    return found


def _numbers(column: list[str], known: list[str] | str | None) -> np.ndarray:
    """Numbers by their notation, or of categories the places among all there are."""
    if isinstance(known, str):
        return np.array([in_one_unit(cell, known) for cell in column], dtype=np.float64)
    places = {value: float(i) for i, value in enumerate(known or ())} | {"": np.nan}
    return np.array([places[cell] for cell in column])


def _labels(cells: Texts, label: str, role: str) -> np.ndarray | None:
    if not label:
        return None
    missing = cells[label].count("")
    if missing:
        wrong = f"labels are missing in the column {label!r} of the {role} set"
        raise Mistake(wrong, f"{missing} empty cells", "a label in every row")
    return np.array(cells[label])
