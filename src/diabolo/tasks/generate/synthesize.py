"""A labelled set in, a whole synthetic one out, in the layout that the real one came in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.events import Listener, ignore
from diabolo.files import check_writable
from diabolo.sources import Pictures, Records, Source, is_mixed, labelled, open_rows, open_source
from diabolo.tasks.generate.files import check_place, generate_place
from diabolo.tasks.generate.generator import Generator
from diabolo.tasks.generate.record_files import generate_records


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

    Folders with a folder for each class give such folders; a named set or an array file gives an `.npz` with the arrays
    "images" and "labels", or folders where `out` has no suffix. Labels are those that come with the set, or the names
    of the folders; `labels` names others (`diabolo.sources.labelled`). A table gives a table, of which `labels` names a
    column, and `categorical` those whose numbers are names; records with pictures give such records. `count`: how many,
    if not as many as there are. `keep`: where the trained model is written, too. The other options are those of
    `Generator`.
    """
    if keep:
        check_writable(keep)
    if is_mixed(dataset):
        check_place(out, table=True)
        known: Source = open_rows(dataset, categorical, "" if labels in (None, "none") else labels)
    else:
        known = _labelled(dataset, out, labels, strict)
    generator = Generator(options=options, device=device, listen=listen).fit(known)
    if keep:
        artifact.save(generator.model_, keep)
        generator.model_.digest = artifact.load(keep).digest
    made = len(known) if count is None else count
    how = {"balanced": balanced, "guidance": guidance, "seed": seed}
    if isinstance(known, Records):
        made = len(known.places) if count is None else count
        generate_records(generator.model_, made, out, listen=listen, guidance=guidance, seed=seed)
        return {"out": out, "records": made, "labels": {}}
    generate_place(generator, made, out, listen=listen, **how)
    things = "images" if generator.model_.encoding is None else "rows"
    return {"out": out, things: made, "labels": {name: list(values) for name, values in generator.labels_.items()}}


def _labelled(dataset: str, out: str, labels: Any, strict: bool) -> Source:
    """The pictures with their labels; a `Mistake` where they have none, or `out` has no room for these."""
    source = open_source(dataset, strict=strict)
    in_folders = isinstance(source, Pictures)
    if os.path.splitext(out)[1] == ".npy":
        raise Mistake("a labelled set needs room for labels", got=out, allowed="OUT/ or OUT.npz")
    if in_folders and Path(out).suffix:
        raise Mistake("a folder of classes goes to a folder", got=out, allowed="OUT/")
    check_place(out)
    known = labelled(source, labels if labels is not None else "folders" if in_folders else "own", dataset)
    if getattr(known, "conditions", None) is None:
        remedy = "--labels FILE, or folders with a folder for each class"
        raise Mistake(f"{source.description} has no labels", remedy=remedy)
    return known
