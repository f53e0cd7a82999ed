"""What `inpaint` needs beside the methods: holes, their sharpness, and a sheet of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.draw import line

from benchmarks._processes import ROOT
from benchmarks._restoring import Done, luminance, unit

KINDS = ("half", "scratches", "hole", "text")
SIDE = 64  # of the hole, pixels
SHEET = ROOT / "docs" / "images" / "inpaint.png"
LARGEST = 700_000  # bytes of the sheet
SHOWN, TILE = 22, 128  # the square of the sheet; the side of what is shown of it
TITLE = 16  # pixels over each tile
PHRASE = "text that someone wrote over the picture "


def mask_of(kind: str, k: int, shape: tuple[int, int]) -> np.ndarray:
    """The k-th picture's holes of a kind, (h, w), True = missing."""
    draw = np.random.default_rng(k)
    if kind == "half":
        return draw.random(shape) < 0.5
    if kind == "scratches":
        return scratches(draw, shape)
    if kind == "text":
        return text(draw, shape)
    mask = np.zeros(shape, bool)
    top, left = (int(draw.integers(0, side - SIDE + 1)) for side in shape)
    mask[top : top + SIDE, left : left + SIDE] = True
    return mask


def scratches(draw: np.random.Generator, shape: tuple[int, int], count: int = 8) -> np.ndarray:
    """Straight lines between two random places, 1 to 3 pixels wide."""
    mask = np.zeros(shape, bool)
    for _ in range(count):
        ends = draw.integers(0, (*shape, *shape))
        rows, columns = line(*(int(end) for end in ends))
        steep = abs(int(ends[2] - ends[0])) > abs(int(ends[3] - ends[1]))
        for aside in range(int(draw.integers(1, 4))):
            mask[
                np.minimum(rows + (0 if steep else aside), shape[0] - 1),
                np.minimum(columns + (aside if steep else 0), shape[1] - 1),
            ] = True
    return mask


def text(draw: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Lines of Pillow's own font, 16 pixels high and 28 apart, each begun at another place of the phrase."""
    canvas = Image.new("1", (shape[1], shape[0]))
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(16)
    pen.fontmode = "1"
    for top in range(int(draw.integers(0, 16)), shape[0] - 16, 28):
        begin = int(draw.integers(len(PHRASE)))
        pen.text((2, top), (PHRASE[begin:] + PHRASE * 4)[: shape[1] // 6], fill=1, font=font)
    return np.asarray(canvas, bool)


def energy(picture: np.ndarray, hole: np.ndarray) -> float:
    """Mean squared gradient of the luminance between pixels of the hole, one square without gaps; 0..255 squared."""
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    grey = luminance(np.rint(255 * unit(picture, 255)))[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    grey = grey.astype(np.float64)
    return float(np.square(np.diff(grey, axis=0)).mean() + np.square(np.diff(grey, axis=1)).mean())


def sheet(clean: list[np.ndarray], masks: dict[str, list[np.ndarray]], runs: dict[str, dict[str, Done]]) -> None:
    """One picture of one square: a row for each kind of hole; the truth, the holes, and what each method made of it."""
    rows = []
    for kind in KINDS:
        truth, mask = clean[SHOWN], masks[kind][SHOWN]
        torn = np.where(mask[..., None], np.uint8(255), truth)
        tiles = {"original": truth, kind: torn} | {method: of[kind].pictures[SHOWN] for method, of in runs.items()}
        rows.append(np.concatenate([titled(title, around(tile, mask)) for title, tile in tiles.items()], 1))
    save(Image.fromarray(np.concatenate(rows)), SHEET)


def around(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The tile around the middle of what is missing, uint8."""
    whole = np.rint(255 * unit(picture, 255)).astype(np.uint8)
    middles = (float(np.mean(at)) for at in np.nonzero(mask))
    top, left = (round(min(max(m - TILE / 2, 0), s - TILE)) for m, s in zip(middles, mask.shape, strict=True))
    return whole[top : top + TILE, left : left + TILE]


def titled(title: str, tile: np.ndarray) -> np.ndarray:
    """A tile under its title, with a white rim."""
    canvas = Image.new("RGB", (TILE + 4, TILE + TITLE + 4), "white")
    canvas.paste(Image.fromarray(tile), (2, TITLE))
    ImageDraw.Draw(canvas).text((2, 1), title, fill="black", font=ImageFont.load_default(11))
    return np.asarray(canvas)


def save(picture: Image.Image, path: Path) -> None:
    """As PNG; with fewer colours where it would be too large."""
    picture.save(path, optimize=True)
    for colours in (256, 128, 64):
        if path.stat().st_size <= LARGEST:
            return
        picture.quantize(colours, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
