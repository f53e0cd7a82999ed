"""Makes docs/images/compressed.jpg: parts of photographs from files of equal size, by JPEG and by the starter codec.

    .venv/bin/python docs/compressed.py

The photographs ship inside scikit-learn and scikit-image, and the codec has not learned from them: a tower by Daniel
Buechele (CC BY 2.0), and a motorcycle of the Middlebury stereo sets (Scharstein et al. 2014). The whole photograph is
coded: JPEG by Pillow (4:2:0, optimised), ours to at most as many bytes. Titles give the bits per pixel and the PSNR of
the whole; what is shown is cut out at its own resolution.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.data import stereo_motorcycle
from sklearn.datasets import load_sample_image

from diabolo import Compressor

QUALITY = 8  # of the JPEGs: where JPEG is at its end
HEIGHT, WIDTH = 200, 270  # of the part that is shown
GAP, BAND = 4, 20  # pixels between the parts, and above each for its title
OUT = Path(__file__).parent / "images" / "compressed.jpg"


def lines() -> list[list[tuple[str, np.ndarray]]]:
    """For each photograph the titles and the parts: of the original, of JPEG's file, of ours."""
    china, motorcycle = load_sample_image("china.jpg"), stereo_motorcycle()[0]
    return [line(china, 120, 190), line(motorcycle, 150, 250)]


def line(photo: np.ndarray, top: int, left: int) -> list[tuple[str, np.ndarray]]:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG", quality=QUALITY, optimize=True, subsampling=2)
    codec = Compressor(target_size=file.tell(), effort=2)
    ours = codec.compress(photo)
    found = {"JPEG": (file.tell(), np.asarray(Image.open(file))), "diabolo": (len(ours), codec.decompress(ours))}
    titles = [("original", photo)]
    for name, (size, picture) in found.items():
        rate = 8 * size / (photo.shape[0] * photo.shape[1])
        titles.append((f"{name}: {rate:.3f} bits per pixel, {psnr(picture, photo):.1f} dB", picture))
    return [(title, picture[top : top + HEIGHT, left : left + WIDTH]) for title, picture in titles]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Decibels between two pictures of bytes."""
    return float(-10 * np.log10(np.square(one / 255.0 - other / 255.0).mean()))


def cell(title: str, part: np.ndarray) -> np.ndarray:
    made = Image.new("RGB", (WIDTH + GAP, BAND + HEIGHT + GAP), "white")
    made.paste(Image.fromarray(part), (GAP, BAND))
    ImageDraw.Draw(made).text((GAP, 3), title, "black", ImageFont.load_default(12))
    return np.asarray(made)


def main() -> None:
    sheet = np.vstack([np.hstack([cell(*each) for each in parts]) for parts in lines()])
    Image.fromarray(sheet).save(OUT, quality=92, subsampling=0, optimize=True)


if __name__ == "__main__":
    main()
