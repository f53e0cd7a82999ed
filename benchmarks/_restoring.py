"""What the benchmarks of restoring share: pictures, noise, the methods in processes of their own, and the scores.

Pictures are (h, w) or (h, w, 3); noisy ones floats, 0..1 and not clipped, all others uint8. The k-th file in the order
of names, counted from 0, gets its noise from `default_rng(1000 + k)`, white and the same in every channel, and its mask
from `default_rng(k)`. Every method works with one thread. Parameters of the others' methods are chosen on pictures of
BSDS500 or Train400, which no score is taken on.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks import _result
from benchmarks._processes import HERE, measured, peer
from benchmarks._result import Gate
from diabolo import metrics

OURS = ("denoise", "inpaint", "deblock")
SIGMAS = (15, 25, 50)
# Mean PSNR, dB, from the papers: BM3D (Dabov 2007) and DnCNN as in Zhang 2017, DRUNet as in Zhang 2021.
PUBLISHED = {
    "BM3D": {"set12": (32.37, 29.97, 26.72), "bsd68": (31.07, 28.57, 25.62)},
    "DnCNN": {"set12": (32.86, 30.44, 27.18), "bsd68": (31.73, 29.23, 26.23)},
    "DRUNet": {"set12": (33.25, 30.94, 27.90), "bsd68": (31.91, 29.48, 26.59)},
}


@dataclasses.dataclass(frozen=True)
class Done:
    """What a method made of the pictures, in their order, and its CPU-seconds for each."""

    pictures: list[np.ndarray]
    seconds: list[float]
    bounds: list[np.ndarray]
    version: dict[str, str]


def arguments(about: str, *models: str) -> argparse.ArgumentParser:
    """A parser with the flags all of them take: `--pictures`, and a flag with a model's file for each of `models`."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--pictures", type=int, metavar="N", help="a trial on the first N of each set; keeps no result")
    for name in models:
        parser.add_argument(f"--{name}", metavar="FILE", help="a model to measure in place of the starter")
    return parser


def keep(
    name: str,
    figures: Sequence[dict[str, Any]],
    gates: Sequence[Gate],
    runs: Iterable[Done],
    trial: int | None,
    **more: Any,
) -> None:
    """Keep the result, with the versions that the runs tell of; a trial's goes to a folder that is thrown away."""
    versions = {package: number for run in runs for package, number in run.version.items()}
    if not trial:
        _result.write(name, figures, gates, versions, threads=1, **more)
        return
    with tempfile.TemporaryDirectory() as folder:
        _result.write(name, figures, gates, versions, folder=Path(folder), threads=1, **more)


def photos(name: str, count: int | None = None, grey: bool = False) -> list[np.ndarray]:
    """The first `count` pictures of a folder below DIABOLO_DATA in the order of their names; `grey` is BT.601's Y."""
    folder = Path(os.environ["DIABOLO_DATA"]) / name
    files = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg"))[:count]
    return [luminance(picture) if grey else picture for picture in (np.asarray(Image.open(path)) for path in files)]


def luminance(picture: np.ndarray) -> np.ndarray:
    """BT.601's Y of an RGB picture, 0..255, rounded; a grey picture as it is."""
    if picture.ndim == 2:
        return picture
    return np.rint(picture @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def centre(picture: np.ndarray, side: int = 256) -> np.ndarray:
    """The square in the middle."""
    top, left = ((size - side) // 2 for size in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def noisy(pictures: Sequence[np.ndarray], sigma: float, places: Sequence[int] | None = None) -> list[np.ndarray]:
    """Pictures with noise, float32; `places` are their numbers in their set where they are not the first ones."""
    made = []
    for k, picture in zip(places or range(len(pictures)), pictures, strict=True):
        drawn = np.random.default_rng(1000 + k).standard_normal(picture.shape)
        made.append((picture / 255 + sigma / 255 * drawn).astype(np.float32))
    return made


def restored(
    method: str, pictures: Sequence[np.ndarray], masks: Sequence[np.ndarray] | None = None, **options: Any
) -> Done:
    """What a method of `_workers/restoring.py` makes of pictures, in a fresh process; ours in this environment."""
    return restored_by_each(method, pictures, masks, [options])[0]


def restored_by_each(
    method: str,
    pictures: Sequence[np.ndarray],
    masks: Sequence[np.ndarray] | None,
    candidates: Sequence[dict[str, Any]],
) -> list[Done]:
    """`restored` with each of several options, in one process."""
    python, count = HERE if method in OURS else peer("classical"), len(pictures)
    arrays = {f"picture-{k}": picture for k, picture in enumerate(pictures)}
    arrays |= {f"mask-{k}": mask for k, mask in enumerate(masks or ())}
    texts = [",".join(f"{name}={value}" for name, value in one.items() if value is not None) for one in candidates]
    made = []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(source, **arrays)
        report = measured("restoring", method, source, out, *(text or "-" for text in texts), python=python, threads=1)
        with np.load(out) as held:
            for start in range(0, count * len(texts), count):
                places = range(start, start + count)
                bounds = [held[f"bounds-{k}"] for k in places if f"bounds-{k}" in held]
                seconds = report["cpu_seconds"][start : start + count]
                made.append(Done([held[f"picture-{k}"] for k in places], seconds, bounds, report["version"]))
    return made


def best(
    method: str,
    candidates: Sequence[dict[str, Any]],
    pictures: Sequence[np.ndarray],
    clean: Sequence[np.ndarray],
    full: float = 1.0,
) -> dict[str, Any]:
    """The candidate options with the greatest mean PSNR; `full` is white in what the method gives back."""
    made = restored_by_each(method, pictures, None, candidates)
    quality = [np.mean([psnr(a, b, full) for a, b in zip(done.pictures, clean, strict=True)]) for done in made]
    return candidates[int(np.argmax(quality))]


def psnr(result: np.ndarray, truth: np.ndarray, full: float = 1.0, where: np.ndarray | None = None) -> float:
    """Decibels, of a result clipped to 0..`full`, against uint8; over all pixels, or those of `where` (h, w)."""
    error = np.square(unit(result, full) - truth / 255.0)
    return float(-10 * np.log10((error if where is None else error[where]).mean()))


def ssim(result: np.ndarray, truth: np.ndarray, full: float = 1.0) -> float:
    """Structural similarity (Wang et al. 2004), mean over the channels, of a result clipped to 0..`full`."""
    return float(metrics.ssim(*(_batch(values) for values in (unit(result, full), truth / 255.0))))


def unit(result: np.ndarray, full: float = 1.0) -> np.ndarray:
    """A result clipped to 0..`full`, on the scale 0..1."""
    return np.clip(result.astype(np.float64) / full, 0, 1)


def scores(results: Sequence[np.ndarray], truths: Sequence[np.ndarray], full: float = 1.0) -> tuple[float, float]:
    """Mean PSNR and mean SSIM."""
    pairs = list(zip(results, truths, strict=True))
    return float(np.mean([psnr(*pair, full) for pair in pairs])), float(np.mean([ssim(*pair, full) for pair in pairs]))


def both(score: tuple[float, float]) -> str:
    """PSNR and SSIM as one cell."""
    return f"{score[0]:.2f} / {score[1]:.3f}"


def _batch(picture: np.ndarray) -> torch.Tensor:
    planes = picture if picture.ndim == 3 else picture[..., None]
    return torch.from_numpy(np.ascontiguousarray(planes)).permute(2, 0, 1)[None]
