"""Makes docs/images/restored.jpg: noise, holes and JPEG's blocks, before and after the starter models.

    .venv/bin/python docs/restored.py

The photographs ship inside scikit-image, and the starters that restore have not learned from them. Titles give the
PSNR, in the holes alone where there are holes.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from skimage.data import astronaut, chelsea, coffee

from diabolo import Deblocker, Denoiser, Inpainter
from diabolo.pixels import jpeg_round_trip

mpl.use("agg")
from matplotlib import pyplot as plt

SIDE = 200
OUT = Path(__file__).parent / "images" / "restored.jpg"


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Decibels between two pictures of bytes."""
    return float(-10 * np.log10(np.square(one / 255.0 - other / 255.0).mean()))


def pairs() -> list[tuple[str, np.ndarray, np.ndarray]]:
    """A title with the figures, the picture before and the picture after."""
    cup, cat, woman = coffee()[60:260, 180:380], chelsea()[40:240, 130:330], astronaut()[0:200, 130:330]
    draw = np.random.default_rng(0)
    noisy = np.clip(np.rint(cup + 35 * draw.standard_normal(cup.shape)), 0, 255).astype(np.uint8)
    clean = Denoiser().denoise(noisy)
    missing = draw.random((SIDE, SIDE)) < 0.7
    torn = np.where(missing[..., None], 0, cat).astype(np.uint8)
    whole = Inpainter().inpaint(torn, missing)
    blocky = jpeg_round_trip(woman, 8)
    better = Deblocker().deblock(blocky)
    return [
        (f"denoise: {psnr(noisy, cup):.1f} to {psnr(clean, cup):.1f} dB", noisy, clean),
        (f"inpaint, 70 % missing: {psnr(whole[missing], cat[missing]):.1f} dB", torn, whole),
        (f"deblock: {psnr(blocky, woman):.1f} to {psnr(better, woman):.1f} dB", blocky, better),
    ]


def main() -> None:
    figure, axes = plt.subplots(1, 3, figsize=(12, 2.3))
    for axis, (title, before, after) in zip(axes, pairs(), strict=True):
        axis.imshow(np.hstack([before, np.full((SIDE, 4, 3), 255, np.uint8), after]), interpolation="nearest")
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(OUT, dpi=100, bbox_inches="tight", pad_inches=0.05, facecolor="white", pil_kwargs={"quality": 88})


if __name__ == "__main__":
    main()
