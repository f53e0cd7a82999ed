"""New images to a place: a folder of PNG pictures that say where they come from, or an array file; any number."""

from __future__ import annotations

import collections
import contextlib
import csv
import functools
import hashlib
import importlib.metadata
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diabolo.errors import Mistake
from diabolo.events import Listener, Note, Passed, ignore
from diabolo.files import atomic, check_writable, whole_folder
from diabolo.preprocessing import Conversion
from diabolo.sources.labelled import NAMES
from diabolo.tasks.generate.copies import Learned
from diabolo.tasks.generate.drawing import Drawn, Wish
from diabolo.tasks.generate.generator import Generator
from diabolo.tasks.places import check_new, check_png, write_header, write_image

TOLD = 100 * 2**20  # bytes: what is larger is told of before it is made
BLOCK = 4096  # bytes that a file takes at least
LONGEST = 100  # bytes of a folder's name
ARRAYS = (".npy", ".npz")
TABLE = ".csv"


def generate_place(
    generator: Generator,
    count: int,
    out: str,
    label: Any = None,
    *,
    table: str = "",
    learned: Learned | None = None,
    listen: Listener = ignore,
    **how: Any,
) -> int:
    """Write `count` new images to `out`, and say how many bytes these have as arrays.

    A table (`.csv`) has the columns of the one learned from, and none of its rows where they are told. A folder gets
    PNG pictures, each class in a folder of its own, or, where `table` names one, a table in it with the labels of each
    picture; `.npy` the images alone; `.npz` the arrays "images" and, if known, "labels". `how` are the options of
    `Generator.sample`. However many they are, memory holds a run of them. Nothing half-written is left behind.
    """
    model = generator._model
    wish = Wish(model, count, label, **how)
    check_place(out, model.conversion.layout == "vector", model.encoding is not None)
    if Path(out).suffix not in (*ARRAYS, TABLE):
        check_png(model.conversion, f"-o {out.rstrip('/')}.npy, or .npz")
    things = "images" if model.encoding is None else "rows"
    size = check_room(wish.count, model.conversion, Path(out), listen, things)
    runs = _told(wish.runs(), wish.count, listen)
    if model.encoding is not None:
        _write_table(Path(out), runs, wish, generator, learned)
        if learned is not None:
            learned.tell(listen)
    elif Path(out).suffix == ".npy":
        with atomic(out) as beside, open(beside, "wb") as file:
            _stream(file, (run.images for run in runs), wish.count)
    elif Path(out).suffix == ".npz":
        _write_npz(Path(out), runs, wish, generator)
    else:
        _write_pictures(Path(out), runs, wish, table)
    return size


def check_place(out: str, vectors: bool = False, table: bool = False) -> None:
    """Refuse, before the work, a place where the images could not be written, or that holds others already."""
    place = Path(out)
    if table:
        if place.suffix != TABLE:
            raise Mistake("rows of a table go to a table", got=out, allowed="*.csv", remedy=f"-o {place.stem}.csv")
        check_writable(place)
    elif place.suffix in ARRAYS:
        check_writable(place)
    elif place.suffix or (place.exists() and not place.is_dir()):
        raise Mistake("pictures go to a folder or an array file", got=out, allowed="OUT/, OUT.npy or OUT.npz")
    elif vectors:
        raise Mistake("vectors are no pictures", got=out, allowed=".npy, .npz", remedy=f"-o {place}.npy")
    else:
        check_new(place)


def texts(wish: Any, words: str, number: int) -> tuple[tuple[str, str], ...]:
    """What a PNG file says of how it was made."""
    told = {"model": wish.model.digest, "seed": wish.seed, "number": number, "of": wish.count, "label": words}
    told["guidance"] = wish.guidance
    made = ("Comment", "synthetic: made by a generative model, no record of a real thing")
    return ("Software", f"diabolo {importlib.metadata.version('diabolo')}"), made, ("diabolo", json.dumps(told))


def _write_pictures(out: Path, runs: Iterable[Drawn], wish: Wish, table: str) -> None:
    digits, number = len(str(wish.count - 1)), 0
    folders = {} if table else folder_names(wish.words(row) for row in wish.rows.cpu().numpy())
    with whole_folder(out) as beside, _labels(beside / table if table else None, wish) as tell:
        for run in runs:
            for image, conditions in zip(run.images, run.conditions, strict=True):
                words, name = wish.words(conditions), f"{number:0{digits}d}.png"
                name = f"{folders[words]}/{name}" if folders and words else name
                write_image(beside, name, image, texts(wish, words, number))
                tell(name, conditions)
                number += 1


