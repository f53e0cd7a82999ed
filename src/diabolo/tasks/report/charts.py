"""Charts as SVG that stands inside a page: text and lines take the page's colours, in the dark and in the light."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from diabolo.tasks.comparison.record import REFERENCE, Comparison
from diabolo.tasks.report import pictures

INK, RULE = "#010203", "#040506"  # stand-ins, replaced by the page's own colours
HUES = ("#2a9d8f", "#3f7fd0", "#d9722e", "#9b6bc0", "#c2557a", "#8f8a2f")
CLASSES = ("#4e79a7", "#f28e2b", "#e15759", "#59a79b", "#59a14f", "#c9a227", "#b07aa1", "#ff8fa0", "#9c755f", "#8c8c8c")
MOST_POINTS = 600  # in one map
MOST_THUMBNAILS = 120
_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}


def hues(comparison: Comparison) -> dict[str, str]:
    """A colour for each method; PCA, the reference, has the ink's."""
    others = [name for name in comparison.methods if name != REFERENCE]
    return {REFERENCE: INK} | {name: HUES[i % len(HUES)] for i, name in enumerate(others)}


@contextlib.contextmanager
def _drawing(
    name: str, width: float, height: float, columns: int = 1, rows: int = 1
) -> Iterator[tuple[Any, Any, list[str]]]:
    """A figure and its axes (rows x columns), in inches, and a list that afterwards holds its SVG text."""
    told: list[str] = []
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(style):
        figure = Figure((width, height), layout="constrained")
        yield figure, figure.subplots(rows, columns, squeeze=False), told
        file = io.StringIO()
        unsaid: Any = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=unsaid)
    told.append(_inline(file.getvalue(), name))


