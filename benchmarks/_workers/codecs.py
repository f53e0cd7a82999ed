"""Write photos as files by one codec, ours or another's, and read them back: codecs.py CODEC FOLDER OPTIONS ...

FOLDER holds photo-0.npy, photo-1.npy, ..., uint8. With the s-th of the OPTIONS (a=1,b=2), counted from 0, the k-th
photo becomes the file `file-s-k`, and what is read back from that the array `picture-s-k.npy`. FOLDER gets files.json:
for each file, in this order, its size on disk, the bytes that the codec had estimated (0 for none), and the CPU-seconds
and seconds of encoding, from pixels to bytes in memory, and of decoding. The first photo goes through once before each
of the options, cut to 64 x 64 pixels, since a first call prepares what the later ones have. Threads are as many as
OMP_NUM_THREADS says, where the codec can have several.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import Clock, report

Options = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Coder:
    """A codec at one setting."""

    encode: Callable[[np.ndarray], bytes]
    decode: Callable[[bytes], np.ndarray]
    version: dict[str, str]
    estimate: Callable[[], float] = lambda: 0  # bytes of the file that was made last


def ours(options: Options, threads: int) -> Coder:
    """What decodes is made anew: it knows of the file no more than who receives it."""
    import diabolo

    model = options.get("model")
    coder = diabolo.Compressor(model, quality=int(options["quality"]), effort=int(options["effort"]))
    version = {"torch": importlib.metadata.version("torch")}
    return Coder(
        coder.compress,
        diabolo.Compressor(model).decompress,
        version,
        lambda: float(getattr(coder, "estimate_", 0)),
    )


def by_pillow(kind: str, feature: str, library: str, **saving: Any) -> Coder:
    """The format `kind`; `feature` is what Pillow calls the library that has it."""
    from PIL import Image, features

    def encode(photo: np.ndarray) -> bytes:
        file = io.BytesIO()
        Image.fromarray(photo).save(file, kind, **saving)
        return file.getvalue()

    told = features.version_feature(feature) if feature in features.features else features.version(feature)
    version = {"pillow": importlib.metadata.version("pillow"), library: str(told)}
    return Coder(encode, lambda data: np.asarray(Image.open(io.BytesIO(data))), version)


def jpeg(options: Options, threads: int) -> Coder:
    return by_pillow(
        "JPEG", "libjpeg_turbo", "libjpeg-turbo", quality=int(options["quality"]), optimize=True, subsampling=2
    )


def jpeg_2000(options: Options, threads: int) -> Coder:
    """With its colour transform (mct), which Pillow leaves out unless told: files would be twice as large."""
    os.environ["OPJ_NUM_THREADS"] = str(threads)
    chosen = {"quality_mode": "rates", "quality_layers": [float(options["ratio"])]}
    return by_pillow("JPEG2000", "jpg_2000", "openjpeg", irreversible=True, mct=1, **chosen)


def webp(options: Options, threads: int) -> Coder:
    return by_pillow("WEBP", "webp", "libwebp", quality=float(options["quality"]), method=6)


def avif(options: Options, threads: int) -> Coder:
    from PIL import AvifImagePlugin

    AvifImagePlugin.DEFAULT_MAX_THREADS = threads  # of reading
    chosen = {"quality": int(options["quality"]), "speed": 6, "subsampling": "4:4:4", "max_threads": threads}
    return by_pillow("AVIF", "avif", "libavif", **chosen)


def jpeg_xl(options: Options, threads: int) -> Coder:
    import imagecodecs

    distance = float(options["distance"])
    return Coder(
        lambda photo: imagecodecs.jpegxl_encode(photo, distance=distance, effort=7, numthreads=threads),
        lambda data: imagecodecs.jpegxl_decode(data, numthreads=threads),
        {"imagecodecs": imagecodecs.__version__, "libjxl": imagecodecs.jpegxl_version().removeprefix("libjxl ")},
    )


CODECS: dict[str, Callable[[Options, int], Coder]] = {
    "ours": ours,
    "jpeg": jpeg,
    "jpeg-2000": jpeg_2000,
    "webp": webp,
    "avif": avif,
    "jpeg-xl": jpeg_xl,
}


def through(coder: Coder, photo: np.ndarray, file: Path) -> tuple[np.ndarray, dict[str, float]]:
    """What is read back from the file that is made of the photo, and the file's figures."""
    clock = Clock()
    data = coder.encode(photo)
    there = clock.read()
    file.write_bytes(data)
    estimate = coder.estimate()
    held = file.read_bytes()
    clock = Clock()
    picture = coder.decode(held)
    back = clock.read()
    return picture, {
        "bytes": file.stat().st_size,
        "estimate": estimate,
        "encode": there["cpu_seconds"],
        "decode": back["cpu_seconds"],
        "encode_wall": there["seconds"],
        "decode_wall": back["seconds"],
    }


def run(name: str, given: str, *texts: str) -> None:
    folder, threads = Path(given), int(os.environ["OMP_NUM_THREADS"])
    photos = [np.load(folder / f"photo-{k}.npy") for k in range(len(list(folder.glob("photo-*.npy"))))]
    figures: list[dict[str, float]] = []
    version: dict[str, str] = {}
    for s, text in enumerate(texts):
        coder = CODECS[name](dict(option.split("=", 1) for option in text.split(",")), threads)
        version |= coder.version
        coder.decode(coder.encode(np.ascontiguousarray(photos[0][:64, :64])))
        for k, photo in enumerate(photos):
            picture, found = through(coder, photo, folder / f"file-{s}-{k}")
            np.save(folder / f"picture-{s}-{k}.npy", picture)
            figures.append(found)
    (folder / "files.json").write_text(json.dumps(figures), encoding="utf-8")
    report(files=len(figures), bytes=sum(found["bytes"] for found in figures), version=version)


if __name__ == "__main__":
    run(*sys.argv[1:])
