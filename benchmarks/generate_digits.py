"""Labelled synthetic digits and clothes: recipe `generate` beside a mixture over principal components, and real ones.

A small classifier (two hidden layers) learns from 30000 labelled samples, each class equally often, and is tested on
the 10000 real test pictures; "real" learns from as many real ones. Precision, recall and coverage with five neighbours,
in the last hidden layer of a classifier of real pictures; "told apart": the share that another classifier calls rightly
real or made; "copied": samples nearer to a training picture than 99 % of the test pictures are. Mean and standard
deviation over the seeds. Two threads.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from benchmarks import _result
from benchmarks._detect import PICTURES, told
from benchmarks._processes import ROOT, measured
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


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 to N - 1 [3]")
    parser.add_argument("--sets", nargs="+", choices=PICTURES, default=list(PICTURES), help="[both]")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N pictures; keeps nothing")
    parser.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE", help="of the recipe: a trial too")
    chosen = parser.parse_args()
    figures, gates, raw = [], [], {}
    for name in chosen.sets:
        runs = {method: reports(chosen, name, method) for method in METHODS}
        figures += [row(name, METHODS[method], of) for method, of in runs.items()]
        gates += promised(name, runs)
        raw[name] = runs
    trial = chosen.most or chosen.option or len(chosen.sets) < len(PICTURES)
    folder = ROOT / ".bench" if trial else _result.FOLDER
    _result.write("generate_digits", figures, gates, {}, folder=folder, threads=2, seeds=chosen.seeds, runs=raw)


def reports(chosen: argparse.Namespace, name: str, method: str) -> list[dict[str, Any]]:
    options = chosen.option if method == "diabolo" else []
    return [measured("generating", name, method, seed, chosen.most, *options) for seed in range(chosen.seeds)]


def row(name: str, method: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "pictures": name,
        "from": method,
        "accuracy on real, %": told([run["accuracy"] for run in runs], 2),
        "label agreed with, %": told([run["agreement"] for run in runs], 2),
        **{
            key: told([run[key] for run in runs]) for key in ("precision", "recall", "coverage", "told_apart", "copied")
        },
        "CPU-minutes": fmean(run["learning"] for run in runs) / 60,
    }


def promised(name: str, runs: dict[str, list[dict[str, Any]]]) -> list[Gate]:
    """What was promised of ours."""
    ours = {key: fmean(run[key] for run in runs["diabolo"]) for key in runs["diabolo"][0]}
    below = fmean(run["accuracy"] for run in runs["real"]) - ours["accuracy"]
    gates = [Gate(f"points of accuracy below real, {name}", below, points) for points in POINTS[name]]
    gates += [Gate(f"{key} of {name}", ours[key], least, greatest=False) for key, least in LEAST.items()]
    gates += [Gate(f"{key.replace('_', ' ')}, {name}", ours[key], most) for key, most in MOST.items()]
    return [*gates, Gate(f"CPU-minutes to learn {name}", ours["learning"] / 60, MINUTES)]


if __name__ == "__main__":
    run()
