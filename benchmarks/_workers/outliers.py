"""Other methods on sets of `_normality`: outliers.py SEED METHODS SETS MOST; METHODS and SETS with commas.

METHODS: pca-20, one-class-svm and isolation-forest are scikit-learn's, for pictures, which they see as pixels in 0..1;
names of PyOD's classes are these with their defaults and, where they draw, the seed. MOST as in `detecting`. Reports
by method and set the AUROC and the CPU-seconds of `fit` and of `score`.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from _measure import Clock, report, warm_up
from _normality import split
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.svm import OneClassSVM

Score = Callable[[np.ndarray], np.ndarray]  # (n, d) -> (n,), higher = more abnormal
PYOD = {
    "KNN": "knn",
    "IForest": "iforest",
    "ECOD": "ecod",
    "PCA": "pca",
    "LOF": "lof",
    "AutoEncoder": "auto_encoder",
}
COMPONENTS = 20
WARM = 64  # rows or pictures
MOST_VECTORS = 2000  # pictures that the one-class SVM learns from, the first of the class; its time grows with n^2


def components(train: np.ndarray, seed: int) -> Score:
    pca = PCA(COMPONENTS, svd_solver="covariance_eigh").fit(train)
    return lambda x: np.square(x - pca.inverse_transform(pca.transform(x))).mean(1)


def vectors(train: np.ndarray, seed: int) -> Score:
    machine = OneClassSVM(nu=0.1, gamma="scale").fit(train[:MOST_VECTORS])
    return lambda x: -machine.score_samples(x)


def forest(train: np.ndarray, seed: int) -> Score:
    trees = IsolationForest(random_state=seed).fit(train)
    return lambda x: -trees.score_samples(x)


def pyod(name: str) -> Callable[[np.ndarray, int], Score]:
    kind = getattr(importlib.import_module(f"pyod.models.{PYOD[name]}"), name)
    drawn = "random_state" in inspect.signature(kind).parameters

    def fitted(train: np.ndarray, seed: int) -> Score:
        with contextlib.redirect_stdout(sys.stderr):  # its networks print
            return kind(**({"random_state": seed} if drawn else {})).fit(train).decision_function

    return fitted


OURS = {"pca-20": components, "one-class-svm": vectors, "isolation-forest": forest}


def tried(method: str, name: str, seed: int, most: int) -> dict[str, Any]:
    parts = split(name, seed, most)
    if parts.train.ndim == 3:
        parts = [part.reshape(len(part), -1) / 255.0 for part in parts]
    train, good, bad = parts
    learn = OURS[method] if method in OURS else pyod(method)
    learn(train[:WARM], seed)  # what a first call imports and compiles is no learning
    clock = Clock()
    score = learn(train, seed)
    fit = clock.read()["cpu_seconds"]
    clock = Clock()
    scores = score(np.concatenate((good, bad)))
    used = clock.read()["cpu_seconds"]
    truth = np.arange(len(scores)) >= len(good)
    figures = {
        "auroc": float(roc_auc_score(truth, np.nan_to_num(scores, posinf=np.finfo(float).max))),
        "fit": fit,
        "score": used,
    }
    return figures | {"learned": len(train), "judged": len(scores)}


seed, methods, sets, most = sys.argv[1:]
warnings.filterwarnings("ignore")
with contextlib.suppress(ImportError):
    warm_up()
done = {
    method: {name: tried(method, name, int(seed), int(most)) for name in sets.split(",")}
    for method in methods.split(",")
}
foreign = any(method in PYOD for method in methods.split(","))
report(**done, versions={"pyod": version("pyod")} if foreign else {})
