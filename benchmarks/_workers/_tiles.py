"""The magnetic tiles as sources: the photographs are JPEG, and a PNG of the same name is the mask of each."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from diabolo.pixels import read_picture
from diabolo.sources import Chosen, Source
from diabolo.sources.pictures import Folder, Pictures
from diabolo.tasks.detect.overlay import mask_of

GOOD, LEARNED = "MT_Free", 0.8


class Photographs(Folder):
    """The JPEG files below a folder."""

    def names(self) -> list[str]:
        return [name for name in super().names() if name.endswith(".jpg")]


def folder() -> Path:
    return Path(os.environ["DIABOLO_DATA"]) / "magnetic-tile"


def tiles(seed: int, most: int = 0) -> tuple[Source, Source, Source]:
    """80 % of the good tiles, drawn by the seed, to learn from; the other good ones; all defects.

    For a trial about `most` of each, of the defects some of every kind; 0 = all.
    """
    every = Pictures(Photographs(folder()), strict=True)
    good = np.array([name.startswith(GOOD) for name in every.names])
    drawn, bad = np.random.default_rng(seed).permutation(np.flatnonzero(good)), np.flatnonzero(~good)
    learned = round(LEARNED * len(drawn))
    parts = [drawn[:learned], drawn[learned:], bad]
    if most:
        parts = [drawn[:learned][:most], drawn[learned:][:most], bad[:: max(1, len(bad) // most)]]
    train, fine, poor = (Chosen(every, part.tolist()) for part in parts)
    return train, fine, poor


def kind(name: str) -> str:
    """MT_Crack/Imgs/a.jpg -> crack."""
    return name.partition("/")[0].removeprefix("MT_").lower()


def mask(name: str, size: tuple[int, int]) -> np.ndarray:
    """Where the picture of that name has a flaw, bool (h, w)."""
    path = (folder() / name).with_suffix(".png")
    return mask_of(read_picture(path).values, size, path.name)
