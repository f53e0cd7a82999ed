"""Inpainting: half of the pixels, scratches, a 64 x 64 hole and a text overlay, on squares of 256 x 256 pixels.

Grey: the middle of each picture of Set12 and of each Kodak photo; colour: that of the Kodak photos. The k-th square's
masks are drawn from `default_rng(k)`; 8-bit pictures in, as OpenCV wants them. A cell is the mean PSNR inside the holes
in dB and the mean SSIM of the whole picture. Beside ours: OpenCV's Telea and Navier-Stokes (radius 3), scikit-image's
biharmonic, and the mean of the seen pixels. Sharpness is the mean gradient energy of what is filled into the 64 x 64
hole, over that of what was there. One of our rows is the starter that was trained with an adversarial critic. One
thread; CPU-seconds of an average square and kind of hole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._inpaint import KINDS, energy, mask_of, sheet
from benchmarks._restoring import Done, arguments, both, centre, keep, luminance, photos, psnr, restored, ssim
from benchmarks._result import Gate

LEAST = {"half": 29.5, "scratches": 25.0, "hole": 15.5}  # dB, grey
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "Telea, OpenCV": ("opencv-inpainting", {"way": "telea"}),
    "Navier-Stokes, OpenCV": ("opencv-inpainting", {"way": "navier-stokes"}),
    "biharmonic, scikit-image": ("biharmonic", {}),
    "mean": ("mean", {}),
}
Runs = dict[str, Done]  # by kind of hole


def run() -> None:
    chosen = arguments(__doc__, "model", "critic").parse_args()
    kodak = [centre(picture) for picture in photos("kodak", chosen.pictures)]
    sets = {
        "grey": [centre(p) for p in photos("set12", chosen.pictures)] + [luminance(picture) for picture in kodak],
        "colour": kodak,
    }
    figures, gates, every = [], [], []
    for name, clean in sets.items():
        masks = {kind: [mask_of(kind, k, clean[0].shape[:2]) for k in range(len(clean))] for kind in KINDS}
        runs = {"diabolo": filled("inpaint", clean, masks, model=chosen.model)}
        runs["diabolo, critic"] = filled("inpaint", clean, masks, model=chosen.critic or "inpaint-crisp")
        runs |= {other: filled(method, clean, masks, **options) for other, (method, options) in OTHERS.items()}
        figures += [row(name, method, done, clean, masks) for method, done in runs.items()]
        if name == "grey":
            gates = [
                Gate(f"grey, {kind}: PSNR, dB", inside(runs["diabolo"][kind], clean, masks[kind]), least, False)
                for kind, least in LEAST.items()
            ]
        elif not chosen.pictures:
            sheet(clean, masks, runs)
        every += [done for kinds in runs.values() for done in kinds.values()]
    keep("inpaint", figures, gates, every, chosen.pictures)


def filled(method: str, clean: list[np.ndarray], masks: dict[str, list[np.ndarray]], **options: Any) -> Runs:
    """Every kind of hole in every picture filled; what is missing is black before."""
    holes = [mask for of in masks.values() for mask in of]
    pairs = zip(clean * len(masks), holes, strict=True)
    torn = [np.where(mask.reshape(*mask.shape, *[1] * (c.ndim - 2)), np.uint8(0), c) for c, mask in pairs]
    done, made = restored(method, torn, holes, **options), {}
    for place, kind in enumerate(masks):
        of = slice(place * len(clean), (place + 1) * len(clean))
        made[kind] = Done(done.pictures[of], done.seconds[of], [], done.version)
    return made


def row(
    name: str, method: str, runs: Runs, clean: list[np.ndarray], masks: dict[str, list[np.ndarray]]
) -> dict[str, Any]:
    cells = {
        f"{kind}": both((inside(done, clean, masks[kind]), mean(ssim, done, clean))) for kind, done in runs.items()
    }
    in_holes = [
        [energy(picture, mask) for picture, mask in zip(pictures, masks["hole"], strict=True)]
        for pictures in (runs["hole"].pictures, clean)
    ]
    sharp = float(np.mean(in_holes[0]) / np.mean(in_holes[1]))
    seconds = float(np.mean([done.seconds for done in runs.values()]))
    return {"pictures": name, "method": method} | cells | {"sharpness": sharp, "CPU-seconds": seconds}


def inside(done: Done, clean: list[np.ndarray], masks: list[np.ndarray]) -> float:
    """Mean PSNR of the missing pixels, dB."""
    pairs = zip(done.pictures, clean, masks, strict=True)
    return float(np.mean([psnr(result, truth, 255, mask) for result, truth, mask in pairs]))


def mean(score: Callable[..., float], done: Done, clean: list[np.ndarray]) -> float:
    return float(np.mean([score(result, truth, 255) for result, truth in zip(done.pictures, clean, strict=True)]))


if __name__ == "__main__":
    run()
