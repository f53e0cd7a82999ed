"""Records of several modalities as rows of numbers, and back again: numbers, words, and the code of a picture.

A record is one thing seen in several ways, any of which may be missing: NaN stands where nothing is known. The code of
each column is made by itself and without chance, but for the places of values that repeat.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from diabolo.errors import Mistake, unknown
from diabolo.sources.columns import CATEGORIES, COLUMNS, FEW, LENGTH, RARE, learn_encoding
from diabolo.sources.conditions import natural
from diabolo.sources.encoding import Cells, Numbers, array_of
from diabolo.sources.notation import delimiter_of, kind_of, notation_of, number_in, text_of

MOST_WORDS = 16  # of one cell
NEAR = 80  # letters of what is shown of a cell that is not understood


@dataclasses.dataclass(frozen=True)
class Tokens:
    """A column of short texts from a closed vocabulary: `places[i]` are the words that may stand in place i.

    A class is a text of one place, whose word is the whole cell. A caption has a place for each of its words, and ""
    among the words of a place where some captions have ended before it.
    """

    name: str
    places: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        return sum(map(len, self.places))

    def encode(self, cells: Sequence[str], generator: np.random.Generator) -> np.ndarray:
        """(n, width): in each place 1 for the word that stands there and 0 for the others; NaN for a missing cell."""
        parts = []
        for place, words in enumerate(self.places):
            number = {word: i for i, word in enumerate(words)}
            part = np.full((len(cells), len(words)), np.nan)
            for row, cell in enumerate(cells):
                if cell:
                    part[row] = 0
                    part[row, number[self._word(cell, place, number)]] = 1
            parts.append(part)
        return np.concatenate(parts, 1)

    def decode(self, scores: np.ndarray) -> list[str]:
        """The word with the highest score (n, width) in each place."""
        ends = np.cumsum([len(words) for words in self.places])[:-1]
        found = [part.argmax(1) for part in np.split(scores, ends, axis=1)]
        texts = [[words[i] for i in index.tolist()] for words, index in zip(self.places, found, strict=True)]
        rows = zip(*texts, strict=True)
        return [" ".join(word for word in row if word) for row in rows]

    def _word(self, cell: str, place: int, known: Mapping[str, int]) -> str:
        """The word of a cell in one place; a `Mistake` for one that was never seen there."""
        words = [cell] if len(self.places) == 1 else cell.split()
        word = words[place] if place < len(words) else ""
        if word not in known or len(words) > len(self.places):
            wrong = word if word not in known else words[len(self.places)]
            few, listed = f"at most {len(self.places)} words", [w or "nothing" for w in sorted(known, key=natural)]
            allowed = listed if word not in known else [few]
            where = f"value of {self.name!r}" if len(self.places) == 1 else f"word {place + 1} of {self.name!r}"
            raise unknown(where, (wrong or "nothing")[:NEAR], allowed)
        return word


@dataclasses.dataclass(frozen=True)
class PictureCode:
    """The column of pictures, as so many numbers that a network makes of each; no cell says more than where it is."""

    name: str
    width: int = 0


Modality = Numbers | Tokens | PictureCode


@dataclasses.dataclass(frozen=True)
class Modalities:
    """The columns of records in their order, one of them of pictures."""

    columns: tuple[Modality, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """How many numbers of a row each column has."""
        return tuple(column.width for column in self.columns)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def delimiter(self) -> str:
        """What stands between the cells of a table of such records."""
        return delimiter_of([getattr(column, "notation", "") for column in self.columns])

    @property
    def picture(self) -> PictureCode:
        return next(column for column in self.columns if isinstance(column, PictureCode))

    @property
    def slot(self) -> slice:
        """Which numbers of a row are the picture's code."""
        start = sum(self.widths[: self.columns.index(self.picture)])
        return slice(start, start + self.picture.width)

    def with_code(self, width: int) -> Modalities:
        """The same, of pictures with codes of so many numbers."""
        changed = [PictureCode(c.name, width) if isinstance(c, PictureCode) else c for c in self.columns]
        return Modalities(tuple(changed))

    def encode(self, cells: Cells, codes: np.ndarray, seed: int = 0) -> np.ndarray:
        """Records as rows (n, sum of widths), float64, NaN where nothing is known.

        `cells` may lack columns; `codes` (n, width) are those of the pictures, NaN where there is none.
        """
        generator, rows = np.random.default_rng(seed), []
        for column in self.columns:
            if isinstance(column, PictureCode):
                rows.append(codes)
            elif column.name in cells:
                rows.append(column.encode(_checked(column, cells[column.name]), generator))
            else:
                rows.append(np.full((len(codes), column.width), np.nan))
        return np.concatenate(rows, 1)

    def decode(self, rows: np.ndarray) -> tuple[dict[str, list[str]], np.ndarray]:
        """The cells of rows (n, sum of widths), and the codes (n, width) of their pictures, which have no cells."""
        cells, codes = {}, np.zeros((len(rows), 0))
        for column, part in zip(self.columns, np.split(rows, np.cumsum(self.widths)[:-1], axis=1), strict=True):
            if isinstance(column, PictureCode):
                codes = part
            else:
                cells[column.name] = column.decode(part)
        return cells, codes

    def arrays(self, cells: Cells) -> dict[str, np.ndarray]:
        """Columns of cells as arrays (n,): int64, float64, or texts."""
        return {c.name: array_of(c, cells[c.name]) for c in self.columns if c.name in cells}


