"""Files of the 24 Kodak photos by the learned codec, beside JPEG, JPEG 2000, WebP, AVIF and JPEG XL: BD-rates and time.

BD-rate: how much larger (+) or smaller (-) files are than Pillow's JPEG (4:2:0, optimised) at equal quality, from the
average photo's curves over the qualities that both have. PSNR is that of 8-bit R, G and B, MS-SSIM the mean of the
three channels in dB. Sizes are those of whole files on disk. JPEG 2000 is irreversible, WebP has method 6, AVIF speed 6
and 4:4:4, all by Pillow; JPEG XL has effort 7, by imagecodecs. Seconds are those of an average photo at the setting
nearest to TYPICAL bits per pixel: of the CPU at one thread, of the wall at two. Published curves are CompressAI's, in
`kodak-rd/` beside the photos. `--pictures 24` is the whole benchmark, but keeps no result.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import _rates
from benchmarks._processes import HERE, measured, peer
from benchmarks._rates import Curve, Point
from benchmarks._restoring import Done, arguments, keep, photos
from benchmarks._result import Gate

OURS = "diabolo"
TYPICAL = 0.5  # bits per pixel
SECONDS = 0.6  # of the CPU, to encode and to decode one photo at the least effort
FORETOLD, BESIDE = 0.005, 24  # a file's greatest distance from its estimate: this share of it, and these bytes


@dataclasses.dataclass(frozen=True)
class Codec:
    """How a codec of `_workers/codecs.py` is run: the option that sets the rate, and its values, about 0.1 to 2 bpp."""

    label: str
    worker: str
    option: str
    settings: tuple[float, ...]
    digits: int = 0  # after the point, that a setting can have
    fixed: str = ""  # options that stay
    peer: str | None = None  # the environment it runs in, if not this one


JPEG = Codec("JPEG", "jpeg", "quality", (5, 7, 10, 15, 20, 30, 40, 50, 60, 70, 80, 87, 91))
OTHERS = {
    codec.worker: codec
    for codec in (
        Codec("JPEG 2000", "jpeg-2000", "ratio", (240, 160, 120, 80, 60, 40, 30, 22, 16, 12), digits=2),
        Codec("WebP", "webp", "quality", (0, 5, 12, 22, 35, 50, 65, 76, 84, 90), digits=2),
        Codec("AVIF", "avif", "quality", (8, 14, 21, 30, 39, 48, 57, 66, 75, 82)),
        Codec(
            "JPEG XL", "jpeg-xl", "distance", (25, 18, 13, 9, 6.5, 4.7, 3.4, 2.4, 1.6, 1, 0.7), digits=2, peer="jpegxl"
        ),
    )
}
QUALITIES = (1, 8, 16, 24, 32, 40, 48, 57, 66)  # ours
# The file of a published curve, and its BD-rate in PSNR for where the file is not at hand.
PUBLISHED = {
    "hyperprior (Ballé et al. 2018)": ("compressai-bmshj2018-hyperprior_mse_cuda", -52.3),
    "mbt2018-mean (Minnen et al. 2018)": ("compressai-mbt2018-mean_mse_cuda", -55.7),
    "cheng2020-anchor (Cheng et al. 2020)": ("compressai-cheng2020-anchor_mse_cuda", -62.9),
    "VTM (H.266)": ("vtm", -66.1),
}
MUST_BEAT = ("WebP", "JPEG 2000", "AVIF", *list(PUBLISHED)[:2])
COLUMNS = ("encode, CPU-s", "decode, CPU-s", "encode, s at two threads", "decode, s at two threads")


@dataclasses.dataclass(frozen=True)
class File:
    """What a codec made of a photo at one setting: what is read back, and the figures that its worker tells."""

    setting: float
    photo: int
    picture: np.ndarray
    told: dict[str, float]


def run() -> None:
    parser = arguments(__doc__, "model")
    parser.add_argument("--plot", metavar="FILE", help="draw the curves of the average photo")
    chosen = with_codecs(parser).parse_args()
    kodak = photos("kodak", chosen.pictures)
    points: dict[str, list[Point]] = {}
    seconds: dict[str, list[float]] = {}
    versions: dict[str, str] = {}
    for codec in (JPEG, *codecs(chosen)):
        points[codec.label], seconds[codec.label], version = measure(codec, kodak)
        versions |= version
    curves = {name: {m: _rates.curve(those, m) for m in _rates.MEASURES} for name, those in points.items()}
    told = published()
    found = {name: rates(curves["JPEG"], name, held) for name, held in (curves | told).items()}
    figures = [row(name, found[name], seconds[name]) for name in curves]
    figures += [row(f"{name}, published curve", found[name]) for name in told]
    if chosen.plot:
        drawn = curves | {f"{name}, published": held for name, held in told.items() if held}
        _rates.draw(drawn, set(drawn) - set(curves), Path(chosen.plot))
    made = gates(points, {name: each["psnr"] for name, each in found.items()})
    keep("codec", figures, made, [Done([], [], [], versions)], chosen.pictures, **more(points, curves | told))


def with_codecs(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with the flags that `codecs` reads, but for `--model`."""
    every = ["ours", *OTHERS]
    parser.add_argument("--codecs", nargs="*", choices=every, default=every, help="beside JPEG [all]")
    about = "of ours; the first has to keep the promises [1,9]"
    parser.add_argument("--efforts", type=numbers, default=[1, 9], metavar="N,N", help=about)
    return parser


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def codecs(chosen: argparse.Namespace) -> list[Codec]:
    """The chosen codecs beside JPEG, ours last."""
    own = [ours(effort, chosen.model) for effort in chosen.efforts] if "ours" in chosen.codecs else []
    return [codec for name, codec in OTHERS.items() if name in chosen.codecs] + own


