"""Outliers in tables: recipe `detect` on the 18 tables of ADBench, beside PyOD's methods with their defaults.

Of each table 70 % of the normal rows, drawn by the seed, are learned from; the others and all anomalies are judged.
Nothing is done to the rows first but what a method does by itself. Mean over the tables of the AUROC: mean and standard
deviation over the seeds. A method's rank among the seven is by its mean AUROC on a table; the mean rank is over the
tables. The CPU-seconds are those of learning all tables once. PyOD runs in an environment of its own, one thread.
"""

from __future__ import annotations

from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import rankdata

from benchmarks._detect import TABLES, Reports, arguments, detected, keep, keeping, others, together, told
from benchmarks._processes import peer
from benchmarks._result import Gate

METHODS = ("KNN", "IForest", "ECOD", "PCA", "LOF", "AutoEncoder")
SHARE = 0.2  # of the CPU-seconds of PyOD's autoencoder


def run() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES), metavar="NAME", help="[all]")
    given = parser.parse_args()
    with keeping(given, len(given.tables) < len(TABLES)) as chosen:
        python, seeds = peer("pyod"), range(chosen.seeds)
        jobs: list[Any] = [partial(detected, chosen, seed, chosen.tables) for seed in seeds]
        jobs += [partial(others, chosen, seed, METHODS, chosen.tables, python=python) for seed in seeds]
        done = together(jobs)
        beside = done[len(seeds) :]
        runs = {"diabolo": done[: len(seeds)]} | {m: [by_method[m] for by_method in beside] for m in METHODS}
        figures = rows(runs, chosen.tables)
        mean = {method: fmean(fmean(aurocs(reports)) for reports in seen) for method, seen in runs.items()}
        seconds = {method: fmean(map(fit_seconds, seen)) for method, seen in runs.items()}
        gates = [
            Gate("mean AUROC, PyOD's AutoEncoder's", mean["diabolo"], mean["AutoEncoder"], greatest=False),
            Gate("mean AUROC, PyOD's KNN's", mean["diabolo"], mean["KNN"], greatest=False),
            Gate("CPU-seconds, of PyOD's AutoEncoder's", seconds["diabolo"] / seconds["AutoEncoder"], SHARE),
        ]
        tables = {
            name: {m: [round(reports[name]["auroc"], 5) for reports in seen] for m, seen in runs.items()}
            for name in chosen.tables
        }
        keep("detect_tables", figures, gates, beside[0]["versions"], chosen, tables=tables)


def rows(runs: dict[str, list[Reports]], tables: list[str]) -> list[dict[str, Any]]:
    by_table = [[fmean(reports[name]["auroc"] for reports in seen) for seen in runs.values()] for name in tables]
    ranks = rankdata(-np.array(by_table), axis=1)
    return [
        {
            "method": method if method == "diabolo" else f"{method} (PyOD)",
            "mean AUROC": told([fmean(aurocs(reports)) for reports in seen]),
            "mean rank": float(ranks[:, i].mean()),
            "worst table": worst(tables, [values[i] for values in by_table]),
            "CPU-seconds to learn": told([fit_seconds(reports) for reports in seen], 1),
        }
        for i, (method, seen) in enumerate(runs.items())
    ]


def worst(tables: list[str], values: list[float]) -> str:
    least = min(values)
    return f"{tables[values.index(least)].partition('_')[2]}, {least:.3f}"


def aurocs(reports: Reports) -> list[float]:
    return [report["auroc"] for report in reports.values()]


def fit_seconds(reports: Reports) -> float:
    return sum(report["fit"] for report in reports.values())


if __name__ == "__main__":
    run()
