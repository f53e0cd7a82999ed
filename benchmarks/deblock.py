"""JPEG deblocking on the 24 Kodak photos at quality 10, 20, 30 and 40.

Luminance: BT.601's Y rounded to 8 bits, saved as a grey JPEG by Pillow. Colour: the photo as JPEG, 4:2:0, PSNR over R,
G and B. Cells are the mean PSNR in dB and the mean SSIM of the JPEG picture and of what is made of it. Ours is told
nothing; total variation (scikit-image, Chambolle) has the weight that is best for the quality on TUNING pictures of
BSDS500. Published, on Classic5: DnCNN-3. One thread; CPU-seconds of an average photo.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._restoring import Done, arguments, best, both, keep, luminance, photos, restored, scores
from benchmarks._result import Gate

GAINS = {10: 1.0, 20: 1.0, 30: 0.9, 40: 0.8}  # dB over the JPEG, by quality
TUNING = 6
WEIGHTS = [{"weight": weight} for weight in (0.005, 0.01, 0.02, 0.03, 0.045, 0.06)]


def run() -> None:
    chosen = arguments(__doc__, "model").parse_args()
    photographs, tuning = photos("kodak", chosen.pictures), photos("bsds500/test", TUNING)
    figures, gates, runs = [], [], []
    for kind in ("luminance", "colour"):
        clean = [luminance(p) for p in photographs] if kind == "luminance" else photographs
        learned = [luminance(p) for p in tuning] if kind == "luminance" else tuning
        for quality, gain in GAINS.items():
            files = saved(clean, quality)
            weight = best("total-variation", WEIGHTS, saved(learned, quality), learned, 255)
            ours, theirs = restored("deblock", files, model=chosen.model), restored("total-variation", files, **weight)
            figures.append(row(kind, quality, clean, files, ours, theirs))
            runs += [ours, theirs]
            if kind == "luminance":
                gained = scores(ours.pictures, clean, 255)[0] - scores(files, clean, 255)[0]
                gates.append(Gate(f"luminance at quality {quality}: gain in PSNR, dB", gained, gain, greatest=False))
    figures.append(published(figures[0]))
    keep("deblock", figures, gates, runs, chosen.pictures)


def saved(pictures: Sequence[np.ndarray], quality: int) -> list[np.ndarray]:
    """Pictures after a JPEG file; Pillow's own subsampling for colour is 4:2:0."""
    made = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        made.append(np.asarray(Image.open(file)))
    return made


def row(
    kind: str, quality: int, clean: list[np.ndarray], files: list[np.ndarray], ours: Done, theirs: Done
) -> dict[str, Any]:
    before, after, other = (scores(pictures, clean, 255) for pictures in (files, ours.pictures, theirs.pictures))
    return {
        "Kodak": kind,
        "quality": str(quality),
        "JPEG": both(before),
        "diabolo": both(after),
        "gain, dB": f"{after[0] - before[0]:+.2f}",
        "total variation": both(other),
        "its gain, dB": f"{other[0] - before[0]:+.2f}",
        "CPU-seconds": float(np.mean(ours.seconds)),
    }


def published(like: dict[str, Any]) -> dict[str, Any]:
    told = {"Kodak": "Classic5, DnCNN-3, published", "quality": "10", "diabolo": "29.40", "gain, dB": "+1.6"}
    return dict.fromkeys(like, "") | told


if __name__ == "__main__":
    run()
