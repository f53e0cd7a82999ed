"""A labelled set in, a whole synthetic one out, in the layout that the real one came in."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.events import Listener, ignore
from diabolo.files import check_writable
from diabolo.recipe import with_options
from diabolo.sampler import check_guidance
from diabolo.sources import Mixed, Pictures, Records, Source, is_mixed, labelled, open_source
from diabolo.sources.labelled import FOLDERS, OWN
from diabolo.sources.table import as_csv, is_table
from diabolo.tasks.generate.copies import Learned
from diabolo.tasks.generate.drawing import checked_count, checked_seed
from diabolo.tasks.generate.files import check_disk, check_place, generate_place
from diabolo.tasks.generate.generator import Generator
from diabolo.tasks.generate.record_files import check_records, generate_records
from diabolo.tasks.models import recipe_for, shapes_of
from diabolo.tasks.places import check_shades, refuse_same


def synthesize(
    dataset: str,
    out: str,
    *,
    labels: Any = None,
    categorical: Sequence[str] = (),
    count: int | None = None,
    balanced: bool = False,
    guidance: float | None = None,
    seed: int = 0,
    options: dict[str, Any] | None = None,
    keep: str = "",
    strict: bool = False,
    device: str = "cpu",
    listen: Listener = ignore,
) -> dict[str, Any]:
    """Train on a labelled set, or a table, write as many synthetic pictures or rows to `out`, and say what was made.

    Folders with a folder for each class give such folders; a folder with a table of labels gives a folder with such a
    table in it, under the same name but .csv; a named set or an array file gives an `.npz` with the arrays
    "images" and "labels", or folders where `out` has no suffix. Labels are those that come with the set, or the names
    of the folders; `labels` names others (`diabolo.sources.labelled`). A table gives a table, of which `labels` names a
    column, and `categorical` those whose numbers are names; where its rows hardly repeat, none of them comes out
    again (`diabolo.tasks.generate.copies`). Records with pictures give such records. `count`: how many,
    if not as many as there are. `keep`: where the trained model is written, too. The other options are those of
    `Generator`. What could not be drawn or written in the end is refused before the training.
    """
    for place in (dataset, labels):
        for written in (out, keep):
            if written and place and isinstance(place, str):
                refuse_same(place, written)
    if keep:
        check_writable(keep)
    generator = Generator(options=options, device=device, listen=listen, categorical=categorical)
    known = generator._source(dataset, labels) if is_mixed(dataset) else _labelled(dataset, labels, strict)
    there = len(known.places) if isinstance(known, Records) else len(known)
    made = checked_count(there if count is None else count)
    _check_place(known, out)
    _check_wish(known, options or {}, made, out, balanced, guidance, seed)
    generator.fit(known)
    if keep:
        artifact.save(generator.model_, keep)
        generator.model_.digest = artifact.load(keep).digest
    if isinstance(known, Records):
        generate_records(generator.model_, made, out, listen=listen, guidance=guidance, seed=seed)
        return {"out": out, "records": made, "labels": {}}
    how = {"balanced": balanced, "guidance": guidance, "seed": seed}
    rows = getattr(known, "source", known)
    learned = Learned(rows.cells, rows.encoding) if isinstance(rows, Mixed) else None
    generate_place(generator, made, out, table=_table(known, labels), learned=learned, listen=listen, **how)
    things = "images" if generator.model_.encoding is None else "rows"
    return {"out": out, things: made, "labels": {name: list(values) for name, values in generator.labels_.items()}}


def _labelled(dataset: str, labels: Any, strict: bool) -> Source:
    """The pictures with their labels; a `Mistake` where they have none."""
    source = open_source(dataset, strict=strict)
    usual = FOLDERS if isinstance(source, Pictures) else OWN
    known = labelled(source, usual if labels is None else labels, dataset)
    if not _has_labels(known):
        remedy = "--labels FILE, or folders with a folder for each class"
        raise Mistake(f"{source.description} has no labels", remedy=remedy)
    return known


def _table(known: Source, labels: Any) -> str:
    """What the table of labels is called, where a folder's came from one; else ""."""
    pictures = isinstance(getattr(known, "source", None), Pictures)
    named = isinstance(labels, str | os.PathLike) and is_table(Path(labels))
    return as_csv(Path(labels)).name if pictures and named else ""


def _has_labels(known: Source) -> bool:
    return getattr(known, "conditions", None) is not None


def _check_place(known: Source, out: str) -> None:
    """Refuse, before the training, a place that could not hold what comes of it."""
    suffix, rows = Path(out).suffix, getattr(known, "encoding", None) is not None
    if rows:
        check_place(out, table=True)
    elif isinstance(known, Records):
        check_records(out)
    elif suffix == ".npy":
        raise Mistake("a labelled set needs room for labels", got=out, allowed="OUT/ or OUT.npz")
    elif suffix and isinstance(getattr(known, "source", None), Pictures):
        raise Mistake("a folder of classes goes to a folder", got=out, allowed="OUT/")
    else:
        check_place(out, vectors=any(len(shape) == 1 for shape in shapes_of(known)))
    if not rows and suffix != ".npz":
        _check_shades(known)


def _check_shades(known: Source) -> None:
    """Refuse floats that PNG pictures would cut off."""
    if not any(np.dtype(shape[-1]).kind == "f" for shape in getattr(known, "shapes", ())):
        return
    low, high = 0.0, 1.0
    for place in range(len(known)):
        with contextlib.suppress(Mistake):  # a picture that cannot be read: training leaves it out
            image = known.read(place)
            low, high = min(low, float(image.min())), max(high, float(image.max()))
    check_shades(low, high, "numbers of 0 to 1" if isinstance(known, Records) else "-o OUT.npz")


def _check_wish(
    known: Source, options: dict[str, Any], count: int, out: str, balanced: bool, guidance: float | None, seed: int
) -> None:
    """Refuse, before the training, what could not be drawn after it."""
    checked_seed(seed)
    records, labels = isinstance(known, Records), _has_labels(known)
    if balanced and not labels:
        wrong = "records have no labels, but columns" if records else f"{known.description} has no labels"
        raise Mistake(wrong, "balanced", remedy="" if records else "--labels COLUMN")
    options = {name.replace("__", "."): value for name, value in options.items()}
    recipe = with_options(recipe_for("generate", known, options), options)
    if guidance is not None:
        check_guidance(guidance, recipe.priors, records or labels)
    side = recipe.preprocessing.side
    sizes = [(side, side) if side and len(shape) > 1 else shape[:2] for shape in shapes_of(known)]
    things = "records" if records else "images" if getattr(known, "encoding", None) is None else "rows"
    check_disk(count, min(map(math.prod, sizes)), Path(out), things)  # of 8 bits, at least
