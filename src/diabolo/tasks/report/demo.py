"""The demo's page: noise taken away from photographs, and the comparison on digits."""

from __future__ import annotations

import os

import numpy as np

from diabolo.tasks.comparison.record import Comparison
from diabolo.tasks.report import pictures, sections
from diabolo.tasks.report.page import Cell, Page, Section, Sentence, Sheet, Table, write_page
from diabolo.tasks.report.summary import summary
from diabolo.tasks.restored import Restored

TILES = 8  # that are shown


def write_demo(comparison: Comparison, tiles: Restored, photo: Restored, path: str | os.PathLike[str]) -> None:
    """Write the demo's page, whole or not at all. Raises `Mistake` where the path cannot be written."""
    images = comparison.images
    lead = (
        "Four autoencoders, trained just now on real pictures that come with scikit-learn and scikit-image: one takes "
        f"noise away from photographs, three squeeze {len(images.learned) + len(images.test)} handwritten digits into "
        "a few numbers each, beside PCA."
    )
    parts = (
        Section("photograph", "A photograph without its noise", (_photograph(photo),)),
        Section("tiles", "The same on many tiles", (_tiles(tiles), _tiles_table(tiles))),
        *sections.sections(comparison),
    )
    told = (_cleaned(tiles), *summary(comparison))
    write_page(Page("Autoencoders at work", lead, told, parts, sections.foot(comparison)), path)


def _cleaned(tiles: Restored) -> Sentence:
    """What the denoising model does to tiles it has not seen, against the median filter; bold either way."""
    mean = {name: float(values.mean()) for name, values in tiles.psnr.items()}
    better = mean["autoencoder"] > mean["median filter"]
    against = f"{'above' if better else 'but below'} a median filter's {mean['median filter']:.1f} dB"
    text = (
        f"denoise lifts noisy tiles of photographs from {mean['noisy']:.1f} to {mean['autoencoder']:.1f} dB, {against}."
    )
    return Sentence(text, "best" if better else "worse")


def _photograph(photo: Restored) -> Sheet:
    cells = tuple(
        (pictures.data_uri(images[0]), name if name == "clean" else f"{name}, {photo.psnr[name][0]:.1f} dB")
        for name, images in photo.pictures.items()
    )
    caption = (
        "A photograph that no training tile was cut from, at half its size, with Gaussian noise of 25 of 255 levels. "
        "The median filter takes 3 x 3 pixels. PSNR in decibels: three more is half the squared error."
    )
    return Sheet((("", cells),), caption, size="huge")


def _tiles(tiles: Restored) -> Sheet:
    chosen = np.linspace(0, len(tiles.pictures["clean"]) - 1, TILES).astype(int)
    rows = []
    for name, images in tiles.pictures.items():
        notes = [""] * TILES if name == "clean" else [f"{tiles.psnr[name][i]:.1f} dB" for i in chosen]
        uris = [pictures.data_uri(images[i]) for i in chosen]
        rows.append((name, tuple(zip(uris, notes, strict=True))))
    caption = "Tiles of 32 x 32 pixels, evenly spread over the test photographs, with their PSNR."
    return Sheet(tuple(rows), caption, size="large")


def _tiles_table(tiles: Restored) -> Table:
    head = tuple(Cell(text) for text in ("PSNR over the test tiles", "mean", "worst twentieth", "better than median"))
    rows = []
    for name, values in tiles.psnr.items():
        better = float((values > tiles.psnr["median filter"]).mean())
        share = "–" if name == "median filter" else f"{100 * better:.0f} %"
        figures = (f"{values.mean():.2f} dB", f"{np.percentile(values, 5):.2f} dB", share)
        rows.append((Cell(name), *(Cell(figure) for figure in figures)))
    count = len(tiles.psnr["noisy"])
    return Table(head, tuple(rows), f"{count} tiles of two photographs that were not learned from.")
