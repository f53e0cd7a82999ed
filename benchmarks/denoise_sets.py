"""Grey denoising on Set12 and BSD68 with noise of sigma 15, 25 and 50, beside BM3D and non-local means.

White Gaussian noise, float and not clipped, `default_rng(1000 + k)` for the k-th picture; results are clipped to 0..1.
A cell is the mean PSNR in dB and the mean SSIM. Ours is one blind model for all: the level is found in each picture, or
given. scikit-image's and OpenCV's non-local means are told sigma, with the parameters that are best for it on TUNING
pictures of Train400; OpenCV's takes pictures rounded to 8 bits. BM3D (package bm3d, told sigma) takes long: it is
measured at 25 on Set12 and on every 4th picture of BSD68, `--all` measures it everywhere, and the published figures
stand beside. One thread; CPU-seconds are those of an average picture of Set12 at 25.
"""

from __future__ import annotations

import functools
from argparse import Namespace
from typing import Any

import numpy as np

from benchmarks._restoring import (
    PUBLISHED,
    SIGMAS,
    Done,
    arguments,
    best,
    both,
    keep,
    noisy,
    photos,
    psnr,
    restored,
    scores,
)
from benchmarks._result import Gate

TUNING = 6
SETS = {"set12": "Set12", "bsd68": "BSD68"}
PART = "BSD68 at 25, every 4th"
GATES = {"BM3D": "1 BM3D", "DnCNN": "2 DnCNN", "DRUNet": "3 DRUNet"}
SLOWEST = 1 / 20  # of BM3D's time
Runs = dict[tuple[str, int], Done]  # by set and sigma


def run() -> None:
    parser = arguments(__doc__, "model")
    parser.add_argument("--all", action="store_true", help="BM3D on every picture and at every sigma: hours")
    chosen = parser.parse_args()
    clean = {name: photos(name, chosen.pictures) for name in SETS}
    methods = {
        "diabolo, blind": everywhere(clean, "denoise", model=chosen.model),
        "diabolo, told sigma": everywhere(clean, "denoise", model=chosen.model, told=True),
        "BM3D": by_bm3d(clean, chosen),
        "non-local means, scikit-image": everywhere(clean, "non-local-means", tuned=True),
        "non-local means, OpenCV": everywhere(clean, "opencv-means", tuned=True),
    }
    slow = methods["BM3D"]["set12", 25].seconds
    figures = [row(name, runs, clean, float(np.mean(slow))) for name, runs in methods.items()]
    figures += [published(name) for name in PUBLISHED]
    quality = {place: scores(done.pictures, clean[place[0]])[0] for place, done in methods["diabolo, blind"].items()}
    figures.insert(1, passed(quality))
    gates = [
        Gate(f"{SETS[s]} at {sigma}: PSNR over BM3D's, dB", quality[s, sigma] - value, 0, greatest=False)
        for s, values in PUBLISHED["BM3D"].items()
        for sigma, value in zip(SIGMAS, values, strict=True)
    ]
    times = [a / b for a, b in zip(methods["diabolo, blind"]["set12", 25].seconds, slow, strict=True)]
    gates.append(Gate("CPU time of a picture of Set12, of BM3D's", float(np.median(times)), SLOWEST))
    every = [done for runs in methods.values() for done in runs.values()]
    keep("denoise_sets", figures, gates, every, chosen.pictures, set12_at_25=by_picture(methods, clean["set12"]))


def everywhere(
    clean: dict[str, list[np.ndarray]], method: str, told: bool = False, tuned: bool = False, model: str | None = None
) -> Runs:
    """A method on every picture at every sigma, which it is told or not."""
    runs = {}
    for sigma in SIGMAS:
        options = dict(parameters(method, sigma)) if tuned else {"model": model, "sigma": sigma if told else None}
        for name, pictures in clean.items():
            runs[name, sigma] = restored(method, noisy(pictures, sigma), **options)
    return runs


def by_bm3d(clean: dict[str, list[np.ndarray]], chosen: Namespace) -> Runs:
    """BM3D's runs; ("part", 25) is the one on every 4th picture of BSD68."""
    if chosen.all:
        runs = everywhere(clean, "bm3d", told=True)
        whole = runs["bsd68", 25]
        return runs | {("part", 25): Done(whole.pictures[::4], whole.seconds[::4], [], whole.version)}
    places = range(0, len(clean["bsd68"]), 4)
    part = noisy(clean["bsd68"][::4], 25, places)
    return {
        ("set12", 25): restored("bm3d", noisy(clean["set12"], 25), sigma=25),
        ("part", 25): restored("bm3d", part, sigma=25),
    }


@functools.cache
def parameters(method: str, sigma: int) -> tuple[tuple[str, Any], ...]:
    """What is best for a sigma on pictures of Train400."""
    clean = photos("train400", TUNING)
    if method == "opencv-means":
        candidates: list[dict[str, Any]] = [{"h": round(share * sigma, 1)} for share in (0.8, 0.9, 1.0, 1.1, 1.2, 1.35)]
    else:
        strengths = [(patch, share) for patch in (5, 7) for share in (0.4, 0.5, 0.6, 0.8)]
        candidates = [{"patch": p, "distance": 9, "strength": s, "sigma": sigma} for p, s in strengths]
    return tuple(best(method, candidates, noisy(clean, sigma), clean).items())


def row(name: str, runs: Runs, clean: dict[str, list[np.ndarray]], slowest: float) -> dict[str, Any]:
    cells = {f"{SETS[s]} {sigma}": cell(runs.get((s, sigma)), clean[s]) for s in SETS for sigma in SIGMAS}
    part = runs.get(("part", 25)) or Done(runs["bsd68", 25].pictures[::4], [], [], {})
    seconds = float(np.mean(runs["set12", 25].seconds))
    cells[PART] = cell(part, clean["bsd68"][::4])
    return {"method": name} | cells | {"CPU-seconds": seconds, "of BM3D's": seconds / slowest}


def cell(done: Done | None, clean: list[np.ndarray]) -> str:
    return both(scores(done.pictures, clean)) if done else ""


def published(name: str) -> dict[str, Any]:
    values = PUBLISHED[name]
    cells = {f"{SETS[s]} {sigma}": f"{v:.2f}" for s in SETS for sigma, v in zip(SIGMAS, values[s], strict=True)}
    return {"method": f"{name}, published"} | cells | {PART: "", "CPU-seconds": "", "of BM3D's": ""}


def passed(quality: dict[tuple[str, int], float]) -> dict[str, Any]:
    """The highest gate that the blind model passes on each set at each sigma."""
    cells = {}
    for (s, sigma), value in sorted(quality.items(), key=lambda item: (list(SETS).index(item[0][0]), item[0][1])):
        reached = [text for name, text in GATES.items() if value >= PUBLISHED[name][s][SIGMAS.index(sigma)]]
        cells[f"{SETS[s]} {sigma}"] = f"gate {reached[-1]}" if reached else "none"
    return {"method": "passes"} | cells | {PART: "", "CPU-seconds": "", "of BM3D's": ""}


def by_picture(methods: dict[str, Runs], clean: list[np.ndarray]) -> dict[str, list[float]]:
    """The PSNR of each picture of Set12 at 25, in the order of names; Barbara is the ninth."""
    return {
        name: [round(psnr(a, b), 2) for a, b in zip(runs["set12", 25].pictures, clean, strict=True)]
        for name, runs in methods.items()
    }


if __name__ == "__main__":
    run()