def ours(effort: int, model: str | None) -> Codec:
    fixed = f"effort={effort}" + (f",model={model}" if model else "")
    return Codec(f"{OURS}, effort {effort}", "ours", "quality", QUALITIES, fixed=fixed)


def coded(
    codec: Codec, pictures: Sequence[np.ndarray], settings: Sequence[float], threads: int = 1
) -> tuple[list[File], dict[str, str]]:
    """The files of all pictures at each setting in turn, made and read in a fresh process; and the codec's version."""
    texts = [",".join(filter(None, (f"{codec.option}={setting:g}", codec.fixed))) for setting in settings]
    python = peer(codec.peer) if codec.peer else HERE
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for k, picture in enumerate(pictures):
            np.save(folder / f"photo-{k}.npy", picture)
        version = measured("codecs", codec.worker, folder, *texts, python=python, threads=threads)["version"]
        told = json.loads((folder / "files.json").read_text(encoding="utf-8"))
        places = [(s, k) for s in range(len(settings)) for k in range(len(pictures))]
        files = [
            File(settings[s], k, np.load(folder / f"picture-{s}-{k}.npy"), figures)
            for (s, k), figures in zip(places, told, strict=True)
        ]
    return files, version


def measure(codec: Codec, pictures: Sequence[np.ndarray]) -> tuple[list[Point], list[float], dict[str, str]]:
    """All points, the seconds of COLUMNS, and the codec's version."""
    files, version = coded(codec, pictures, codec.settings)
    points = [point(file, pictures[file.photo]) for file in files]
    groups = _rates.by_setting(points)
    usual = min(groups, key=lambda setting: abs(np.mean([p.rate for p in groups[setting]]) - TYPICAL))
    again, _ = coded(codec, pictures, [usual], threads=2)
    seconds = [[p.encode for p in groups[usual]], [p.decode for p in groups[usual]]]
    seconds += [[file.told[what] for file in again] for what in ("encode_wall", "decode_wall")]
    return points, [float(np.mean(of)) for of in seconds], version


def point(file: File, photo: np.ndarray) -> Point:
    told: dict[str, Any] = {name: file.told[name] for name in ("bytes", "encode", "decode", "estimate")}
    told |= _rates.quality(file.picture, photo)
    return Point(file.setting, file.photo, photo.shape[0] * photo.shape[1], **told)


def published() -> dict[str, dict[str, Curve]]:
    """Published curves by name and measure; empty where the file is not at hand."""
    folder = Path(os.environ["DIABOLO_DATA"]) / "kodak-rd"
    files = {name: folder / f"{stem}.json" for name, (stem, _) in PUBLISHED.items()}
    return {name: _rates.published(file) if file.exists() else {} for name, file in files.items()}


def rates(anchor: Mapping[str, Curve], name: str, held: Mapping[str, Curve]) -> dict[str, float]:
    """BD-rates by measure; of a curve that is not at hand, the one that is known."""
    if not held:
        return {"psnr": PUBLISHED[name][1]}
    return {measure: _rates.bd_rate(anchor[measure], curve) for measure, curve in held.items()}


def row(name: str, found: Mapping[str, float], seconds: Sequence[float] = ()) -> dict[str, Any]:
    cells = {f"BD-rate in {title}, %": f"{found[m]:+.1f}" if m in found else "" for m, title in _rates.MEASURES.items()}
    return (
        {"codec": name} | cells | (dict(zip(COLUMNS, seconds, strict=True)) if seconds else dict.fromkeys(COLUMNS, ""))
    )


def gates(points: Mapping[str, Sequence[Point]], found: Mapping[str, float]) -> list[Gate]:
    """What is promised of ours at its first effort, by points and BD-rates by codec; nothing where it was not run."""
    name = next((name for name in points if name.startswith(OURS)), None)
    if name is None:
        return []
    beaten = [other for other in MUST_BEAT if other in found]
    made = [Gate(f"BD-rate in PSNR, beside {other}, %", found[name], found[other]) for other in beaten]
    for what in ("encode", "decode"):
        slowest = max(np.mean([getattr(p, what) for p in group]) for group in _rates.by_setting(points[name]).values())
        made.append(Gate(f"CPU-seconds to {what} a photo at the slowest setting", float(slowest), SECONDS))
    apart = [abs(p.bytes - p.estimate) / (FORETOLD * p.estimate + BESIDE) for p in points[name] if p.estimate]
    return [*made, Gate("bytes from the estimate, in units of 0.5 % + 24", max(apart), 1.0)] if apart else made


def more(points: Mapping[str, Sequence[Point]], curves: Mapping[str, Mapping[str, Curve]]) -> dict[str, Any]:
    """What a result keeps beside its table: other ways to compare, and all points.

    The mean of the photos' own BD-rates; the range that each BD-rate is taken over, dB, since a low end, where JPEG
    fails, flatters; and the BD-rate in PSNR of ours over each other curve in the place of JPEG's.
    """
    anchor = points["JPEG"]
    ranges = {
        name: {m: [round(end, 2) for end in _rates.overlap(curves["JPEG"][m], curve)] for m, curve in held.items()}
        for name, held in curves.items()
    }
    return {
        "mean_of_photos": {
            name: {measure: _rates.mean_of_photos(anchor, those, measure) for measure in _rates.MEASURES}
            for name, those in points.items()
        },
        "ranges": ranges,
        "ours_over": {
            name: {other: _rates.bd_rate(held["psnr"], curves[name]["psnr"]) for other, held in curves.items() if held}
            for name in points
            if name.startswith(OURS)
        },
        "points": _rates.lines(points),
    }


if __name__ == "__main__":
    run()
