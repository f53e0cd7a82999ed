"""Makes a picture sheet: crops of Kodak photos from files of equal size by every codec, with bits per pixel and PSNR.

    make bench NAME=codec_sheet ARGS="--out codecs.png"

The whole photo is coded, by the codecs as `codec` has them, and the part shown is cut out at its own resolution. All
files of a photo are within APART of the size of the JPEG, which is one whose rate is near `--rate`: settings are
searched for, and where they are whole numbers and none comes so near, another JPEG is taken. The PSNR is the whole
photo's.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks._restoring import photos, psnr
from benchmarks.codec import JPEG, Codec, File, codecs, coded, with_codecs

CROPS = {23: (40, 330), 8: (200, 250), 15: (60, 250)}  # a photo's number: top and left of the part shown
HEIGHT, WIDTH = 192, 256
COLUMNS, GAP, BAND = 4, 6, 20  # cells in a line; pixels between cells, and for a title
QUALITIES = range(3, 60)  # the JPEGs to choose from
TRIES = 8
PROBES = 7  # settings in one process
APART = 0.02


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", metavar="FILE", help="a model to show in place of the starter")
    parser.add_argument("--photos", type=int, nargs="*", choices=list(CROPS), default=list(CROPS), help="[all]")
    parser.add_argument("--rate", type=float, default=0.25, help="bits per pixel [0.25]")
    parser.add_argument("--out", metavar="FILE", default="codecs.png", help="[codecs.png]")
    chosen = with_codecs(parser).parse_args()
    kodak = photos("kodak")
    blocks = [block(kodak[number - 1], CROPS[number], codecs(chosen), chosen.rate) for number in chosen.photos]
    sheet = np.pad(np.vstack(blocks), ((0, 0), (GAP, 0), (0, 0)), constant_values=255)
    Image.fromarray(sheet).save(chosen.out, optimize=True)
    print(f"wrote {chosen.out}")


def block(photo: np.ndarray, corner: tuple[int, int], others: Sequence[Codec], rate: float) -> np.ndarray:
    """The cells of one photo, COLUMNS in a line; the first is the original."""
    pixels = photo.shape[0] * photo.shape[1]
    pictures = {"original": photo}
    for name, file in alike(photo, others, rate).items():
        title = f"{name}: {8 * file.told['bytes'] / pixels:.3f} bpp, {psnr(file.picture, photo, 255):.2f} dB"
        pictures[title] = file.picture
    cells = [cell(title, picture, corner) for title, picture in pictures.items()]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS)
    return np.vstack([np.hstack(cells[start : start + COLUMNS]) for start in range(0, len(cells), COLUMNS)])


def cell(title: str, picture: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    top, left = corner
    made = Image.new("RGB", (WIDTH + GAP, HEIGHT + BAND + GAP), "white")
    made.paste(Image.fromarray(picture[top : top + HEIGHT, left : left + WIDTH]), (0, BAND))
    ImageDraw.Draw(made).text((0, 3), title, "black", ImageFont.load_default(13))
    return np.asarray(made)


def alike(photo: np.ndarray, others: Sequence[Codec], rate: float) -> Mapping[str, File]:
    """By codec, files of equal size; those with whole settings first, since it is they that may not come near."""
    wanted = rate * photo.shape[0] * photo.shape[1] / 8
    anchors, _ = coded(JPEG, [photo], QUALITIES)
    for anchor in sorted(anchors, key=lambda file: abs(file.told["bytes"] - wanted))[:TRIES]:
        files = {JPEG.label: anchor}
        for codec in sorted(others, key=lambda codec: codec.digits):
            file = files[codec.label] = nearest(codec, photo, anchor.told["bytes"])
            if distance(file, anchor.told["bytes"]) > APART:
                break
        else:
            return {codec.label: files[codec.label] for codec in (JPEG, *others)}
    raise SystemExit(f"no JPEG near {rate} bpp whose size all codecs meet within {APART:.0%}; try another --rate")


def distance(file: File, size: float) -> float:
    return abs(file.told["bytes"] / size - 1)


def nearest(codec: Codec, photo: np.ndarray, size: float) -> File:
    """The file whose size is nearest: between two settings of PROBES the next PROBES are tried, until none is left."""
    low, high = min(codec.settings), max(codec.settings)
    tried: dict[float, File] = {}
    while True:
        settings = sorted({round(float(value), codec.digits) for value in np.linspace(low, high, PROBES)} - set(tried))
        if settings:
            tried |= {file.setting: file for file in coded(codec, [photo], settings)[0]}
        found = min(tried.values(), key=lambda file: distance(file, size))
        if not settings or distance(found, size) < APART / 4:
            return found
        order = sorted(tried)
        place = order.index(found.setting)
        low, high = order[max(place - 1, 0)], order[min(place + 1, len(order) - 1)]


if __name__ == "__main__":
    run()
