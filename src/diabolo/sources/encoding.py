"""Tables of numbers and categories as vectors that a network learns, and back again.

Every cell becomes the normal score of its place among the values of its column (van der Waerden): heavy tails, spikes
and shares of categories are then all the same to whoever learns the vectors, and come back as they were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from diabolo.errors import Mistake
from diabolo.sources.notation import AS_IS, POINT, delimiter_of, number_in, text_of, values_of

Cells = Mapping[str, Sequence[str]]  # a table: the names of its columns, and their cells in order; "" = missing

EDGE = 1e-6  # the share at both ends of a column within which scores are no longer told apart: they stay within 4.8
WHOLE = 0  # decimals of whole numbers
DIGITS = 10  # of a number between two that were seen; what was seen comes back as it was
LENT_FROM = 2000  # rows among which the one most like another is looked for
SPLITS = 15  # categories that have a score of their own, the most frequent ones
TINY = 1e-12
MIDDLE = 0.5  # of the range of places of a category, or a repeated value, in which its cells lie: the rest is a gap


@dataclasses.dataclass(frozen=True)
class Numbers:
    """A column of numbers: `shares[i]` of its values, 0..1, lie below `values[i]`; both ascend, and may repeat."""

    name: str
    values: tuple[float, ...]
    shares: tuple[float, ...]
    decimals: tuple[int, int] = (AS_IS, AS_IS)  # the fewest and the most digits after the point
    missing: float = 0.0  # the share of cells without a value; where there are some, a second score tells which
    notation: str = POINT  # how they are written (`diabolo.sources.notation`)

    @property
    def width(self) -> int:
        return 2 if self.missing else 1

    def encode(self, cells: Sequence[str], generator: np.random.Generator) -> np.ndarray:
        """(n, width) scores, NaN where there is no value; places within a value that repeats are drawn.

        Near the middle of its range: drawn from all of it, two columns that repeat together would hardly seem related.
        """
        numbers = np.array([number_in(cell, self.notation) for cell in cells], dtype=np.float64)
        values, shares = np.array(self.values), np.array(self.shares)
        first, last = np.searchsorted(values, numbers, "left"), np.searchsorted(values, numbers, "right") - 1
        between = np.interp(numbers, values, shares)
        held = (last >= first) & ~np.isnan(numbers)
        low = np.where(held, shares[first.clip(max=len(values) - 1)], between)
        high = np.where(held, shares[last.clip(min=0)], between)
        places = _amid(low, high, generator)
        columns = [np.where(np.isnan(numbers), np.nan, _score(places))]
        if self.missing:
            columns.append(_score(_within(np.isnan(numbers).astype(int) ^ 1, self._ends, generator)))
        return np.stack(columns, 1)

    def decode(self, scores: np.ndarray) -> list[str]:
        held, numbers = set(self.values), np.interp(ndtr(scores[:, 0]), self.shares, self.values).tolist()
        exact = [number if number in held else float(f"{number:.{DIGITS}g}") for number in numbers]
        texts = [text_of(number, self.notation, *self.decimals) for number in exact]
        if not self.missing:
            return texts
        there = np.searchsorted(self._ends, ndtr(scores[:, 1]), "right")
        return [text if known else "" for text, known in zip(texts, there.tolist(), strict=True)]

    def tuned(self, scores: np.ndarray) -> Numbers:
        ends = _places(scores[:, 0], self.shares)
        shares = np.maximum.accumulate(np.concatenate(([0.0], ends[1:-1], [1.0]))) if len(ends) > 1 else ends
        missing = float(_places(scores[:, 1], [self.missing])[0]) if self.missing else 0.0
        return dataclasses.replace(self, shares=tuple(shares.tolist()), missing=missing)

    @property
    def _ends(self) -> np.ndarray:
        return np.array([self.missing])


@dataclasses.dataclass(frozen=True)
class Categories:
    """A column of categories, "" among them where cells are missing: `shares[i]` of the cells have `values[i]`.

    Categories have no order, so that one score would not do: the first score says whether it is the first category, the
    next one whether it is the second if not the first, and so on; the last score tells apart those that remain.
    """

    name: str
    values: tuple[str, ...]
    shares: tuple[float, ...]

    @property
    def width(self) -> int:
        return 1 + min(max(len(self.values) - 2, 0), SPLITS)

    def encode(self, cells: Sequence[str], generator: np.random.Generator) -> np.ndarray:
        """(n, width) scores, NaN behind the one that said yes; a `Mistake` for a category that is not known."""
        number = {value: i for i, value in enumerate(self.values)}
        strange = next((cell for cell in cells if cell not in number), None)
        if strange is not None:
            raise Mistake(f"a value of the column {self.name!r} is not known", repr(strange), ", ".join(self.values))
        indices = np.array([number[cell] for cell in cells], dtype=int)
        scores = np.full((len(indices), self.width), np.nan)
        for level, ends in enumerate(self._ends):
            open_ = indices >= level
            answers = (indices[open_] - level).clip(max=len(ends))
            scores[open_, level] = _score(_within(answers, ends, generator))
        return scores

    def decode(self, scores: np.ndarray) -> list[str]:
        indices = np.zeros(len(scores), dtype=int)
        for level, ends in enumerate(self._ends):
            indices += (indices == level) * np.searchsorted(ends, ndtr(scores[:, level]), "right")
        return [self.values[i] for i in indices.tolist()]

    def tuned(self, scores: np.ndarray) -> Categories:
        """The same with other shares, by which scores that are spread like these give each category as often as now."""
        shares: list[float] = []
        open_ = np.ones(len(scores), dtype=bool)
        for level, ends in enumerate(self._ends):
            some = scores[open_, level] if open_.any() else scores[:, level]
            places = _places(some, ends)
            parts = np.diff(places, prepend=0.0, append=1.0) * max(0.0, 1 - sum(shares))
            shares += parts.tolist() if level == self.width - 1 else parts[:1].tolist()
            open_ &= (ndtr(scores[:, level]) >= places[0]) if len(places) else False
        return dataclasses.replace(self, shares=tuple(shares))

    @property
    def _ends(self) -> list[np.ndarray]:
        """For each score the places where one answer ends and the next one begins."""
        shares = np.array(self.shares)
        rest = np.maximum(
            1 - np.concatenate(([0.0], np.cumsum(shares)[:-1])), TINY
        )  # of this category and the next ones
        last = self.width - 1
        splits = [(shares[i : i + 1] / rest[i]).clip(max=1) for i in range(last)]
        return [*splits, (np.cumsum(shares[last:])[:-1] / rest[last]).clip(max=1)]


Column = Numbers | Categories


@dataclasses.dataclass(frozen=True)
class Encoding:
    """The columns of a table in their order. The one called `label`, if any, is a condition and no part of vectors."""

    columns: tuple[Column, ...]
    label: str = ""

    @property
    def width(self) -> int:
        """How many numbers a row becomes."""
        return sum(column.width for column in self.encoded)

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def delimiter(self) -> str:
        """What stands between the cells of such a table."""
        return delimiter_of([getattr(column, "notation", "") for column in self.columns])

    @property
    def encoded(self) -> list[Column]:
        """The columns that are part of vectors."""
        return [column for column in self.columns if column.name != self.label]

    def encode(self, cells: Cells, seed: int = 0) -> np.ndarray:
        """Rows as vectors (n, width), float64, finite; the same seed gives the same ones.

        What is missing is lent by the row that is most like it (hot deck), so that a vector is whole; that it was
        missing is a number of its own.
        """
        from sklearn.impute import KNNImputer

        generator = np.random.default_rng(seed)
        rows = np.concatenate([column.encode(cells[column.name], generator) for column in self.encoded], 1)
        if not np.isnan(rows).any():
            return rows
        lenders = rows[generator.permutation(len(rows))[:LENT_FROM]]
        whole: np.ndarray = KNNImputer(n_neighbors=1, keep_empty_features=True).fit(lenders).transform(rows)
        return whole

    def decode(self, vectors: np.ndarray, labels: Sequence[str] = ()) -> dict[str, list[str]]:
        """Vectors (n, width) as cells, within what was seen of each column; `labels` (n,) are those of its column."""
        found, start = {}, 0
        vectors = np.asarray(vectors, dtype=np.float64)
        for column in self.columns:
            if column.name == self.label:
                found[column.name] = [str(label) for label in labels]
                continue
            found[column.name] = column.decode(vectors[:, start : start + column.width])
            start += column.width
        return found

    def tuned(self, vectors: np.ndarray) -> Encoding:
        """The encoding whose `decode` gives every column its own shares from vectors that are spread like these.

        A prior's scores are nearly normal, and what is not quite is made good here: each share moves to the place below
        which so many of the drawn scores (n, width) lie.
        """
        columns, start = [], 0
        for column in self.columns:
            if column.name != self.label:
                column, width = column.tuned(vectors[:, start : start + column.width]), column.width
                start += width
            columns.append(column)
        return Encoding(tuple(columns), self.label)

    def arrays(self, cells: Cells) -> dict[str, np.ndarray]:
        """Columns of cells as arrays (n,): int64, float64 with NaN for what is missing, or texts with "" for it."""
        return {column.name: array_of(column, cells[column.name]) for column in self.columns}


def _within(indices: np.ndarray, ends: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A place 0..1 for each category, near the middle of its range."""
    bounds = np.concatenate(([0.0], ends, [1.0]))
    low, high = bounds[indices], bounds[indices + 1]
    return _amid(low, high, generator)


def _amid(low: np.ndarray, high: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Places near the middle of each range."""
    return low + (high - low) * (0.5 + MIDDLE * (generator.random(len(low)) - 0.5))


def _places(scores: np.ndarray, shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """The places 0..1 of scores below which these shares of all lie."""
    found: np.ndarray = ndtr(np.quantile(scores, np.clip(shares, 0, 1)))
    return found


def _score(places: np.ndarray) -> np.ndarray:
    scores: np.ndarray = ndtri(places.clip(EDGE, 1 - EDGE))
    return scores


def array_of(column: object, cells: Sequence[str]) -> np.ndarray:
    """Cells as an array (n,): of a column of numbers these, with what is missing as NaN or NaT; or else texts."""
    if not isinstance(column, Numbers):
        return np.array(cells, dtype=str)
    return values_of(cells, column.notation, column.decimals[1] == WHOLE)
