"""Colour denoising on the 24 Kodak photos, beside OpenCV's and scikit-image's non-local means.

White Gaussian noise in every channel, float and not clipped, `default_rng(1000 + k)` for the k-th photo; results are
clipped to 0..1. A cell is the mean PSNR over all three channels in dB and the mean SSIM. Ours finds the level itself.
OpenCV's fastNlMeansDenoisingColored takes pictures rounded to 8 bits; its two strengths, and patch and strength of
scikit-image's (told sigma), are those that are best on TUNING pictures of BSDS500. One thread; CPU-seconds are those of
an average photo at 25.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks._restoring import SIGMAS, Done, arguments, best, both, keep, noisy, photos, restored, scores
from benchmarks._result import Gate

SIGMA = 25
TUNING = 4
OPENCV = [{"h": h, "hue": hue} for h in (8, 12, 16, 20, 24) for hue in (8, 12, 16, 24)]
MEANS = [
    {"patch": patch, "distance": 7, "strength": share, "sigma": SIGMA} for patch in (3, 5) for share in (0.4, 0.6, 0.8)
]
PUBLISHED = {"DnCNN": "32.1", "DRUNet": "32.9"}
OVER_OPENCV = 3.0  # dB


def run() -> None:
    chosen = arguments(__doc__, "model").parse_args()
    clean = photos("kodak", chosen.pictures)
    tuning = photos("bsds500/test", TUNING)
    faint = noisy(tuning, SIGMA)
    means, opencv = best("non-local-means", MEANS, faint, tuning), best("opencv-means", OPENCV, faint, tuning)
    noise = noisy(clean, SIGMA)
    runs: dict[str, dict[int, Done]] = {
        "diabolo, blind": {s: restored("denoise", noisy(clean, s), model=chosen.model) for s in SIGMAS},
        "diabolo, told sigma": {s: restored("denoise", noisy(clean, s), model=chosen.model, sigma=s) for s in SIGMAS},
        f"non-local means, OpenCV, h = {opencv['h']}, colour {opencv['hue']}": {
            SIGMA: restored("opencv-means", noise, **opencv)
        },
        f"non-local means, scikit-image, patches of {means['patch']}, h = {means['strength']} sigma": {
            SIGMA: restored("non-local-means", noise, **means)
        },
    }
    figures = [row(name, done, clean) for name, done in runs.items()]
    figures += [
        {"method": f"{name}, published"} | {f"sigma {s}": v if s == SIGMA else "" for s in SIGMAS} | {"CPU-seconds": ""}
        for name, v in PUBLISHED.items()
    ]
    ours, theirs = (scores(done[SIGMA].pictures, clean)[0] for done in list(runs.values())[::2])
    gates = [Gate("PSNR over OpenCV's at 25, dB", ours - theirs, OVER_OPENCV, greatest=False)]
    keep("denoise_color", figures, gates, [d for done in runs.values() for d in done.values()], chosen.pictures)


def row(name: str, done: dict[int, Done], clean: list[np.ndarray]) -> dict[str, Any]:
    cells = {f"sigma {s}": both(scores(done[s].pictures, clean)) if s in done else "" for s in SIGMAS}
    return {"method": name} | cells | {"CPU-seconds": float(np.mean(done[SIGMA].seconds))}


if __name__ == "__main__":
    run()
