"""The noise level found from the noisy picture alone, on Set12 (grey) and Kodak (colour), beside the wavelets'.

White Gaussian noise of `default_rng(1000 + k)` is added to the k-th file in name order: as it is (float), and clipped
and rounded to 8 bits (uint8). Errors are in 8-bit units. Ours is `sigma` where `shot` is 0; else the worst error of the
standard deviation at the 5 %, 50 % and 95 % quantiles of brightness. With a second number, the noise has the variance
sigma^2 + shot^2 x at brightness x, and ours is always judged at those quantiles. The wavelets' is
Donoho and Johnstone's, as in scikit-image: the median size of the finest diagonal db2 coefficients over 0.6745,
averaged over channels. With ARGS=clipping or ARGS=texture nothing is kept: they measure again the constants of
src/diabolo/noise_level.py, on constant images, and on BSDS500 and Train400.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._result import Gate, write
from diabolo import noise_level
from diabolo.noise_level import FLATTEST, NoiseLevel, estimate

SETS = {"Set12": "set12/*.png", "Kodak": "kodak/*.png"}
SIGMAS = (5.0, 10.0, 15.0, 25.0, 35.0, 50.0)
CAMERAS = ((2.0, 10.0), (5.0, 30.0), (8.0, 12.0))
TEXTURED = (*SIGMAS, 3.0)


def run() -> None:
    figures: list[dict[str, Any]] = []
    worst, cases = {}, [(0.0, 0.0), *((sigma, 0.0) for sigma in SIGMAS), *CAMERAS]
    for name, files in SETS.items():
        for kind in ("float", "uint8"):
            for sigma, shot in cases:
                row, errors = measured(files, kind, NoiseLevel(sigma, shot))
                worst[name, kind, sigma, shot] = errors
                figures.append({"pictures": name, "kind": kind, "sigma": sigma, "shot": shot} | row)
    write("noise_level", figures, gates(worst), {}, threads=int(os.environ.get("OMP_NUM_THREADS", "0")))


def gates(errors: dict[tuple[str, str, float, float], np.ndarray]) -> list[Gate]:
    made = []
    for name in SETS:
        for kind in ("float", "uint8"):
            of = np.concatenate([errors[name, kind, sigma, 0.0] for sigma in SIGMAS])
            cameras = np.concatenate([errors[name, kind, *camera] for camera in CAMERAS])
            made += [
                Gate(f"{name}, {kind}: worst error, sigma 5 to 50", float(of.max()), 1.0),
                Gate(f"{name}, {kind}: share within 1.0", float((of <= 1).mean()), 0.95, greatest=False),
                Gate(f"{name}, {kind}: worst error with shot", float(cameras.max()), 1.5),
            ]
        made.append(Gate(f"{name}, clean: most found", float(errors[name, "uint8", 0.0, 0.0].max()), 1.5))
    return made


def measured(files: str, kind: str, level: NoiseLevel) -> tuple[dict[str, float], np.ndarray]:
    ours, theirs, found, seconds = [], [], 0, 0.0
    for k, clean in enumerate(pictures(files)):
        noise = np.random.default_rng(1000 + k).standard_normal(clean.shape)
        noisy = clean + deviation(level, clean) * noise
        image = noisy / 255 if kind == "float" else np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        start = time.process_time()
        answer = estimate(image)
        seconds += time.process_time() - start
        quantiles = np.quantile(clean, (0.05, 0.5, 0.95))
        found += answer.shot > 0
        ours.append(np.abs(deviation(answer, quantiles) - deviation(level, quantiles)).max())
        peer = wavelets(np.atleast_3d(noisy))
        theirs.append(np.abs(peer - deviation(level, quantiles)).max())
    row = {"mean error": np.mean(ours), "worst": np.max(ours), "within 1.0": np.mean(np.array(ours) <= 1)}
    row |= {"shot found": found / len(ours), "CPU-seconds": seconds / len(ours)}
    row |= {"wavelets' mean error": np.mean(theirs), "its worst": np.max(theirs)}
    return {column: round(float(value), 3) for column, value in row.items()}, np.array(ours)


def deviation(level: NoiseLevel, brightness: np.ndarray) -> np.ndarray:
    return np.sqrt(level.sigma**2 + level.shot**2 * brightness / 255)


def wavelets(image: np.ndarray) -> float:
    """Of (h, w, c), without the few coefficients at the edges."""
    root = np.sqrt(3)
    high = np.array([root - 1, 3 - root, -3 - root, 1 + root]) / (4 * np.sqrt(2))  # db2
    for axis in (0, 1):
        image = np.moveaxis(np.lib.stride_tricks.sliding_window_view(image, 4, axis) @ high, axis, 0)[::2]
        image = np.moveaxis(image, 0, axis)
    size = np.abs(image.reshape(-1, image.shape[-1]))
    return float((np.median(size, 0) / 0.6745).mean())


def pictures(files: str, mode: str | None = None) -> Iterator[np.ndarray]:
    """Values 0..255 as float64, in the order of the names."""
    for path in sorted(Path(os.environ["DIABOLO_DATA"]).glob(files)):
        with Image.open(path) as picture:
            yield np.asarray(picture.convert(mode) if mode else picture).astype(np.float64)


def clipping() -> None:
    """Print what clipping leaves of the variance: in theory, and where constant images come out right."""
    draw = np.random.default_rng(0)
    means = np.array([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5])
    images = [np.maximum(mean + draw.standard_normal((800, 800, 1)), 0) for mean in means]
    patches = [noise_level._patches(image, 1.0) for image in images]
    distance, theory = np.array([image.mean() for image in images]), np.array([image.var() for image in images])
    table = theory.copy()
    for _ in range(12):
        for place, found in enumerate(patches):
            left = np.interp(found.mean, [0, *distance], [0, *table])
            table[place] *= noise_level._flattest(found, left, FLATTEST[:1])[0] ** 0.7
    for row in zip(distance, theory, table, strict=True):
        print("mean {:.3f}: theory {:.3f}, constant images {:.3f}".format(*row))


def texture() -> None:
    """Print EXCESS and TREND by least absolute errors; more than 2 off is the picture's own noise and left out."""
    rows, errors = [], []
    sources = [*pictures("bsds500/train/*.jpg", "L")][::7] + [*pictures("train400/*.png", "L")][::16]
    for k, clean in enumerate(sources):
        for sigma in TEXTURED:
            noisy = clean + sigma * np.random.default_rng(k).standard_normal(clean.shape)
            patches = noise_level._patches(noisy[..., None], 1.0)
            flat, textured = np.sqrt(noise_level._flattest(patches, np.ones_like(patches.mean), FLATTEST))
            if abs(flat - sigma) < 2:
                weight = 1 / np.sqrt(1 + sigma / 25)
                rows.append((weight, weight * (textured - flat)))
                errors.append(weight * (flat - sigma))
    terms, wanted, weights = np.array(rows), np.array(errors), np.ones((len(rows), 1))
    for _ in range(30):
        found = np.linalg.lstsq(terms * weights, wanted * weights[:, 0], rcond=None)[0]
        weights = 1 / np.sqrt(np.maximum(np.abs(terms @ found - wanted), 0.01))[:, None]
    excess, trend = found
    print(f"EXCESS {excess:.2f}, TREND {trend:.2f}")


if __name__ == "__main__":
    {"clipping": clipping, "texture": texture}.get(sys.argv[1] if sys.argv[1:] else "", run)()
