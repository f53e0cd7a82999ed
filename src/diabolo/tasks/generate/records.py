"""Whole records from a model of several modalities: any of each may be given, the others are drawn to fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake, unknown
from diabolo.model import Model
from diabolo.preprocessing import UNIT, Conversion
from diabolo.sampler import check_guidance
from diabolo.sources import Modalities, Table, read_table
from diabolo.sources.encoding import Numbers
from diabolo.sources.notation import cell_of, number_in, text_of
from diabolo.tasks.generate.drawing import AT_ONCE, checked_count, checked_seed, decoded

REMEDY = "diabolo fit generate RECORDS.csv -o MODEL, a table of which one column names picture files"
_NOTHING = Table([], {}, "what is given", "", None, np.array([-1]))


class Records(NamedTuple):
    """A run of records: their cells, their pictures, and which of these were drawn."""

    cells: dict[str, list[str]]
    images: np.ndarray  # (n, *raw image)
    made: np.ndarray  # (n,)


class RecordWish:
    """Records that are to be drawn from a model, or completed; a `Mistake` where they cannot be."""

    def __init__(
        self, model: Model, table: Table, count: int | None = None, *, guidance: float | None = None, seed: int = 0
    ) -> None:
        """Of a `count`, so many records like the only row of the table; without one each of its rows once."""
        modalities, sampler = modalities_of(model), model.sampler
        assert sampler is not None
        check_columns(table, modalities)
        self.model, self.table, self.modalities, self.sampler = model, table, modalities, sampler
        self.guidance = sampler.part.guidance if guidance is None else guidance
        check_guidance(self.guidance, [sampler.part], labels=True)
        self.count = len(table.places) if count is None else checked_count(count)
        self.seed, self.once = checked_seed(seed), count is None
        self.pictures, codes = _encoded(model, table)
        self.rows = torch.from_numpy(modalities.encode(table.cells, codes, self.seed)).float()

    def places(self, start: int, stop: int) -> np.ndarray:
        """Which row of the table each record comes from."""
        return np.arange(start, stop) if self.once else np.zeros(stop - start, int)

    def runs(self) -> Iterator[Records]:
        """All records; the same wish draws the same ones, to the bit."""
        for start in range(0, self.count, AT_ONCE):
            places = self.places(start, min(start + AT_ONCE, self.count))
            mixed = np.random.SeedSequence([self.seed, start // AT_ONCE]).generate_state(1, np.uint64)
            generator = torch.Generator(self.model.device).manual_seed(int(mixed[0] >> 1))
            owned = self.table.places[places]
            rows = self._filled(self.rows[places], torch.from_numpy(owned < 0), generator)
            cells, codes = self.modalities.decode(rows.double().cpu().numpy())
            images = decoded(self.model, torch.from_numpy(codes).unflatten(1, self.model.code))
            if (owned >= 0).any():
                images[owned >= 0] = self.pictures[owned[owned >= 0]]
            for name, column in self.table.cells.items():
                cells[name] = [column[i] or drawn for i, drawn in zip(places, cells[name], strict=True)]
            yield Records(cells, images, owned < 0)

    def _filled(self, rows: Tensor, lacking: Tensor, generator: torch.Generator) -> Tensor:
        """Rows with what is NaN in them filled: the cells first, then the pictures that are `lacking` (n,), to fit.

        Guidance can so act on the pictures of records of which nothing was given, too. Where a table is completed, the
        cells beside a picture that is there are read off it, without chance.
        """
        rows, lacking = rows.to(self.model.device), lacking.to(self.model.device)
        drawn = lacking | (not self.once)
        with torch.no_grad():
            if drawn.any():
                rows[drawn] = self.sampler.complete(rows[drawn], generator, self.guidance)
            if not drawn.all():
                rows[~drawn] = self.sampler.likeliest(rows[~drawn])
            if lacking.any():
                rows[lacking, self.modalities.slot] = torch.nan
                rows[lacking] = self.sampler.best(rows[lacking], generator, self.guidance, self.shown)
        return rows

    def shown(self, rows: Tensor) -> Tensor:
        """Whole rows as they look to who sees their pictures: with the codes that these have."""
        slot = self.modalities.slot
        images = decoded(self.model, rows[:, slot].unflatten(1, self.model.code))
        seen = rows.clone()
        seen[:, slot] = torch.from_numpy(self.model.encode(images)).flatten(1).to(rows)
        return seen

    def words(self, place: int) -> str:
        """What was given of a row of the table, in words."""
        told = [f"{name}={column[place]}" for name, column in self.table.cells.items() if column[place]]
        return ", ".join(told)

    def arrays(self) -> dict[str, np.ndarray]:
        """All records at once, as columns: the pictures (n, ...), whole numbers, floats, or texts (n,)."""
        runs = list(self.runs())
        cells = {name: [cell for run in runs for cell in run.cells[name]] for name in runs[0].cells}
        columns = self.modalities.arrays(cells)
        pictures = np.concatenate([run.images for run in runs])
        return {name: columns.get(name, pictures) for name in self.modalities.names}


def modalities_of(model: Model) -> Modalities:
    """What the model's records are made of; a `Mistake` where it knows of none."""
    if model.modalities is None:
        raise Mistake("the model knows no records of several modalities", remedy=REMEDY)
    if model.sampler is None:
        raise Mistake("this model cannot make new records", remedy="the command that trained it, with --resume")
    return model.modalities


