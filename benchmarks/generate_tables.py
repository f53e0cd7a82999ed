"""Tables of numbers and categories: how near synthetic rows come to the rows they were made from.

Breast cancer and diabetes as scikit-learn ships them, with columns of categories cut from numbers, and a tenth of the
cells of three columns taken away; and the 18 tables of ADBench, of numbers, labelled normal or outlier. A quarter of
the rows of each label, drawn with each seed, is for testing. What is measured is what the command `synthesize` writes:
as many rows as it learned from, and DRAWN at least. Errors: of these rows beside those learned from; held-out rows' own
stand beside them, as what so few show. ROC-AUC: a forest that learned from synthetic rows, or from the real ones, on
the test rows. Copies: the share of rows that are among those learned from; of held-out rows it is what repeats by
itself. The method and its options were chosen on splits of the same tables with other seeds, which share rows with
these. CPU-seconds: of all of `synthesize`. SEEDS runs each, by --seeds.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from benchmarks._result import FOLDER, Gate, Spread, write
from diabolo.fidelity import pair_errors, shape_errors
from diabolo.sources.mixed import read_mixed
from diabolo.tasks.generate.synthesize import synthesize

DRAWN, MISSING, FIRST_SEED = 5000, 0.1, 100
SHAPE, PAIRS, LOST = 0.03, 0.05, 0.02
REPEATED = 0.01  # of held-out rows: where so many are among those learned from, rows repeat by themselves
Table = dict[str, np.ndarray]


def cut(values: np.ndarray, edges: Sequence[float], names: Sequence[str]) -> np.ndarray:
    return np.array(names)[np.digitize(values, edges)]


def with_holes(table: Table, names: Sequence[str]) -> Table:
    draw = np.random.default_rng(0)
    holes = {name: draw.random(len(table[name])) < MISSING for name in names}
    return table | {n: np.where(h, "" if table[n].dtype.kind == "U" else np.nan, table[n]) for n, h in holes.items()}


def cancer() -> Table:
    data = datasets.load_breast_cancer()
    table = dict(zip(data.feature_names, data.data.T, strict=True))
    edges = np.quantile(data.data[:, 2], (0.25, 0.5, 0.8))
    table["size"] = cut(data.data[:, 2], edges, ("small", "medium", "large", "huge"))
    return with_holes(table | {"label": data.target_names[data.target]}, ("mean texture", "worst area", "size"))


def diabetes() -> Table:
    data = datasets.load_diabetes(scaled=False)
    table = dict(zip(data.feature_names, data.data.T, strict=True))
    table["sex"] = cut(table["sex"], [1.5], ("f", "m"))
    table["weight"] = cut(table["bmi"], (18.5, 25, 30), ("under", "normal", "over", "obese"))
    label = cut(data.target, [np.median(data.target)], ("better", "worse"))
    return with_holes(table | {"label": label}, ("s5", "bp", "weight"))


SETS: dict[str, Callable[[], Table]] = {"breast cancer": cancer, "diabetes": diabetes}


def outliers(path: Path) -> Table:
    with np.load(path) as held:
        columns = {f"x{i}": column.astype(float) for i, column in enumerate(held["X"].T)}
        return columns | {"label": np.where(held["y"] > 0, "outlier", "normal")}


def tables() -> Iterator[tuple[str, Table]]:
    yield from ((name, make()) for name, make in SETS.items())
    for path in sorted((Path(os.environ["DIABOLO_DATA"]) / "adbench").glob("*.npz")):
        yield path.stem.partition("_")[2], outliers(path)


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs on each set [3]")
    chosen = parser.parse_args()
    figures, gates, raw = [], [], {}
    for name, table in tables():
        runs = raw[name] = [measured(table, FIRST_SEED + seed) for seed in range(chosen.seeds)]
        figures.append({"set": name} | {key: Spread.of(one[key] for one in runs) for key in runs[0]})
        if name in SETS:
            gates += [Gate(f"{name}: {what}", figure, limit) for what, figure, limit in promised(runs)]
    others = {name: promised(runs) for name, runs in raw.items() if name not in SETS}
    for place, (what, _, limit) in enumerate(next(iter(others.values()))):
        missed = sum(of[place][1] > limit for of in others.values())
        gates.append(Gate(f"tables of ADBench, of {len(others)}, with a {what} above {limit:g}", missed, 0))
    write("generate_tables", figures, gates, {}, FOLDER, runs=raw, threads=os.environ.get("OMP_NUM_THREADS", ""))


def promised(runs: Sequence[dict[str, Any]]) -> list[tuple[str, float, float]]:
    """What, how much over all runs on one table, and how much at most.

    Of ROC-AUC the mean, since some tables have a handful of outliers to test with.
    """
    repeat = fmean(one["copies, held-out rows"] for one in runs) > REPEATED
    return [
        ("column-shape error", max(one["column-shape error"] for one in runs), SHAPE),
        ("pair-trend error", max(one["pair-trend error"] for one in runs), PAIRS),
        ("loss of ROC-AUC", fmean(one["ROC-AUC real"] - one["synthetic"] for one in runs), LOST),
        ("share of copies, where rows do not repeat", 0.0 if repeat else max(one["copies"] for one in runs), 0.0),
    ]


def measured(table: Table, seed: int) -> dict[str, Any]:
    test, learn = split(table, seed)
    began = time.process_time()
    made = synthesized(learn, seed)
    seconds = time.process_time() - began
    named = [column.dtype.kind == "U" for column in table.values()]
    real, new, unseen = (list(one.values()) for one in (learn, made, test))
    known = set(rows_of(real))
    return {
        "column-shape error": float(shape_errors(real, new, named).mean()),
        "of held-out rows": float(shape_errors(real, unseen, named).mean()),
        "pair-trend error": float(np.nanmean(pair_errors(real, new, named))),
        "pairs of held-out rows": float(np.nanmean(pair_errors(real, unseen, named))),
        "ROC-AUC real": auc(learn, test, table),
        "synthetic": auc(made, test, table),
        "copies": fmean(row in known for row in rows_of(new)),
        "copies, held-out rows": fmean(row in known for row in rows_of(unseen)),
        "CPU-seconds": seconds,
    }


def split(table: Table, seed: int) -> tuple[Table, Table]:
    """A quarter of the rows of each label, and the others."""
    draw, labels = np.random.default_rng(seed), table["label"]
    apart = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        own = draw.permutation(np.flatnonzero(labels == label))
        apart[own[: max(1, len(own) // 4)]] = True
    return {n: c[apart] for n, c in table.items()}, {n: c[~apart] for n, c in table.items()}


def synthesized(learn: Table, seed: int) -> Table:
    with tempfile.TemporaryDirectory() as folder:
        real, new = Path(folder) / "real.csv", Path(folder) / "new.csv"
        with open(real, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(learn)
            columns = [["" if cell != cell else cell for cell in column.tolist()] for column in learn.values()]
            writer.writerows(zip(*columns, strict=True))
        count = max(DRAWN, len(learn["label"]))
        options = {"training.seed": seed}
        synthesize(str(real), str(new), labels="label", count=count, seed=seed, options=options)
        cells, _ = read_mixed(str(new))
    texts = {name for name, column in learn.items() if column.dtype.kind == "U"}
    return {n: np.array(c) if n in texts else np.array([float(v or "nan") for v in c]) for n, c in cells.items()}


def rows_of(columns: Sequence[np.ndarray]) -> list[tuple[str, ...]]:
    return list(zip(*(map(str, column.tolist()) for column in columns), strict=True))


def auc(learn: Table, test: Table, table: Table) -> float:
    """Of a forest's odds on the test rows; it sees categories as zeros and ones, and -1 where cells are missing."""
    answer = np.unique(table["label"])[1]
    forest = RandomForestClassifier(200, min_samples_leaf=2, random_state=0)
    forest.fit(matrix(learn, table), learn["label"] == answer)
    return float(roc_auc_score(test["label"] == answer, forest.predict_proba(matrix(test, table))[:, 1]))


def matrix(rows: Table, table: Table) -> np.ndarray:
    parts = [
        rows[n][:, None] == np.unique(c) if c.dtype.kind == "U" else np.nan_to_num(rows[n], nan=-1)[:, None]
        for n, c in table.items()
        if n != "label"
    ]
    return np.concatenate(parts, 1).astype(float)


if __name__ == "__main__":
    run()