@contextlib.contextmanager
def _labels(table: Path | None, wish: Wish) -> Iterator[Callable[[str, np.ndarray], object]]:
    """What is to be told the name of each picture and what it is of, for a table of them, if there is one."""
    if table is None or wish.model.sampler is None:
        yield lambda name, conditions: None
        return
    attributes = wish.model.sampler.attributes
    table.parent.mkdir(parents=True, exist_ok=True)
    with open(table, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names = [attribute.name for attribute in attributes]
        writer.writerow([next((name for name in NAMES if name not in names), NAMES[0]), *names])
        values = [(*attribute.values, "") for attribute in attributes]  # the last one is at -1
        yield lambda name, said: writer.writerow([name, *(of[i] for of, i in zip(values, said, strict=True))])


def _write_table(out: Path, runs: Iterable[Drawn], wish: Wish, generator: Generator, learned: Learned | None) -> None:
    with atomic(out) as beside, open(beside, "w", encoding="utf-8", newline="") as file:
        encoding = generator._model.encoding
        assert encoding is not None
        writer = csv.writer(file, delimiter=encoding.delimiter, lineterminator="\n")
        for number, run in enumerate(runs):
            cells = generator.cells(*run)
            if learned is not None:
                learned.replace(cells, functools.partial(_anew, generator, wish, run, number))
            if not number:
                writer.writerow(cells)
            writer.writerows(zip(*cells.values(), strict=True))


def _anew(
    generator: Generator, wish: Wish, run: Drawn, number: int, places: list[int], turn: int
) -> dict[str, list[str]]:
    """Other rows of the same conditions for some places of a run."""
    return generator.cells(*wish.drawn(torch.from_numpy(run.conditions[places]), number, turn))


def _write_npz(out: Path, runs: Iterable[Drawn], wish: Wish, generator: Generator) -> None:
    said: list[np.ndarray] = []

    def images() -> Iterator[np.ndarray]:
        for run in runs:
            said.append(run.conditions)
            yield run.images

    with atomic(out) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("images.npy", "w", force_zip64=True) as file:
            _stream(file, images(), wish.count)
        conditions = np.concatenate(said)
        if (conditions >= 0).any():
            with archive.open("labels.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, generator._said(conditions), allow_pickle=False)


def _stream(file: Any, runs: Iterable[np.ndarray], count: int) -> None:
    started = False
    for images in runs:
        if not started:
            write_header(file, images.dtype, (count, *images.shape[1:]))
            started = True
        file.write(np.ascontiguousarray(images).data)


def _told(runs: Iterator[Drawn], count: int, listen: Listener) -> Iterator[Drawn]:
    done = 0
    for run in runs:
        yield run
        done += len(run.images)
        listen(Passed(done, count))


def check_room(count: int, conversion: Conversion, out: Path, listen: Listener, things: str = "images") -> int:
    """Say how large it gets, before it does, and refuse what the disk has no room for."""
    one = int(np.prod(conversion.shape)) * np.dtype(conversion.dtype).itemsize
    on_disk = check_disk(count, one, out, things)
    if max(count * one, on_disk) > TOLD:
        where = "one file" if out.suffix in (*ARRAYS, TABLE) else "PNG files, roughly,"
        listen(Note(f"{count:,} {things} {conversion.describe()}: {on_disk / 2**30:,.2f} GiB as {where}"))
    return count * one


def check_disk(count: int, one: int, out: Path, things: str = "images") -> int:
    """About how many bytes `count` things of `one` each take there; a `Mistake` where the disk has no room for them."""
    about = one if out.suffix in (*ARRAYS, TABLE) else -(-max(one // 4, 1) // BLOCK) * BLOCK  # of PNG
    place = next(parent for parent in (out.absolute(), *out.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(place).free
    if count * about > free:
        got = f"{count * about / 2**30:,.1f} GiB for {count:,} {things}"
        raise Mistake("the disk has no room for so many", got, f"{free / 2**30:,.1f} GiB are free", "a smaller -n")
    return count * about


def folder_names(classes: Iterable[str]) -> dict[str, str]:
    """Classes as names of folders, each its own: where one is too long, or the same as another's, a digest tells which.

    >>> folder_names(["../T-shirt/top", "hair=dark, hat=no"])
    {'../T-shirt/top': '_T-shirt_top', 'hair=dark, hat=no': 'hair=dark, hat=no'}
    """
    safe = {words: _safe(words) for words in classes}
    shared = collections.Counter(name.casefold() for name in safe.values())
    for words, name in safe.items():
        if len(name.encode()) > LONGEST or shared[name.casefold()] > 1:
            cut = name.encode()[: LONGEST - 9].decode(errors="ignore")
            safe[words] = f"{cut}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
    return safe


def _safe(words: str) -> str:
    return "".join("_" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in words).lstrip(".") or "_"
