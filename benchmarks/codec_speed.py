"""How long `Compressor` takes for a photo of Kodak and where the time goes, and the memory that large pictures take.

CPU-seconds at one thread and seconds at two, the median over PHOTOS photos at quality QUALITY; the share of entropy
coding is what the coder takes of them, symbols sorted by their tables counted. Memory: the peak (VmHWM) of a fresh
process that runs `diabolo compress IN -o OUT` or `diabolo decompress OUT -o PNG` on colour pictures of so many
megapixels, everything that is imported counted.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._processes import measured
from benchmarks._restoring import Done, arguments, keep, photos
from benchmarks._result import Gate

PHOTOS = 6
QUALITY = 40
MEGAPIXELS = (1, 6, 24, 50)
MOST = 2048.0  # MiB at the largest
SECONDS = 0.6  # of the CPU, each way, at one thread


def run() -> None:
    parser = arguments(__doc__, "model")
    parser.add_argument("--memory", nargs="*", type=int, default=list(MEGAPIXELS), metavar="MP", help="sizes [all]")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for k, photo in enumerate(photos("kodak", given.pictures or PHOTOS)):
            np.save(Path(folder) / f"{k}.npy", photo)
        chosen = [given.model] if given.model else []
        one, two = (measured("codec_parts", folder, QUALITY, *chosen, threads=n) for n in (1, 2))
    figures = [
        {
            "what": f"{way} a photo of Kodak",
            "CPU-s, one thread": one[way]["cpu"],
            "s, two threads": two[way]["wall"],
            "share of entropy coding, %": round(100 * one[way]["coding"]),
            "peak memory, MiB": "",
        }
        for way in ("encode", "decode")
    ]
    gates = [Gate(f"CPU-seconds to {way} a photo", one[way]["cpu"], SECONDS) for way in ("encode", "decode")]
    for size in given.memory:
        peaks = memory(size, given.model)
        figures += [
            dict.fromkeys(figures[0], "") | {"what": f"{verb}, {size} megapixels", "peak memory, MiB": mib}
            for verb, mib in peaks.items()
        ]
        if size == 50:
            gates += [Gate(f"peak memory to {verb} 50 megapixels, MiB", mib, MOST) for verb, mib in peaks.items()]
    keep("codec_speed", figures, gates, [Done([], [], [], {})], given.pictures)


def memory(megapixels: int, model: str | None) -> dict[str, Any]:
    """MiB of a fresh process that compresses a colour picture of that size, 3 to 2, and of one that decompresses it."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    photo = photos("kodak", 1)[0]
    tiled = np.tile(photo, (height // 512 + 1, height * 3 // 2 // 768 + 1, 1))[:height, : height * 3 // 2]
    chosen = ["-m", model] if model else []
    with tempfile.TemporaryDirectory() as folder:
        source, small, out = (Path(folder) / name for name in ("in.png", "small.dbl", "out.png"))
        Image.fromarray(tiled).save(source, compress_level=1)
        return {
            verb: measured("commanded", verb, a, "-o", b, *chosen, threads=1)["peak_mib"]
            for verb, a, b in (("compress", source, small), ("decompress", small, out))
        }


if __name__ == "__main__":
    run()
