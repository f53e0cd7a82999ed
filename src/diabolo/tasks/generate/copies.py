"""Rows of a table that came out as rows which were learned from: they are drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from diabolo.events import Listener, Note
from diabolo.sources.encoding import Cells, Encoding, Numbers
from diabolo.sources.notation import number_in

REPEATED = 0.01  # of the rows: where more of them are repeated in the table itself, a row that comes again is natural
ROUNDS = 20  # times that a row is drawn anew, at most


class Learned:
    """The rows of a table, where they hardly ever repeat; none of them otherwise."""

    def __init__(self, cells: Cells, encoding: Encoding) -> None:
        self.encoding = encoding
        rows = list(self._rows(cells))
        unlike = frozenset(rows)
        self.rows = unlike if len(rows) - len(unlike) <= REPEATED * len(rows) else frozenset()
        self.anew = self.left = 0  # rows that were drawn anew, and those that are copies still

    def among(self, cells: Cells) -> list[int]:
        """Which rows are of the table."""
        return [place for place, row in enumerate(self._rows(cells)) if row in self.rows] if self.rows else []

    def replace(self, cells: dict[str, list[str]], drawn: Callable[[list[int], int], Cells]) -> None:
        """Put other rows in the place of those: `drawn(places, turn)` are new ones for some places of `cells`."""
        copies = self.among(cells)
        self.anew += len(copies)
        for turn in range(1, ROUNDS + 1):
            if not copies:
                return
            new = drawn(copies, turn)
            for name, column in cells.items():
                for place, cell in zip(copies, new[name], strict=True):
                    column[place] = cell
            copies = [copies[place] for place in self.among(new)]
        self.left += len(copies)

    def tell(self, listen: Listener) -> None:
        if self.anew:
            left = f"; {self.left:,} of them are still such, since the table holds nearly all that there can be"
            told = f"{self.anew:,} rows came out as rows of the table, and were drawn anew"
            listen(Note(told + left * bool(self.left), warning=bool(self.left)))

    def _rows(self, cells: Cells) -> Iterator[tuple[Hashable, ...]]:
        """Rows as what their cells mean: 1, 1.0 and 1.00 are one number; whatever their label, as in `quality`."""
        columns: list[list[Hashable]] = []
        for column in self.encoding.encoded:
            own = cells[column.name]
            if isinstance(column, Numbers):
                columns.append([number_in(cell, column.notation) if cell else None for cell in own])
            else:
                columns.append(list(own))
        return zip(*columns, strict=True)