def learn_modalities(
    names: Sequence[str], cells: Cells, picture: str, categorical: Sequence[str] = (), table: str = "table"
) -> Modalities:
    """What the columns of records are, `picture` being the one that has no cells; categories as in `learn_encoding`.

    Texts are words of captions where the words are fewer than the texts, or else classes. Raises `Mistake` for a column
    of free text, for infinity, and where there is nothing beside the pictures.
    """
    if len(names) > COLUMNS:
        raise Mistake(f"too many columns in {table}", str(len(names)), f"at most {COLUMNS}", "leave some out")
    if not cells:
        remedy = "diabolo fit generate FOLDER"
        raise Mistake(f"{table} has nothing but pictures", allowed="2 columns or more", remedy=remedy)
    for name in categorical:
        if name not in cells:
            raise Mistake(f"{table} has no column {name!r} that could be categories", allowed=", ".join(cells))
    columns = [
        PictureCode(name) if name == picture else _learned(name, cells[name], name in categorical, table)
        for name in names
    ]
    return Modalities(tuple(columns))


def _learned(name: str, cells: Sequence[str], named: bool, table: str) -> Numbers | Tokens:
    present = [cell for cell in cells if cell]
    if not present:
        raise Mistake(
            f"{table}: nothing is known of column {name!r}", f"{len(cells)} empty cells", remedy="leave it out"
        )
    texts = sorted(set(present))
    notation = notation_of(present)
    places = _places(texts) if notation is None else None
    if places is not None and not named and sum(map(len, places)) < len(texts):
        return Tokens(name, places)
    most = CATEGORIES if named else min(CATEGORIES, max(FEW, len(present) // RARE))
    if notation is None and len(texts) > most:
        wrong = f"{table}: column {name!r} is free text, which cannot be made up"
        got = f"{len(texts)} different texts in {len(present)} rows, as {present[0][:40]!r}"
        allowed = f"at most {most} texts, or {CATEGORIES} words in at most {MOST_WORDS} places"
        raise Mistake(wrong, got, allowed, "leave the column out, or bring it to few words")
    (column,) = learn_encoding({name: cells}, [name] if named else [], table=table).columns
    if isinstance(column, Numbers):
        return dataclasses.replace(column, missing=0.0)  # what is missing is not known, and learned no more than that
    return Tokens(name, (tuple(value for value in column.values if value),))


def _places(texts: Sequence[str]) -> tuple[tuple[str, ...], ...] | None:
    """The words that stand in each place of captions; None where these are too long, or their words too many."""
    split = [text.split() for text in texts]
    longest = max(map(len, split))
    if len(texts) <= FEW or not 1 < longest <= MOST_WORDS or any(len(w) > LENGTH for words in split for w in words):
        return None
    places = tuple(tuple(sorted({w[i] if i < len(w) else "" for w in split})) for i in range(longest))
    return places if sum(map(len, places)) <= CATEGORIES and all(text.isprintable() for text in texts) else None


def _checked(column: Numbers | Tokens, cells: Sequence[str]) -> Sequence[str]:
    """The cells; a `Mistake` for one that is no number where all should be."""
    if isinstance(column, Numbers):
        values = [number_in(cell, column.notation) for cell in cells]
        wrong = [cell for cell, value in zip(cells, values, strict=True) if value is None or np.isinf(value)]
        if wrong:
            kind = kind_of(column.notation)
            allowed = f"{'finite ' * (kind == 'number')}{kind}s, as {_example(column)}"
            raise Mistake(f"a value of {column.name!r} is no {kind}", repr(wrong[0][:NEAR]), allowed)
    return cells


def _example(column: Numbers) -> str:
    return text_of(column.values[0], column.notation, *column.decimals)
