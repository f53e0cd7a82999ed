"""Tables of numbers and categories, with cells missing: how near synthetic rows come to the rows they were made from.

Breast cancer and diabetes as scikit-learn ships them, with columns of categories cut from numbers, and a tenth of the
cells of three columns taken away. A quarter of the rows, drawn with each seed, is for testing. Errors: of 5000
synthetic rows beside those learned from; held-out rows' own stand beside them, as what so few show. ROC-AUC: a forest
that learned from synthetic rows, or from the real ones, on the test rows. Options were chosen on splits of the same two
sets with another seed, which share rows with these. CPU-seconds: of all of `fit`. SEEDS runs each, by --seeds.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from benchmarks._result import FOLDER, Gate, Spread, write
from diabolo import Generator
from diabolo.fidelity import pair_errors, shape_errors

DRAWN, MISSING, FIRST_SEED = 5000, 0.1, 100
SHAPE, PAIRS, LOST = 0.03, 0.05, 0.02
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


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs on each set [3]")
    chosen = parser.parse_args()
    figures, gates, raw = [], [], {}
    for name, make in SETS.items():
        runs = raw[name] = [measured(make(), FIRST_SEED + seed) for seed in range(chosen.seeds)]
        figures.append({"set": name} | {key: Spread.of(one[key] for one in runs) for key in runs[0]})
        gates += [
            Gate(f"{name}: greatest column-shape error", max(one["column-shape error"] for one in runs), SHAPE),
            Gate(f"{name}: greatest pair-trend error", max(one["pair-trend error"] for one in runs), PAIRS),
            Gate(f"{name}: most ROC-AUC lost", max(one["ROC-AUC real"] - one["synthetic"] for one in runs), LOST),
            Gate(f"{name}: exact copies", max(one["copies"] for one in runs), 0),
        ]
    write("generate_tables", figures, gates, {}, FOLDER, runs=raw, threads=os.environ.get("OMP_NUM_THREADS", ""))


def measured(table: Table, seed: int) -> dict[str, Any]:
    order = np.random.default_rng(seed).permutation(len(table["label"]))
    quarter = len(order) // 4
    test, learn = ({n: c[part] for n, c in table.items()} for part in (order[:quarter], order[quarter:]))
    began = time.process_time()
    generator = Generator(random_state=seed).fit(learn, "label")
    seconds = time.process_time() - began
    made = generator.sample(DRAWN, seed=seed)
    named = [column.dtype.kind == "U" for column in table.values()]
    real, new, unseen = (list(one.values()) for one in (learn, made, test))
    rows = [set(zip(*(map(str, column) for column in one), strict=True)) for one in (real, new)]
    return {
        "column-shape error": float(shape_errors(real, new, named).mean()),
        "of held-out rows": float(shape_errors(real, unseen, named).mean()),
        "pair-trend error": float(np.nanmean(pair_errors(real, new, named))),
        "pairs of held-out rows": float(np.nanmean(pair_errors(real, unseen, named))),
        "ROC-AUC real": auc(learn, test, table),
        "synthetic": auc(made, test, table),
        "copies": len(rows[0] & rows[1]),
        "CPU-seconds": seconds,
    }


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
