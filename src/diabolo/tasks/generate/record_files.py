"""Records to a place: a table, and beside it a folder of the pictures that it names."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diabolo.errors import Mistake
from diabolo.events import Listener, Passed, ignore
from diabolo.files import atomic, check_writable
from diabolo.model import Model
from diabolo.sources import Table, folder_of, read_table
from diabolo.tasks.generate.files import TABLE, check_room, texts
from diabolo.tasks.generate.records import RecordWish, given_table, modalities_of
from diabolo.tasks.places import folder, write_image

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
    Pictures are named by their paths from the table; those that were given stay where they are.
    """
    picture = modalities_of(model).picture.name
    table = read_table(start, picture) if start else given_table(model, given)
    wish = RecordWish(model, table, None if start else count, **how)
    place, pictures = _places(Path(out))
    folder_at = folder_of(start).absolute() if start else Path()
    check_room(wish, Path(out), listen)
    folder(place.parent)
    digits, number = len(str(wish.count - 1)), 0
    with atomic(place) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(wish.modalities.names)
        for run in wish.runs():
            paths = []
            for image, made in zip(run.images, run.made, strict=True):
                row = int(wish.places(number, number + 1)[0])
                if made:
                    write_image(pictures, f"{number:0{digits}d}.png", image, texts(wish, wish.words(row), number))
                    paths.append((pictures / f"{number:0{digits}d}.png").relative_to(place.parent).as_posix())
                else:
                    paths.append(_given(table, row, folder_at, place))
                number += 1
            cells = run.cells | {picture: paths}
            writer.writerows(zip(*(cells[name] for name in wish.modalities.names), strict=True))
            listen(Passed(number, wish.count))
    return wish.count


def _places(out: Path) -> tuple[Path, Path]:
    """Where the table goes, and where the pictures; a `Mistake` where something is there already."""
    if out.suffix not in ("", TABLE) or (not out.suffix and out.exists() and not out.is_dir()):
        raise Mistake("records go to a table, or to a folder", got=str(out), allowed="OUT.csv, or OUT/")
    place, pictures = (out, out.with_suffix("")) if out.suffix else (out / NAME, out / PICTURES)
    taken = pictures if out.suffix else out
    if taken.exists() and (not taken.is_dir() or any(taken.iterdir())):
        wrong = f"{taken} is not empty, and old pictures among new ones could not be told apart"
        raise Mistake(wrong, remedy="-o NEW.csv" if out.suffix else "-o NEW/")
    if out.suffix:
        check_writable(out)
    return place, pictures


def _given(table: Table, row: int, folder_at: Path, place: Path) -> str:
    """The path, from the new table, of a picture that was given."""
    assert table.source is not None
    name = table.source.name(int(table.places[row]))
    return Path(os.path.relpath(folder_at / name, place.parent.absolute())).as_posix()
