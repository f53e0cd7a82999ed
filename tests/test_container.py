"""The file `*.dbl`: nothing but whole files is read, whatever the bytes, and what was written once is read for ever.

`data/codec-v1.*` are a model, a file and its pixels. They were made, with `tests` on the path, by:

    import numpy as np
    from PIL import Image
    from skimage.data import astronaut
    from tiny_codec import tiny_codec
    from diabolo import artifact
    from diabolo.tasks.compress import Compressor

    artifact.save(tiny_codec(architecture__side=4), "codec-v1.diabolo", half=True)
    codec = Compressor("codec-v1.diabolo", quality=60, effort=9, exact=True)
    clear = np.add.outer(np.arange(40), 3 * np.arange(56)).astype(np.uint8)
    data = codec.compress(np.dstack([astronaut()[90:130, 190:246], clear]))
    open("codec-v1.dbl", "wb").write(data)
    Image.fromarray(codec.decompress(data)).save("codec-v1.png")
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage.data import astronaut
from tiny_codec import tiny_codec

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.pixels import read_picture
from diabolo.tasks.compress import Compressor, container
from diabolo.tasks.compress.container import Header, pack, unpack

DATA = Path(__file__).parent / "data"
MODEL = tiny_codec()
SMALL = Compressor(MODEL, quality=30).compress(astronaut()[100:108, 180:190])


def sealed(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


def refusal(data: bytes) -> str:
    """The one line that answers bytes that are no file."""
    with pytest.raises(Mistake) as caught:
        unpack(data)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 2000
    return line


def test_the_first_files_are_read_for_ever() -> None:
    codec = Compressor(artifact.load(DATA / "codec-v1.diabolo"), exact=True)
    data = (DATA / "codec-v1.dbl").read_bytes()
    kept = read_picture(DATA / "codec-v1.png")
    found = codec.decompress(data)
    np.testing.assert_array_equal(found[..., :3], kept.values)
    np.testing.assert_array_equal(found[..., 3], kept.alpha)
    np.testing.assert_array_equal(codec.decompress(data, (7, 20, 12, 33)), found[7:19, 20:53])
    assert np.abs(Compressor(codec.model).decompress(data).astype(int) - found).max() <= 1
    assert unpack(data)[0].quality == 60


LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
NAMES = st.lists(st.text(LETTERS, max_size=12), max_size=4).map(tuple)


@given(
    data=st.data(),
    size=st.tuples(st.integers(1, 9), st.integers(1, 40)),
    quality=st.integers(1, 100),
    kind=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    names=NAMES,
    more=st.tuples(st.binary(max_size=40), st.text("abcä雪", max_size=60), st.integers(0, 7)),
)
def test_a_header_comes_back(
    data: Any, size: tuple[int, int], quality: int, kind: tuple[bool, bool, bool], names: tuple[str, ...], more: Any
) -> None:
    (grey, deep, clear), (icc, model, turn) = kind, more
    header = Header(*size, quality, b"\0\xff23\n5", model, grey, deep, names, icc, turn)
    chunks = data.draw(st.lists(st.binary(max_size=300), min_size=header.chunks, max_size=header.chunks))
    whole = np.uint16 if deep else np.uint8
    alpha = np.random.default_rng(quality).integers(0, 2**8, (header.count, *size), whole) if clear else None
    written = pack(header, chunks, alpha)
    again, parts, transparency = unpack(written)
    cut = model.encode()[: container.LONGEST_NAME].decode(errors="replace")
    assert again == Header(*size, quality, b"\0\xff23\n5", cut, grey, deep, names, icc, turn)
    assert parts == chunks
    assert (transparency is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(transparency, alpha)
        assert transparency.dtype == alpha.dtype
    for length in range(len(written)):
        refusal(written[:length])


def test_tiles_and_groups_cover_every_picture_once() -> None:
    for height, width, count in [(1, 1, 1), (1024, 1024, 3), (1025, 2049, 2), (300, 300, 25), (1, 2**20, 2)]:
        header = Header(height, width, 50, bytes(6), "", names=("n",) * count)
        assert header.chunks == len(header.tiles()) * len(header.together())
        assert sum(h * w for _, _, h, w in header.tiles()) == height * width
        assert [i for group in header.together() for i in group] == list(range(count))
        for top, left, h, w in header.tiles():
            assert top % 1024 == left % 1024 == 0
            assert 1 <= h <= 1024
            assert 1 <= w <= 1024


def test_every_flipped_bit_shows() -> None:
    for place in range(len(SMALL)):
        for bit in range(8):
            changed = bytearray(SMALL)
            changed[place] ^= 1 << bit
            with pytest.raises(Mistake):
                Compressor(MODEL).decompress(bytes(changed))


@given(place=st.integers(0, len(SMALL)), piece=st.binary(max_size=30), cut=st.integers(0, 30))
def test_other_bytes_are_refused(place: int, piece: bytes, cut: int) -> None:
    changed = SMALL[:place] + piece + SMALL[place + cut :]
    if changed != SMALL:
        refusal(changed)
        with pytest.raises(Mistake):
            Compressor(MODEL).decompress(changed)


@settings(max_examples=150)
@given(
    changes=st.lists(st.tuples(st.integers(3, 60), st.binary(max_size=6), st.integers(0, 6)), min_size=1, max_size=3)
)
@example(changes=[(4, b"\xff", 1)])
@example(changes=[(17, b"\x80\x80\x80\x80\x80\x80", 0)])
def test_forged_bytes_are_refused_or_a_picture(changes: list[tuple[int, bytes, int]]) -> None:
    """Bytes with a right sum: one line, or a picture of the size they tell of."""
    data = SMALL[:-4]
    for place, piece, cut in changes:
        data = data[:place] + piece + data[place + cut :]
    line = ""
    try:
        header, _, _ = unpack(sealed(data))
        if header.height * header.width * header.count < 10_000:
            shape = Compressor(MODEL).decompress(sealed(data)).shape
            upright = (header.height, header.width) if header.turn % 2 == 0 else (header.width, header.height)
            assert shape[bool(header.names) :][:2] == upright
    except Mistake as mistake:
        line = str(mistake)
    assert "\n" not in line


@pytest.mark.parametrize("grey", [False, True])
def test_any_bytes_for_symbols(grey: bool) -> None:
    """Nearly all are refused: it takes luck to end where the bytes do."""
    header, (chunk,), _ = unpack(Compressor(MODEL, quality=30).compress(astronaut()[:24, :30, 1 if grey else slice(3)]))
    generator, refused = np.random.default_rng(0), 0
    sizes = [0, 1, 3, 4, 7, 8, *(4 * int(n) for n in generator.integers(2, len(chunk) // 2, 60))]
    for size in sizes:
        try:
            found = Compressor(MODEL).decompress(pack(header, [generator.bytes(size)]))
            assert found.shape[:2] == (24, 30)
        except Mistake:
            refused += 1
    assert refused > 0.9 * len(sizes)
    for other in (chunk + bytes(4), chunk + b"\1\0\0\0", chunk[:-4], chunk[4:], b"\1\0\0\0" + chunk):
        with pytest.raises(Mistake, match="symbols do not end"):
            Compressor(MODEL).decompress(pack(header, [other]))