def given_table(model: Model, given: Mapping[str, Any] | None) -> Table:
    """One row that holds what is given: values by the names of their columns, the picture as an array or a path."""
    modalities = modalities_of(model)
    notations = {column.name: column.notation for column in modalities.columns if isinstance(column, Numbers)}
    given = {name: cell_of(value, notations.get(name)) for name, value in (given or {}).items()}
    table = read_table({name: [value] for name, value in given.items()}, modalities.picture.name) if given else _NOTHING
    check_columns(table, modalities)
    for column in modalities.columns:
        if not isinstance(column, Numbers):
            continue
        (cell,) = table.cells.get(column.name, [""])
        value = number_in(cell, column.notation)
        if value is not None and (value < column.values[0] or value > column.values[-1]):
            ends = (text_of(end, column.notation, *column.decimals) for end in (column.values[0], column.values[-1]))
            raise Mistake(f"no record has such a value of {column.name!r}", cell, " to ".join(ends))
    return table


def check_columns(table: Table, modalities: Modalities) -> None:
    """Refuse columns that the model does not know, and pictures where it has none."""
    for name in table.names:
        if name not in modalities.names:
            raise unknown("column", name, modalities.names)
    if table.picture and table.picture != modalities.picture.name:
        raise Mistake(f"column {table.picture!r} holds pictures", allowed=f"pictures in {modalities.picture.name!r}")


def _encoded(model: Model, table: Table) -> tuple[np.ndarray, np.ndarray]:
    """The pictures that are given, as those that it makes, and the code of each row's own, NaN where it has none."""
    codes = np.full((len(table.places), int(np.prod(model.code))), np.nan)
    if table.source is None:
        return np.zeros(0), codes
    pictures = [model.bring(table.source.read(i)) for i in range(len(table.source))]
    wrong = next((i for i, picture in enumerate(pictures) if picture.shape != pictures[0].shape), None)
    if wrong is not None:
        raise Mistake("the pictures have different sizes", table.source.name(wrong), allowed="one size")
    images = np.stack([_typed(picture, model.conversion) for picture in pictures])
    codes[table.places >= 0] = model.encode(images).reshape(len(images), -1)[table.places[table.places >= 0]]
    return images, codes


def _typed(picture: np.ndarray, conversion: Conversion) -> np.ndarray:
    """A picture in numbers of the range that the model's own have, as 0..255 for 0..1."""
    if UNIT.get(picture.dtype.name) == UNIT.get(conversion.dtype):
        return picture
    return conversion.from_network(conversion.to_network(picture[None], torch.float64))[0]
