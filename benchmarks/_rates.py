"""Rates and distortions: a codec's files of photos at several settings, their curve, and what it saves (BD-rate).

A curve is two arrays, a number for each setting: bits per pixel, and quality in dB. Quality is the PSNR over R, G and B
of 8-bit results, or MS-SSIM as -10 log10(1 - MS-SSIM). The average photo's curve has the mean rate and the mean quality
at each setting, as published curves on Kodak have.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_type_hints

import numpy as np
import torch
from scipy.interpolate import PchipInterpolator

from benchmarks._restoring import psnr
from diabolo import metrics

Curve = tuple[np.ndarray, np.ndarray]
MEASURES = {"psnr": "PSNR", "ms_ssim": "MS-SSIM"}
MOST = 2.0  # bits per pixel that a plot shows


@dataclasses.dataclass(frozen=True)
class Point:
    """One photo's file at one setting; seconds are of the CPU at one thread, `estimate` the bytes foretold or 0."""

    setting: float
    photo: int
    pixels: int
    bytes: int
    psnr: float
    ms_ssim: float
    encode: float
    decode: float
    estimate: float

    @property
    def rate(self) -> float:
        return 8 * self.bytes / self.pixels


def quality(decoded: np.ndarray, photo: np.ndarray) -> dict[str, float]:
    """PSNR over all three channels, and the mean over the channels of MS-SSIM; both arrays (h, w, 3) uint8."""
    if decoded.dtype != np.uint8 or decoded.shape != photo.shape:
        raise ValueError(f"decoded {decoded.dtype} {decoded.shape} of a photo uint8 {photo.shape}")
    one, other = (torch.from_numpy(array.transpose(2, 0, 1).copy())[:, None] for array in (decoded, photo))
    structure = float(metrics.ms_ssim(one, other, range=255.0).mean())
    return {"psnr": round(psnr(decoded, photo, 255), 4), "ms_ssim": round(structure, 6)}


def decibels(ms_ssim: float | np.ndarray) -> np.ndarray:
    return -10 * np.log10(1 - np.asarray(ms_ssim, np.float64))


def curve(points: Sequence[Point], measure: str) -> Curve:
    """The average photo's; for MS-SSIM the decibels of the mean, since published curves hold means of MS-SSIM."""
    groups = list(by_setting(points).values())
    rates = np.array([np.mean([point.rate for point in group]) for group in groups])
    means = np.array([np.mean([getattr(point, measure) for point in group]) for group in groups])
    return rates, decibels(means) if measure == "ms_ssim" else means


def by_setting(points: Iterable[Point]) -> dict[float, list[Point]]:
    groups: dict[float, list[Point]] = {}
    for point in points:
        groups.setdefault(point.setting, []).append(point)
    return groups


def bd_rate(anchor: Curve, other: Curve) -> float:
    """How much larger the files of `other` are at equal quality, percent; negative where they are smaller.

    Bjontegaard 2001 (VCEG-M33): the mean difference of the logarithms of the rates over the qualities that both curves
    have; here of monotone piecewise cubics (Fritsch and Carlson 1980). A ValueError where they have none in common.
    """
    (few, low), (many, high) = (rising(each) for each in (anchor, other))
    least, greatest = overlap(anchor, other)
    means = [
        PchipInterpolator(qualities, np.log(rates)).integrate(least, greatest) / (greatest - least)
        for rates, qualities in ((few, low), (many, high))
    ]
    return float(100 * np.expm1(means[1] - means[0]))


def overlap(anchor: Curve, other: Curve) -> tuple[float, float]:
    """The least and the greatest quality that both curves have, dB."""
    (_, low), (_, high) = (rising(each) for each in (anchor, other))
    least, greatest = float(max(low[0], high[0])), float(min(low[-1], high[-1]))
    if least >= greatest:
        reach = " and ".join(f"{side[0]:.2f} to {side[-1]:.2f} dB" for side in (low, high))
        raise ValueError(f"the curves have no quality in common: {reach}")
    return least, greatest


def rising(given: Curve) -> Curve:
    """In order of the rate, the points that are better than every smaller one; a ValueError for fewer than two."""
    rates, qualities = (np.asarray(side, np.float64) for side in given)
    order = np.lexsort((-qualities, rates))
    rates, qualities = rates[order], qualities[order]
    better = np.append(True, qualities[1:] > np.maximum.accumulate(qualities)[:-1])
    if better.sum() < 2:
        raise ValueError(f"a curve needs two points of rising quality, got {better.sum()} of {len(rates)}")
    return rates[better], qualities[better]


def mean_of_photos(anchor: Sequence[Point], other: Sequence[Point], measure: str) -> float:
    """The mean of the photos' own BD-rates, percent: here a photo that is hard to code counts no more than another."""
    sides = [[[p for p in side if p.photo == k] for side in (anchor, other)] for k in {p.photo for p in anchor}]
    return float(np.mean([bd_rate(*(curve(side, measure) for side in pair)) for pair in sides]))


def published(path: Path) -> dict[str, Curve]:
    """The curves of a file as CompressAI publishes them, by measure; MS-SSIM is not in all of them."""
    told = json.loads(path.read_text(encoding="utf-8"))["results"]
    held = {name.removesuffix("-rgb"): np.array(values) for name, values in told.items()}
    made = {"psnr": (held["bpp"], held["psnr"])}
    return made | ({"ms_ssim": (held["bpp"], decibels(held["ms-ssim"]))} if "ms-ssim" in held else {})


def lines(points: Mapping[str, Sequence[Point]]) -> list[str]:
    """Points by codec as lines of CSV: with a line a point, a result stays readable."""
    names = [field.name for field in dataclasses.fields(Point)]
    rows = [(f'"{codec}"', *dataclasses.astuple(point)) for codec, those in points.items() for point in those]
    return [",".join(map(str, row)) for row in [("codec", *names), *rows]]


def read(text: Iterable[str]) -> dict[str, list[Point]]:
    """Points by codec from the lines that `lines` made."""
    made: dict[str, list[Point]] = {}
    kinds = get_type_hints(Point)
    for row in csv.DictReader(text):
        made.setdefault(row.pop("codec"), []).append(Point(**{name: kinds[name](cell) for name, cell in row.items()}))
    return made


def draw(curves: Mapping[str, Mapping[str, Curve]], dashed: Iterable[str], file: Path) -> None:
    """The curves by name and measure, a panel for each measure; those whose names are in `dashed` with broken lines."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(MEASURES), figsize=(11, 4.6))
    broken = set(dashed)
    for axis, (measure, title) in zip(axes, MEASURES.items(), strict=True):
        for number, (name, held) in enumerate(curves.items()):
            if measure not in held:
                continue
            rates, qualities = rising(held[measure])
            shown = rates <= MOST
            style = {"linestyle": "--", "linewidth": 1} if name in broken else {"marker": "o", "markersize": 3}
            axis.plot(rates[shown], qualities[shown], label=name, color=f"C{number}", **style)
        axis.set(xlabel="bits per pixel", ylabel=f"{title}, dB", xlim=(0, MOST))
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    figure.savefig(file, dpi=110, facecolor="white")
    plt.close(figure)
