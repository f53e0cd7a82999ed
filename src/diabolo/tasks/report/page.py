"""The page: sections of sentences, tables, charts and sheets of pictures, as one HTML file that needs nothing else."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import jinja2

from diabolo.files import atomic


@dataclasses.dataclass(frozen=True)
class Sentence:
    """A sentence; `mark` "worse" or "best" makes it bold, "plain" leaves it as it is."""

    text: str
    mark: str = "plain"
    kind: str = "sentence"


@dataclasses.dataclass(frozen=True)
class Chart:
    """A drawing, as SVG text, and what it shows."""

    svg: str
    caption: str
    wide: bool = False
    kind: str = "chart"


@dataclasses.dataclass(frozen=True)
class Cell:
    """A cell of a table: a figure, a smaller one below it, and a mark ("best", "worse")."""

    text: str
    below: str = ""
    mark: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells, the first of which names the row."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    wordy: bool = False  # the row's name is a sentence
    kind: str = "table"


@dataclasses.dataclass(frozen=True)
class Sheet:
    """Pictures in rows: each row has a label and (data URI, note) pairs; a row without pictures is a heading."""

    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    caption: str
    size: str = ""  # of the pictures: "" small, "large", or "huge" for four in a row
    kind: str = "sheet"

    @property
    def columns(self) -> int:
        """Columns of the table that holds the sheet, with the labels'."""
        return 1 + max(len(cells) for _, cells in self.rows)


Block = Sentence | Chart | Table | Sheet


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of the page with its heading; `name` is what links point at."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True)
class Page:
    """The whole page: its title, a line below it, what must be known first, and the sections."""

    title: str
    lead: str
    summary: tuple[Sentence, ...]
    sections: tuple[Section, ...]
    foot: str


def render(page: Page) -> str:
    """The page as HTML. All text is escaped; charts are SVG that was made here."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("page.html.j2").render(page=page)


def write_page(page: Page, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all. Raises `Mistake` where the path cannot be written."""
    with atomic(path) as beside:
        beside.write_text(render(page), encoding="utf-8")
