"""A codec of one's own for one kind of picture, beside the starter, JPEG XL (effort 7) and WebP (method 6).

Two sets, of which every tenth picture, in the order of their names, is left out of training and measured: the scans of
MedNIST (64 x 64, grey), all of which share one file of ours, and the good tiles of the magnetic-tile set (grey, a file
each). The others get a file for each picture, and for the scans also one large sheet of them, which saves them their
headers. Bits per image are of whole files on disk, headers and names counted; PSNR is the mean over pictures, and the
rates are the mean at each setting. Own codecs are trained here on one CPU thread by the command that the result tells,
which takes about a quarter of an hour each, unless `--mednist FILE` and `--magnetic-tile FILE` name them.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import _rates
from benchmarks._processes import fit_command, peer
from benchmarks._rates import Curve
from benchmarks._restoring import Done, arguments, keep, psnr
from benchmarks._result import Gate
from diabolo import Compressor
from diabolo.pixels import Picture

SETS = {"mednist": "*/*.jpeg", "magnetic-tile": "MT_Free/Imgs/*.jpg"}
SMALL = {"latent.width": 96, "latent.blocks": 3, "latent.state": 64, "latent.hyper": 16, "precision": "bfloat16"}
TRAINING = {
    "mednist": SMALL | {"epochs": 16, "batch_size": 32, "crop": 0, "validation": 0.03},
    "magnetic-tile": SMALL | {"epochs": 24, "batch_size": 16, "crop": 112, "cuts": 2, "validation": 0.03},
}
QUALITIES = (1, 12, 24, 36, 48, 60, 72)
DISTANCES = (20, 13, 8, 5, 3, 1.8, 1.0, 0.6)
WEBP = (0, 8, 20, 35, 50, 65, 80, 90, 95)


def run() -> None:
    parser = arguments(__doc__, *SETS)
    given = vars(parser.parse_args())
    figures: list[dict[str, Any]] = []
    gates: list[Gate] = []
    commands: dict[str, str] = {}
    for name in SETS:
        learned, held_out = parts(name, given["pictures"])
        pictures = [np.asarray(Image.open(path).convert("L")) for path in held_out]
        chosen = given[name.replace("-", "_")]
        with tempfile.TemporaryDirectory() as folder:
            commands[name] = fit_command("compress", f"{name}/TRAINING", TRAINING[name])
            model = chosen or trained(name, learned, Path(folder))
            curves = measured_curves(name, pictures, model)
        anchor = curves["JPEG XL"]
        for codec, curve in curves.items():
            against = {other: f"{_rates.bd_rate(curves[other], curve):+.1f}" for other in ("JPEG XL", "WebP")}
            figures.append(row(name, len(pictures), codec, curve, against))
        own = _rates.bd_rate(anchor, curves["own codec"])
        gates.append(Gate(f"{name}: own codec beside JPEG XL, %", own, 0.0))
        gates.append(
            Gate(f"{name}: own codec beside WebP, %", _rates.bd_rate(curves["WebP"], curves["own codec"]), 0.0)
        )
        gates.append(
            Gate(
                f"{name}: own codec beside the starter, %", _rates.bd_rate(curves["starter"], curves["own codec"]), 0.0
            )
        )
    keep("codec_own", figures, gates, [Done([], [], [], {})], given["pictures"], commands=commands)


def parts(name: str, count: int | None) -> tuple[list[Path], list[Path]]:
    """The files that are learned from, and the first `count` of those that are measured."""
    files = sorted((Path(os.environ["DIABOLO_DATA"]) / name).glob(SETS[name]))
    return [file for i, file in enumerate(files) if i % 10], files[::10][:count]


def trained(name: str, files: Sequence[Path], folder: Path) -> str:
    pictures = folder / "TRAINING"
    pictures.mkdir()
    for file in files:
        os.symlink(file.resolve(), pictures / f"{file.parent.name}-{file.name}")
    options = [word for key, value in TRAINING[name].items() for word in (f"--{key.replace('_', '-')}", str(value))]
    out = folder / f"{name}.diabolo"
    command = [sys.executable, "-m", "diabolo", "fit", "compress", str(pictures), "-o", str(out), "--half", *options]
    subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    return str(out)


def measured_curves(name: str, pictures: list[np.ndarray], model: str) -> dict[str, Curve]:
    together = name == "mednist"
    curves = {
        "own codec": curve(pictures, QUALITIES, lambda q: ours(pictures, q, model, together)),
        "starter": curve(pictures, QUALITIES, lambda q: ours(pictures, q, None, together)),
        "JPEG XL": curve(pictures, DISTANCES, lambda d: by_peer(pictures, d)),
        "WebP": curve(pictures, WEBP, lambda q: by_webp(pictures, q)),
    }
    if together:
        curves["JPEG XL, one sheet"] = curve(pictures, DISTANCES, lambda d: from_sheet(by_peer([sheet(pictures)], d)))
        curves["WebP, one sheet"] = curve(pictures, WEBP, lambda q: from_sheet(by_webp([sheet(pictures)], q)))
    return curves


Coded = tuple[int, list[np.ndarray]]  # bytes of all files, what they decode to


def curve(pictures: list[np.ndarray], settings: Sequence[float], code: Callable[[Any], Coded]) -> Curve:
    rates, qualities = [], []
    for setting in settings:
        size, decoded = code(setting)
        rates.append(8 * size / len(pictures))
        qualities.append(np.mean([psnr(b, a, 255) for a, b in zip(pictures, decoded, strict=False)]))
    return np.array(rates), np.array(qualities)


def ours(pictures: list[np.ndarray], quality: int, model: str | None, together: bool) -> Coded:
    task, reader = Compressor(model, quality=quality), Compressor(model)
    if together:
        data = task.compress_pictures([Picture(p) for p in pictures], [f"{i:04d}" for i in range(len(pictures))])
        return on_disk(data), list(reader.decompress(data))
    files = [task.compress(picture) for picture in pictures]
    return sum(map(on_disk, files)), [reader.decompress(data) for data in files]


def by_webp(pictures: list[np.ndarray], quality: float) -> Coded:
    size, decoded = 0, []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).convert("RGB").save(file, "WEBP", quality=quality, method=6)
        size += on_disk(file.getvalue())
        decoded.append(np.asarray(Image.open(file).convert("L")))
    return size, decoded


PEER = """
import sys, numpy as np, imagecodecs
with np.load(sys.argv[1]) as held:
    pictures = [held[name] for name in sorted(held.files, key=int)]
