"""Records to a place: a table, and beside it a folder of the pictures that it names."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from diabolo.errors import Mistake
from diabolo.events import Listener, Passed, ignore
from diabolo.files import atomic, check_writable, whole_folder
from diabolo.model import Model
from diabolo.sources import Table, folder_of, read_table
from diabolo.tasks.generate.files import TABLE, check_room, texts
from diabolo.tasks.generate.records import RecordWish, given_table, modalities_of
from diabolo.tasks.places import check_new, check_png, refuse_same, write_image

NAME, PICTURES = "records.csv", "pictures"  # in a folder


def generate_records(
    model: Model,
    count: int | None,
    out: str,
    given: Mapping[str, Any] | None = None,
    *,
    start: str = "",
    listen: Listener = ignore,
    **how: Any,
) -> int:
    """Write `count` new records to `out`, or those of the table `start` with what they lack, and say how many.

    To OUT.csv, with new pictures in the folder OUT beside it, or to the folder OUT/ as records.csv with pictures/.
    Pictures are named by their paths from the table; those that were given stay where they are. Nothing half-written is
    left behind.
    """
    picture, place = modalities_of(model).picture.name, check_records(out)
    if start:
        refuse_same(start, out)
    table = read_table(start, picture) if start else given_table(model, given)
    wish = RecordWish(model, table, None if start else count, **how)
    if (table.places < 0).any():
        check_png(model.conversion, "-o OUT.npy for pictures alone")
    folder_at = folder_of(start).absolute() if start else Path()
    check_room(wish.count, model.conversion, Path(out), listen, "records")
    digits, number = len(str(wish.count - 1)), 0
    with _written(Path(out)) as (beside, pictures), open(beside, "w", encoding="utf-8", newline="") as file:
        called = place.stem if Path(out).suffix else PICTURES
        writer = csv.writer(file, delimiter=wish.modalities.delimiter, lineterminator="\n")
        writer.writerow(wish.modalities.names)
        for run in wish.runs():
            paths = []
            for image, made in zip(run.images, run.made, strict=True):
                row = int(wish.places(number, number + 1)[0])
                if made:
                    write_image(pictures, f"{number:0{digits}d}.png", image, texts(wish, wish.words(row), number))
                    paths.append(f"{called}/{number:0{digits}d}.png")
                else:
                    paths.append(_given(table, row, folder_at, place))
                number += 1
            cells = run.cells | {picture: paths}
            writer.writerows(zip(*(cells[name] for name in wish.modalities.names), strict=True))
            listen(Passed(number, wish.count))
    return wish.count


def check_records(out: str) -> Path:
    """Where the table of records will be; a `Mistake`, before the work, where they could not be written."""
    place = Path(out)
    if place.suffix not in ("", TABLE) or (not place.suffix and place.exists() and not place.is_dir()):
        raise Mistake("records go to a table, or to a folder", got=out, allowed="OUT.csv, or OUT/")
    if not place.suffix:
        check_new(place)
        return place / NAME
    check_new(place.with_suffix(""), "-o NEW.csv")
    check_writable(place)
    return place


@contextlib.contextmanager
def _written(out: Path) -> Iterator[tuple[Path, Path]]:
    """Where to write the table and the pictures, which come to `out` together in the end."""
    if out.suffix:
        with atomic(out) as table, whole_folder(out.with_suffix("")) as pictures:
            yield table, pictures
    else:
        with whole_folder(out) as whole:
            yield whole / NAME, whole / PICTURES


def _given(table: Table, row: int, folder_at: Path, place: Path) -> str:
    """The path, from the new table, of a picture that was given."""
    assert table.source is not None
    name = table.source.name(int(table.places[row]))
    return Path(os.path.relpath(folder_at / name, place.parent.absolute())).as_posix()
