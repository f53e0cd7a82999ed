"""Whether files of the 24 Kodak photos are read alike everywhere: symbols, pixels, and those that are to be exact.

Each file, of QUALITIES for each photo, is written once, and read by torch as it computes with one thread. Then it is
read again in each of WAYS, by the same networks: with two threads, without oneDNN (Intel's library, which adds in an
order of its own), with the layout "channels last", in double precision (the symbols alone), and on a GPU where there is
one. What differs is counted. Symbols and exact pixels must not differ at all; the usual pixels may by one grey level.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from benchmarks._restoring import Done, arguments, keep, photos
from benchmarks._result import Gate
from diabolo.errors import Mistake
from diabolo.model import Model
from diabolo.starters import named_model
from diabolo.tasks.compress import Compressor, symbols
from diabolo.tasks.compress.codec import Codec
from diabolo.tasks.compress.container import unpack

QUALITIES = (1, 10, 25, 40, 55, 70, 85, 100)
# What is compared to torch as it is: (symbols, pixels, exact pixels).
WAYS = {
    "two threads": (True, True, True),
    "without oneDNN": (True, True, True),
    "channels last": (True, True, True),
    "double precision": (True, False, False),
    "cuda": (True, True, True),
}
COUNTS = ("symbols", "pixels", "exact pixels")


def run() -> None:
    chosen = arguments(__doc__, "model").parse_args()
    model = named_model(chosen.model or "photo")
    kodak = photos("kodak", chosen.pictures)
    files = [Compressor(model, quality=quality).compress(photo) for photo in kodak for quality in QUALITIES]
    wanted = [read(model, data, (True, True, True)) for data in files]
    ways = [way for way in WAYS if way != "cuda" or torch.cuda.is_available()]
    figures = [row(way, compared(way, model, files, wanted)) for way in ways]
    gates = [
        Gate(f"{what} that differ, {figure['computed']}", figure[f"{what} that differ"], 0)
        for figure in figures
        for what in ("symbols", "exact pixels")
        if figure[f"{what} that differ"] != ""
    ]
    keep("same_bits", figures, gates, [Done([], [], [], {})], chosen.pictures, sizes=counted(wanted))


@contextlib.contextmanager
def computing(way: str, model: Model) -> Iterator[Model]:
    """A copy of a model as a way wants it, and torch set to that way meanwhile."""
    changed, threads = copy.deepcopy(model), torch.get_num_threads()
    if way == "channels last":
        changed.network.to(memory_format=torch.channels_last)
    elif way in ("double precision", "cuda"):
        changed.network.to(torch.float64 if way == "double precision" else way)
    torch.set_num_threads(2 if way == "two threads" else 1)
    try:
        with torch.backends.mkldnn.flags(enabled=way != "without oneDNN"):
            yield changed
    finally:
        torch.set_num_threads(threads)


def read(model: Model, data: bytes, kinds: tuple[bool, bool, bool]) -> list[np.ndarray | None]:
    """The values of a file's symbols, its pixels and its exact pixels; None for what is not asked for."""
    codec = Codec(model)
    header, chunks, _ = unpack(data)
    sides = [(-(-height // codec.side), -(-width // codec.side)) for _, _, height, width in header.tiles()]
    values = [
        symbols.decode(codec.latent, codec.tables, chunk, (1, *side), header.quality).cpu().numpy().ravel()
        for chunk, side in zip(chunks, sides, strict=True)
    ]
    pixels = [Compressor(model, exact=exact).decompress(data) if kinds[1 + exact] else None for exact in (False, True)]
    return [np.concatenate(values).astype(np.int16), *pixels]


def compared(
    way: str, model: Model, files: list[bytes], wanted: list[list[np.ndarray | None]]
) -> list[tuple[int, int] | None]:
    """How many numbers of each kind differ, and by how much at most; None for what is not compared."""
    found: list[tuple[int, int] | None] = [(0, 0) if kind else None for kind in WAYS[way]]
    with computing(way, model) as changed:
        for data, want in zip(files, wanted, strict=True):
            try:
                got: list[Any] = read(changed, data, WAYS[way])
            except Mistake:  # so much differed that the symbols do not end where the bytes do
                got = [None if array is None else ~array for array in want]
            for kind, (one, other) in enumerate(zip(got, want, strict=True)):
                if found[kind] is not None:
                    apart = np.abs(one.astype(np.int64) - other)
                    count, greatest = found[kind]
                    found[kind] = count + int(np.count_nonzero(apart)), max(greatest, int(apart.max()))
    return found


def row(way: str, found: list[tuple[int, int] | None]) -> dict[str, Any]:
    cells: dict[str, Any] = {"computed": way}
    for what, each in zip(COUNTS, found, strict=True):
        cells[f"{what} that differ"] = "" if each is None else each[0]
    return cells | {"greatest difference of pixels": "" if found[1] is None else found[1][1]}


def counted(wanted: list[list[np.ndarray | None]]) -> dict[str, int]:
    """How many numbers of each kind were compared."""
    return {what: sum(each[kind].size for each in wanted) for kind, what in enumerate(COUNTS[:2])} | {
        "files": len(wanted)
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    run()
