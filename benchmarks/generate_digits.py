"""Labelled synthetic digits and clothes: recipe `generate` beside a mixture over principal components, and real ones.

A small classifier (two hidden layers) learns from 30000 labelled samples, each class equally often, and is tested on
the 10000 real test pictures; "real" learns from as many real ones. Precision, recall, coverage (five neighbours) and
the Frechet distance in the last hidden layer of a classifier of real pictures; "told apart": the share that another
classifier calls rightly real or made; "copied": samples nearer to a training picture than 99 % of the test pictures
are. Mean and standard deviation over the seeds, each run in a process of its own with one thread. `--sheet` draws
samples of seed 0.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import _result
from benchmarks._detect import PICTURES, together, told
from benchmarks._processes import ENVIRONMENTS, measured
from benchmarks._result import Gate

METHODS = {
    "real": "real pictures",
    "pca-mixture": "PCA 64 + mixture of 10 for each class (scikit-learn)",
    "diabolo": "diabolo, recipe `generate`",
}
POINTS = {"mnist": (1.0, 0.5, 0.2), "fashion-mnist": (4.0, 3.0, 2.0)}  # of accuracy below real pictures
LEAST = {"coverage": 0.9, "recall": 0.8}
MOST = {"told_apart": 0.75, "copied": 0.02}
MINUTES = 15  # of the processor, to learn
KEPT = ENVIRONMENTS / "generate_digits"  # samples, for the sheet
COLUMNS = 24  # of the sheet, for each set


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 to N - 1 [3]")
    parser.add_argument("--sets", nargs="+", choices=PICTURES, default=list(PICTURES), help="[both]")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N pictures; keeps nothing")
    parser.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE", help="of the recipe: a trial too")
    parser.add_argument("--sheet", metavar="FILE", help="a picture to write")
    chosen = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    places = [(name, method, seed) for seed in range(chosen.seeds) for name in chosen.sets for method in METHODS]
    reports = dict(zip(places, together([partial(report, chosen, *place) for place in places]), strict=True))
    figures, gates, raw = [], [], {}
    for name in chosen.sets:
        runs = {method: [reports[name, method, seed] for seed in range(chosen.seeds)] for method in METHODS}
        figures += [row(name, method, of) for method, of in runs.items()]
        gates += promised(name, runs)
        raw[name] = runs
    if chosen.sheet:
        Image.fromarray(np.hstack([drawn(name) for name in chosen.sets])).save(chosen.sheet, optimize=True)
    trial = chosen.most or chosen.option or len(chosen.sets) < len(PICTURES)
    folder = ENVIRONMENTS if trial else _result.FOLDER
    _result.write("generate_digits", figures, gates, {}, folder=folder, threads=1, seeds=chosen.seeds, runs=raw)


def report(chosen: argparse.Namespace, name: str, method: str, seed: int) -> dict[str, Any]:
    options = chosen.option if method == "diabolo" else []
    return measured("generating", name, method, seed, chosen.most, str(KEPT), *options, threads=1)


def row(name: str, method: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    keys = ("precision", "recall", "coverage", "frechet", "told_apart", "copied")
    figures = {key: told([run[key] for run in runs]) for key in keys}
    if method == "real":
        figures["copied"] = ""  # they are the training pictures
    return {
        "pictures": name,
        "from": METHODS[method],
        "accuracy on real, %": told([run["accuracy"] for run in runs], 2),
        "label agreed with, %": told([run["agreement"] for run in runs], 2),
        **{key.replace("_", " "): figure for key, figure in figures.items()},
        "CPU-minutes to learn": "" if method == "real" else told([run["learning"] / 60 for run in runs], 1),
    }


def promised(name: str, runs: dict[str, list[dict[str, Any]]]) -> list[Gate]:
    """What was promised of ours."""
    ours = {key: fmean(run[key] for run in runs["diabolo"]) for key in runs["diabolo"][0]}
    below = fmean(run["accuracy"] for run in runs["real"]) - ours["accuracy"]
    gates = [Gate(f"points of accuracy below real, {name}", below, points) for points in POINTS[name]]
    gates += [Gate(f"{key} of {name}", ours[key], least, greatest=False) for key, least in LEAST.items()]
    gates += [Gate(f"{key.replace('_', ' ')}, {name}", ours[key], most) for key, most in MOST.items()]
    return [*gates, Gate(f"CPU-minutes to learn {name}", max(r["learning"] for r in runs["diabolo"]) / 60, MINUTES)]


def drawn(name: str) -> np.ndarray:
    """The first samples of every class, a class in a row."""
    with np.load(Path(KEPT) / f"{name}-diabolo-0.npz") as kept:
        rows = [np.hstack(list(kept["images"][kept["labels"] == one][:COLUMNS])) for one in range(10)]
    return np.pad(np.vstack(rows), ((0, 0), (0, 4)), constant_values=255)


if __name__ == "__main__":
    run()