size, out = 0, {}
for i, picture in enumerate(pictures):
    data = imagecodecs.jpegxl_encode(picture, distance=float(sys.argv[3]), effort=7, numthreads=1)
    size += len(data)
    out[str(i)] = imagecodecs.jpegxl_decode(data).reshape(picture.shape)
np.savez(sys.argv[2], **out)
print(size)
"""


def by_peer(pictures: list[np.ndarray], distance: float) -> Coded:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(source, **{str(i): picture for i, picture in enumerate(pictures)})
        command = [peer("jpegxl"), "-c", PEER, str(source), str(out), str(distance)]
        size = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        with np.load(out) as held:
            return size, [held[str(i)] for i in range(len(pictures))]


def sheet(pictures: list[np.ndarray]) -> np.ndarray:
    """All pictures of one size on one, twenty beside each other."""
    across = min(20, len(pictures))
    blank = [np.zeros_like(pictures[0])] * (-len(pictures) % across)
    rows = [*pictures, *blank]
    return np.vstack([np.hstack(rows[i : i + across]) for i in range(0, len(rows), across)])


def from_sheet(coded: Coded) -> Coded:
    size, (large,) = coded
    return size, [large[y : y + 64, x : x + 64] for y in range(0, len(large), 64) for x in range(0, large.shape[1], 64)]


def on_disk(data: bytes) -> int:
    """The size of a file of these bytes, read back."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return os.stat(file.name).st_size


def row(name: str, count: int, codec: str, curve: Curve, against: dict[str, str]) -> dict[str, Any]:
    rates, qualities = curve
    order = np.argsort(qualities)
    at = {db: float(np.interp(db, qualities[order], rates[order], np.nan, np.nan)) for db in (32, 38)}
    return (
        {"pictures": f"{name}, {count}", "codec": codec}
        | {f"bits an image at {db} dB": "" if np.isnan(bits) else round(bits) for db, bits in at.items()}
        | {f"BD-rate beside {other}, %": value for other, value in against.items()}
    )


if __name__ == "__main__":
    run()