def _inline(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\1{name}-", svg)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{name.replace("-", " ")}"', 1)
    return svg.replace(INK, "currentColor").replace(RULE, "var(--rule)")


def error_by_size(comparison: Comparison) -> str:
    """Test error against the code length; PCA is the dashed line."""
    with _drawing("error-by-size", 4.6, 3.1) as (_, axes, told):
        axis: Axes = axes[0, 0]
        for name, hue in hues(comparison).items():
            results = sorted((r for r in comparison.results if r.method == name), key=lambda r: r.size)
            dashes, marker = ("--", "") if name == REFERENCE else ("-", "o")
            layer = 5 if name == REFERENCE else 3
            x, y = [r.size for r in results], [r.mse for r in results]
            axis.plot(x, y, dashes, marker=marker, ms=4.5, lw=1.8, color=hue, label=name, zorder=layer)
        axis.set(xscale="log", yscale="log", xlabel="numbers in the code", ylabel="mean squared error")
        _finish(axis)
        axis.xaxis.set_major_locator(FixedLocator(comparison.sizes))
    return told[0]


def error_of_images(comparison: Comparison) -> str:
    """The spread of single test images' errors: a box from quartile to quartile, whiskers from 5 to 95 of 100."""
    results = list(reversed(comparison.at(comparison.focus)))
    with _drawing("error-of-images", 4.6, 0.9 + 0.42 * len(results)) as (_, axes, told):
        axis: Axes = axes[0, 0]
        names = [result.method for result in results]
        line = {"color": INK, "lw": 1}
        boxes = axis.boxplot(
            [result.errors for result in results],
            orientation="horizontal",
            whis=(5, 95),
            showfliers=False,
            patch_artist=True,
            widths=0.55,
            medianprops={"color": INK, "lw": 1.6},
            whiskerprops=line,
            capprops=line,
        )
        for box, name in zip(boxes["boxes"], names, strict=True):
            hue = hues(comparison)[name]
            box.set(facecolor="none" if hue == INK else hue, edgecolor=hue, alpha=1 if hue == INK else 0.75)
        axis.set(xscale="log", xlabel=f"error of an image, code of {comparison.focus} numbers")
        axis.set_yticklabels(names)
        axis.tick_params(axis="y", length=0)
        _finish(axis, "x")
    return told[0]


def learning(comparison: Comparison) -> str:
    """Error on the validation images after each epoch, beside the error of PCA on the same images."""
    with _drawing("learning", 4.6, 3.1) as (_, axes, told):
        axis: Axes = axes[0, 0]
        for result in comparison.at(comparison.focus):
            if result.curve:
                y = [error for _, error in result.curve]
                hue = hues(comparison)[result.method]
                axis.plot(np.arange(1, len(y) + 1), y, color=hue, lw=1.8, label=result.method)
        axis.axhline(comparison.validation_bar, color=INK, ls="--", lw=1.6, label="PCA, closed form", zorder=5)
        axis.set(xscale="log", yscale="log", xlabel="epoch", ylabel="mean squared error")
        _finish(axis)
    return told[0]


def spectrum(comparison: Comparison) -> str:
    """The share of the code's variance that each of its numbers has, in the order of the code."""
    with _drawing("spectrum", 4.6, 2.7) as (_, axes, told):
        axis: Axes = axes[0, 0]
        for name, traits in comparison.traits.items():
            style, layer = ("--", 5) if name == REFERENCE else ("-", 3)
            x, hue = np.arange(1, len(traits.spectrum) + 1), hues(comparison)[name]
            axis.plot(x, traits.spectrum, style, marker=".", color=hue, lw=1.5, label=name, zorder=layer)
        axis.set(xlabel="number in the code", ylabel="share of variance")
        axis.set_ylim(bottom=0)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        _finish(axis)
    return told[0]


def maps(comparison: Comparison) -> str:
    """The test images' codes of two numbers, a panel for each method: coloured by class, or as small pictures."""
    results = [result for result in comparison.at(2) if result.method != "linear-gradient"]
    columns = 2
    rows = -(-len(results) // columns)
    with _drawing("maps", 6.6, 3.1 * rows, columns, rows) as (figure, axes, told):
        for axis, result in zip(axes.flat, results, strict=False):
            axis.set_title(result.method)
            axis.set(xticks=[], yticks=[])
            if comparison.images.labels is not None:
                _dots(axis, result.codes, comparison.images.labels)
            else:
                _thumbnails(axis, result.codes, comparison)
        for axis in list(axes.flat)[len(results) :]:
            axis.remove()
        if comparison.images.labels is not None:
            handles, names = axes[0, 0].get_legend_handles_labels()
            figure.legend(handles, names, loc="outside lower center", ncols=10, handletextpad=0, columnspacing=0.9)
    return told[0]


def _dots(axis: Axes, codes: np.ndarray, labels: np.ndarray) -> None:
    codes, labels = codes[:MOST_POINTS], labels[:MOST_POINTS]
    for i, label in enumerate(np.unique(labels)):
        here = codes[labels == label]
        hue = CLASSES[i % len(CLASSES)]
        axis.plot(here[:, 0], here[:, 1], ".", color=hue, ms=4.5, mew=0, alpha=0.85, label=str(label))
        x, y = np.median(here, axis=0)
        around = {"boxstyle": "circle,pad=0.18", "fc": hue, "ec": "white", "lw": 0.8}
        axis.text(x, y, str(label), color="white", weight="bold", size=8, ha="center", va="center", bbox=around)


def _thumbnails(axis: Axes, codes: np.ndarray, comparison: Comparison) -> None:
    """Small pictures where their codes are, each in a free place of a grid so that none hides another."""
    conversion, cells = comparison.images.conversion, 13
    low, high = np.percentile(codes, 1, axis=0), np.percentile(codes, 99, axis=0)
    places = ((codes - low) / np.where(high > low, high - low, 1) * (cells - 1)).round().astype(int)
    taken: dict[tuple[int, ...], int] = {}
    for i, place in enumerate(map(tuple, places[: 20 * MOST_THUMBNAILS])):
        if all(0 <= at < cells for at in place):
            taken.setdefault(place, i)
    for (x, y), i in list(taken.items())[:MOST_THUMBNAILS]:
        picture = pictures.seen(comparison.images.test[i], conversion)
        colour = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        axis.imshow(colour, extent=(x - 0.47, x + 0.47, y - 0.47, y + 0.47), interpolation="nearest")
    axis.set(xlim=(-1, cells), ylim=(-1, cells), aspect="equal")


def _finish(axis: Axes, grid: str = "both") -> None:
    axis.grid(True, axis=grid, which="major")  # type: ignore[arg-type]
    axis.set_axisbelow(True)
    for one, scale in ((axis.xaxis, axis.get_xscale()), (axis.yaxis, axis.get_yscale())):
        if scale == "log":
            one.set_major_locator(LogLocator(subs=(1, 2, 5)))
            one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            one.set_minor_locator(NullLocator())
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8.5, handlelength=1.8)
