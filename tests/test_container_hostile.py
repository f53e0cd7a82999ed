"""Files of compressed pictures that somebody has forged: a few bytes that ask for much, each with a right sum."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from diabolo.tasks.compress.container import ALBUM, CLEAR, DEEP, MOST_NAMES, MOST_SIDE, PROFILE


def number(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value % 128 + 128]) + number(value // 128)


def block(data: bytes, deflated: bool = True) -> bytes:
    data = zlib.compress(data, 1) if deflated else data
    return number(len(data)) + data


def forged(
    flags: int, *parts: bytes, size: tuple[int, int] = (40, 56), quality: int = 50, name: bytes = b"own"
) -> bytes:
    """A file with a right sum, whatever it tells."""
    sides = b"".join(map(number, size))
    data = b"dbl\x01" + bytes([flags, quality]) + bytes(6) + block(name, False) + sides + b"".join(parts)
    return data + zlib.crc32(data).to_bytes(4, "little")


CHUNK, TWO = block(b"1234", False), number(2)
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "quality 0": (lambda: forged(0, CHUNK, quality=0), "at quality 0"),
    "quality 255": (lambda: forged(0, CHUNK, quality=255), "at quality 255"),
    "no height": (lambda: forged(0, CHUNK, size=(0, 5)), "1 pictures of 0 x 5"),
    "a huge side": (lambda: forged(0, CHUNK, size=(MOST_SIDE + 1, 1)), "a number above"),
    "huge sides": (lambda: forged(0, CHUNK, size=(MOST_SIDE, MOST_SIDE)), "damaged"),
    "the most pixels": (lambda: forged(0, CHUNK, size=(MOST_SIDE, 512)), "1024 chunks in"),
    "a number without end": (lambda: forged(0, b"\x80" * 50), "number above|bytes wanted"),
    "a long name": (lambda: forged(0, CHUNK, name=b"n" * 41), "a number above 40"),
    "no pictures": (lambda: forged(ALBUM, number(0), block(b""), CHUNK), "0 pictures"),
    "very many pictures": (lambda: forged(ALBUM, number(2**24), block(b""), CHUNK, size=(1, 1)), "other names"),
    "too many pictures": (lambda: forged(ALBUM, number(2**40), CHUNK), "a number above"),
    "pictures of too many pixels": (lambda: forged(ALBUM, number(2**24), CHUNK), "16777216 pictures"),
    "fewer names": (lambda: forged(ALBUM, TWO, block(b"a"), CHUNK), "other names than pictures"),
    "more names": (lambda: forged(ALBUM, TWO, block(b"a\0b\0c"), CHUNK), "other names than pictures"),
    "very many names": (lambda: forged(ALBUM, TWO, block(bytes(MOST_NAMES - 1)), CHUNK), "other names than pictures"),
    "names beyond the most": (lambda: forged(ALBUM, TWO, block(bytes(2**26)), CHUNK), "a block of another size"),
    "names that do not inflate": (lambda: forged(ALBUM, TWO, block(b"123456", False), CHUNK), "zlib cannot read"),
    "names cut short": (
        lambda: forged(ALBUM, TWO, block(zlib.compress(b"a\0b")[:-3], False), CHUNK),
        "another size",
    ),
    "a profile that swells": (lambda: forged(PROFILE, block(bytes(2**28)), CHUNK), "a block of another size"),
    "an alpha that swells": (lambda: forged(CLEAR, block(bytes(2**26)), CHUNK), "a block of another size"),
    "an alpha too small": (lambda: forged(CLEAR, block(bytes(40 * 56 - 1)), CHUNK), "transparency of another size"),
    "half of an alpha": (lambda: forged(CLEAR | DEEP, block(bytes(40 * 56)), CHUNK), "transparency of another size"),
    "an odd alpha": (
        lambda: forged(CLEAR | DEEP, block(bytes(2 * 40 * 56 - 1)), CHUNK),
        "transparency of another size",
    ),
    "more behind an alpha": (
        lambda: forged(CLEAR, block(zlib.compress(bytes(40 * 56)) + b"more", False), CHUNK),
        "a block of another size",
    ),
    "a chunk too few": (lambda: forged(0, CHUNK, size=(40, 2000)), "bytes wanted"),
    "a chunk too many": (lambda: forged(0, CHUNK, CHUNK), "5 bytes too many"),
    "a chunk longer than the file": (lambda: forged(0, number(400), b"1234"), "a number above|bytes wanted"),
}

READER = """
import json, time
from pathlib import Path
from diabolo.errors import Mistake
from diabolo.tasks.compress.container import unpack

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

for path in sorted(Path(".").glob("*.dbl")):
    data = path.read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak from now on
    before, began = peak(), time.process_time()
    try:
        unpack(data)
        said = "read"
    except Mistake as mistake:
        said = str(mistake)
    except Exception as error:
        said = repr(error)
    print(json.dumps([path.stem, said, peak() - before, time.process_time() - began]))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, float, float]]:
    """What a process of its own says to each hostile file, the kibibytes it took more, and the seconds."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory is read from /proc")
    place = tmp_path_factory.mktemp("hostile")
    for name, (make, _) in HOSTILE.items():
        (place / f"{name}.dbl").write_bytes(make())
    run = subprocess.run([sys.executable, "-c", READER], cwd=place, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-500:]
    return {name: (said, peak, seconds) for name, said, peak, seconds in map(json.loads, run.stdout.splitlines())}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_takes_a_line_and_little_else(name: str, answers: dict[str, tuple[str, float, float]]) -> None:
    said, kibibytes, seconds = answers[name]
    assert re.search(HOSTILE[name][1], said)
    assert "\n" not in said
    assert kibibytes < 150_000
    assert seconds < 2
