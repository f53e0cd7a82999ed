"""Recipe `denoise` on MNIST with strong noise, beside the median filter and non-local means.

Gaussian noise of standard deviation 0.5 of the range is added to the first TESTED test images and not clipped. Each
method's result is clipped to 0..1; the figure is the mean over images of the peak signal-to-noise ratio. The median
filter (SciPy) and non-local means (scikit-image, told the noise's strength) get the parameters that are best on TUNING
training images with the same noise. Ours learns from the training images alone, SEEDS runs, two threads.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter
from skimage.restoration import denoise_nl_means

from benchmarks._processes import fit_command, given, measured
from benchmarks._result import Gate, Spread, write
from benchmarks._workers._measure import Clock, pictures

SIGMA = 0.5
TUNING, TESTED = 100, 2000
SEEDS = range(3)
OPTIONS = {
    "corruption.noise.sigma": 255 * SIGMA,
    "architecture.widths": "16,32,64",
    "hint": "none",
    "optimizer": "adam",
    "batch_size": 128,
    "crop": 0,
    "learning_rate": 5e-3,
    "epochs": 1,
    "validation": 0,
}
Filter = Callable[[np.ndarray], np.ndarray]


def run() -> None:
    train, clean = noisy_and_clean("train", TUNING), noisy_and_clean("test", TESTED)
    figures = [
        {"method": "none", "PSNR, dB": quality(*clean), "CPU-seconds to restore": 0.0, "CPU-seconds to train": ""}
    ]
    best = {}
    for name, candidates in (("median filter", median_filters()), ("non-local means", non_local_means())):
        described, chosen = max(candidates, key=lambda candidate: quality(each(candidate[1], train[0]), train[1]))
        clock = Clock()
        restored = each(chosen, clean[0])
        cpu, best[name] = clock.read()["cpu_seconds"], quality(restored, clean[1])
        row = {"PSNR, dB": best[name], "CPU-seconds to restore": cpu, "CPU-seconds to train": ""}
        figures.append({"method": f"{name}, {described}"} | row)
    ours, reports = [], []
    with tempfile.TemporaryDirectory() as folder:
        noisy, out = Path(folder) / "noisy.npy", Path(folder) / "restored.npy"
        np.save(noisy, clean[0])
        for seed in SEEDS:
            reports.append(measured("denoising", noisy, out, *given(OPTIONS), f"seed={seed}"))
            ours.append(quality(np.load(out), clean[1]))
    figures.append(
        {
            "method": f"`{fit_command('denoise', 'mnist', OPTIONS)}`",
            "PSNR, dB": Spread.of(ours),
            "CPU-seconds to restore": Spread.of(report["restoring_cpu_seconds"] for report in reports),
            "CPU-seconds to train": Spread.of(report["cpu_seconds"] for report in reports),
        }
    )
    gates = [
        Gate(f"least PSNR over the {name}'s, dB", min(ours) - psnr, 0, greatest=False) for name, psnr in best.items()
    ]
    write("denoise", figures, gates, {}, threads=2)


def noisy_and_clean(part: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    images = pictures("mnist", part)[:count] / 255.0
    draw = np.random.default_rng([2026, len(part)])
    return images + SIGMA * draw.standard_normal(images.shape), images


def median_filters() -> Iterable[tuple[str, Filter]]:
    for side in (2, 3, 4, 5):
        yield f"{side} x {side}", lambda image, side=side: median_filter(image, side)


def non_local_means() -> Iterable[tuple[str, Filter]]:
    for patch, distance, strength in itertools.product((7, 9, 11), (5, 7, 9), (0.3, 0.5, 0.7)):
        options = {"patch_size": patch, "patch_distance": distance, "h": strength * SIGMA, "sigma": SIGMA}
        described = f"patches of {patch} within {distance} pixels, h = {strength} sigma"
        yield described, lambda image, options=options: denoise_nl_means(image, **options, fast_mode=False)


def each(restore: Filter, noisy: np.ndarray) -> np.ndarray:
    return np.stack([restore(image) for image in noisy])


def quality(restored: np.ndarray, clean: np.ndarray) -> float:
    """The mean over images of 10 log10(1 / mean squared error), of results clipped to 0..1."""
    errors = np.square(np.clip(restored, 0, 1) - clean).reshape(len(clean), -1).mean(1)
    return float((-10 * np.log10(errors)).mean())


if __name__ == "__main__":
    run()
