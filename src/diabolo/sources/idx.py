"""The IDX files of MNIST and its relatives, plain or packed with gzip (format: LeCun, Cortes, Burges, 1998)."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.sources.base import Arrays

_BYTES = 0x08  # the type code of unsigned bytes, the only one that picture sets use
_DEFLATE_LIMIT = 1032  # zlib never packs more bytes than this into one


def is_idx(path: Path) -> bool:
    """Does the file's name follow the habit of IDX files: `.idx`, `-idx3-ubyte`, both also with `.gz`?"""
    return re.search(r"(\.idx|[-.]idx\d-ubyte)(\.gz)?$", path.name.lower()) is not None


def open_idx(path: Path) -> Arrays:
    """The pictures in an IDX file of three dimensions, `(n, h, w)` uint8."""
    array = read_idx(path)
    if array.ndim != 3:
        what = "labels" if array.ndim == 1 else f"{array.ndim} dimensions"
        raise Mistake(f"{path} holds no pictures", got=what, allowed="an IDX file of pictures (idx3)")
    return Arrays(array, f"{path.name}, {' x '.join(map(str, array.shape))} uint8")


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file of unsigned bytes, unpacked straight into its place in memory.

    Raises `Mistake` where the magic number, the sizes or the length are not what they must be.
    """
    with reading(path) as source, open(source, "rb") as file:
        size = source.stat().st_size
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        try:
            if packed:
                with gzip.open(file) as unpacked:
                    return _read(unpacked, path, size * _DEFLATE_LIMIT)  # type: ignore[arg-type]
            return _read(file, path, size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Mistake(f"{path} is damaged or cut short", got=str(error)) from error


def _read(file: BinaryIO, path: Path, largest: int) -> np.ndarray:
    """The array in the stream `file`; one that declares more than `largest` bytes is not given any memory."""
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or not 1 <= start[3] <= 4:
        raise Mistake(f"{path} is not an IDX file", got=f"the first bytes {start.hex(' ')}", allowed="00 00 08 01..04")
    if start[2] != _BYTES:
        raise Mistake(f"{path} holds no unsigned bytes", got=f"type code 0x{start[2]:02x}", allowed="0x08")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise Mistake(f"{path} is cut short", got="no sizes")
    shape = struct.unpack(f">{start[3]}I", sizes)
    wanted = int(np.prod(shape, dtype=object))
    if not 0 < wanted <= largest:
        raise Mistake(f"{path} cannot hold what it declares", got=f"the sizes {shape}")
    array = np.empty(wanted, dtype=np.uint8)
    view, filled = memoryview(array.data), 0
    while filled < wanted:
        count = file.readinto(view[filled : filled + (1 << 22)])  # type: ignore[attr-defined]
        if not count:
            raise Mistake(f"{path} is cut short", got=f"{filled} bytes", allowed=f"{wanted} bytes for {shape}")
        filled += count
    if file.read(1):
        raise Mistake(f"{path} holds more than its sizes say", allowed=f"{wanted} bytes for {shape}")
    return array.reshape(shape)
