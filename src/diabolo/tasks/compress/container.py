"""The file `*.dbl`, byte by byte; `docs/guide/codec.md` documents it. It knows nothing of networks.

    "dbl" version | flags quality | model's digest and name | height width | [pictures, their names] | [profile]
    | [alphas] | chunks | CRC-32 of all before

Whole numbers are unsigned LEB128 (seven bits a byte, low first), fixed ones little-endian.
"""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np

from diabolo.errors import Mistake

MAGIC, VERSION = b"dbl", 1
# The flags: one channel, 16 bits, alpha, a colour profile, many pictures.
GREY, DEEP, CLEAR, PROFILE, ALBUM = 1, 2, 4, 8, 16
TURN = 5  # place in the flags of three bits: how the pictures were turned before they were coded
DIGEST = 6  # bytes of the model's that are kept
LONGEST_NAME = 40  # bytes of the model's name
TILE = 1024  # pixels; larger pictures are coded in tiles of so many a side
MOST_PIXELS = 2**29
MOST_SIDE = 2**20
MOST_NAMES = 2**24  # bytes of the pictures' names


@dataclasses.dataclass(frozen=True)
class Header:
    """What a file says of its pictures; all have one size, quality and kind."""

    height: int
    width: int
    quality: int  # 1..100
    digest: bytes  # the first bytes of the SHA-256 of the model that it was made by
    model: str  # its name, to be told; the digest decides
    grey: bool = False
    deep: bool = False  # 16 bits
    names: tuple[str, ...] = ()  # of many pictures; () = one
    icc: bytes = b""
    turn: int = 0  # 0..7, see `orientation`; height and width are those after it

    @property
    def upright(self) -> tuple[int, int]:
        """(height, width) of the pictures as they are shown."""
        return (self.width, self.height) if self.turn % 2 else (self.height, self.width)

    @property
    def count(self) -> int:
        return len(self.names) or 1

    def tiles(self) -> list[tuple[int, int, int, int]]:
        """(top, left, height, width) of each tile, in pixels, row by row."""
        rows, columns = range(0, self.height, TILE), range(0, self.width, TILE)
        return [(y, x, min(TILE, self.height - y), min(TILE, self.width - x)) for y in rows for x in columns]

    def together(self) -> list[range]:
        """Which pictures are coded together: so many as fill a tile."""
        size = self._at_once
        return [range(start, min(start + size, self.count)) for start in range(0, self.count, size)]

    @property
    def chunks(self) -> int:
        """How many chunks of symbols follow: for each of `together`, all `tiles`."""
        tiles = -(-self.height // TILE) * -(-self.width // TILE)
        return tiles * -(-self.count // self._at_once)

    @property
    def _at_once(self) -> int:
        return max(1, TILE * TILE // (self.height * self.width))


def pack(header: Header, chunks: list[bytes], alpha: np.ndarray | None = None) -> bytes:
    """The file's bytes. `alpha` (pictures, h, w), of the header's depth, is kept without loss."""
    flags = GREY * header.grey | DEEP * header.deep | CLEAR * (alpha is not None)
    flags |= PROFILE * bool(header.icc) | ALBUM * bool(header.names) | header.turn << TURN
    name = header.model.encode()[:LONGEST_NAME]
    data = MAGIC + bytes([VERSION, flags, header.quality]) + header.digest + _number(len(name)) + name
    data += _number(header.height) + _number(header.width)
    if header.names:
        names = "\0".join(header.names).encode(errors="surrogateescape")
        data += _number(len(header.names)) + _block(zlib.compress(names, 9))
    if header.icc:
        data += _block(zlib.compress(header.icc, 9))
    if alpha is not None:
        data += _block(zlib.compress(_risen(alpha).tobytes(), 9))
    data += b"".join(_block(chunk) for chunk in chunks)
    return data + zlib.crc32(data).to_bytes(4, "little")


def unpack(data: bytes) -> tuple[Header, list[bytes], np.ndarray | None]:
    """The header, the chunks and the alphas of a file; a `Mistake` for anything else. Nothing large is made first."""
    if data[: len(MAGIC)] != MAGIC:
        raise Mistake("this is no file of diabolo compress", got=f"{data[:4]!r}...", allowed="*.dbl")
    if len(data) < 20 or zlib.crc32(data[:-4]).to_bytes(4, "little") != data[-4:]:
        raise Mistake("the file was cut short, or changed after it was written", got=f"{len(data)} bytes")
    if data[3] != VERSION:
        raise Mistake(
            "the file is of a newer kind",
            got=f"version {data[3]}",
            allowed=str(VERSION),
            remedy="pip install -U diabolo",
        )
    read = _Read(data[:-4], 6)
    flags, quality, digest = data[4], data[5], read.take(DIGEST)
    name = read.take(read.number(LONGEST_NAME)).decode(errors="replace")
    height, width = read.number(MOST_SIDE), read.number(MOST_SIDE)
    count = read.number(2**24) if flags & ALBUM else 1
    if not (1 <= quality <= 100 and height and width and count and height * width * count <= MOST_PIXELS):
        raise _damaged(f"{count} pictures of {height} x {width} at quality {quality}")
    names = _names(read.inflated(MOST_NAMES), count) if flags & ALBUM else ()
    icc = read.inflated(2**24) if flags & PROFILE else b""
    grey, deep = bool(flags & GREY), bool(flags & DEEP)
    header = Header(height, width, quality, digest, name, grey, deep, names, icc, flags >> TURN)
    clear = read.packed() if flags & CLEAR else None
    if header.chunks > len(data):  # before a list of so many is made
        raise _damaged(f"{header.chunks} chunks in {len(data)} bytes")
    chunks = [read.packed() for _ in range(header.chunks)]
    read.close()
    return header, chunks, None if clear is None else _alpha(clear, header)


def _names(data: bytes, count: int) -> tuple[str, ...]:
    if data.count(b"\0") != count - 1:  # before a list of so many is made
        raise _damaged("other names than pictures")
    return tuple(data.decode(errors="surrogateescape").split("\0"))  # as the system's names are decoded


def _alpha(packed: bytes, header: Header) -> np.ndarray:
    kind = np.dtype("<u2" if header.deep else "u1")
    shape = (header.count, header.height, header.width)
    size = int(np.prod(shape)) * kind.itemsize
    plain = _inflated(packed, size)
    if len(plain) != size:
        raise _damaged("transparency of another size")
    risen = np.frombuffer(plain, kind).reshape(shape)
    return np.cumsum(risen, 1, dtype=kind).astype(kind.newbyteorder("="), copy=False)


def _risen(alpha: np.ndarray) -> np.ndarray:
    """Each row less the one above, modulo the depth: mostly zeros, which deflate well."""
    wide = alpha.astype("<u2" if alpha.dtype == np.uint16 else "u1")
    return np.diff(wide, axis=1, prepend=np.zeros_like(wide[:, :1]))


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _block(data: bytes) -> bytes:
    return _number(len(data)) + data


def _inflated(data: bytes, most: int) -> bytes:
    """What zlib had made smaller, if it is no more than `most` bytes."""
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise _damaged("a block that zlib cannot read") from error
    if len(plain) > most or not stream.eof or stream.unused_data:
        raise _damaged("a block of another size")
    return plain


class _Read:
    """Goes through bytes, and refuses to go past their end."""

    def __init__(self, data: bytes, place: int) -> None:
        self.data, self.place = data, place

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.place:
            raise _damaged(f"{size} bytes wanted, {len(self.data) - self.place} left")
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, most: int) -> int:
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if value > most or shift > 35:
                raise _damaged(f"a number above {most}")
            if byte < 128:
                return value

    def packed(self) -> bytes:
        return self.take(self.number(len(self.data)))

    def inflated(self, most: int) -> bytes:
        return _inflated(self.packed(), most)

    def close(self) -> None:
        if self.place != len(self.data):
            raise _damaged(f"{len(self.data) - self.place} bytes too many")


def _damaged(got: str) -> Mistake:
    return Mistake("the file is damaged", got=got)
