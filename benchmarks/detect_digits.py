"""One-class digits and clothes: recipe `detect`, learned from one class, beside classical methods.

For each of the ten classes of MNIST and of Fashion-MNIST all its training pictures are learned from and all 10000 test
pictures are judged: AUROC of its own against the other nine. Ours: mean and standard deviation over the seeds of the
mean of ten. PCA's reconstruction error with 20 components; scikit-learn's one-class SVM (nu = 0.1, gamma scale) on the
first 2000 training pictures of the class, and its isolation forest, all on pixels in 0..1, once (seed 0). One thread.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from statistics import fmean
from typing import Any

from benchmarks._detect import PICTURES, Reports, arguments, detected, keep, keeping, others, together, told
from benchmarks._result import Gate

NAMES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"),
}
METHODS = {
    "pca-20": "PCA, 20 components (scikit-learn)",
    "one-class-svm": "one-class SVM, 2000 pictures (scikit-learn)",
    "isolation-forest": "isolation forest (scikit-learn)",
}
# Ruff et al. 2018 (Deep SVDD); Perera, Nallapati and Xiang 2019 (OCGAN).
PUBLISHED = {"Deep SVDD, published": "0.948", "OCGAN, published": "0.975"}
AUROC = (0.965, 0.975, 0.985)
SECONDS = 180  # a class


def run() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--classes", type=int, nargs="+", choices=range(10), default=list(range(10)), help="[all]")
    parser.add_argument("--sets", nargs="+", choices=PICTURES, default=list(PICTURES), help="[both]")
    given = parser.parse_args()
    partly = len(given.classes) < 10 or len(given.sets) < len(PICTURES)
    with keeping(given, partly) as chosen:
        figures, gates, raw = [], [], {}
        for name in chosen.sets:
            runs, beside = measured_on(chosen, name)
            figures += rows(chosen, name, runs, beside)
            raw[name] = {"diabolo": runs, **beside}
            if name == "mnist":
                mean = fmean(means(runs))
                gates += [Gate("mean AUROC on MNIST", mean, least, greatest=False) for least in AUROC]
            most = max(report["fit"] for reports in runs for report in reports.values())
            gates.append(Gate(f"most CPU-seconds to train on a class of {name}", most, SECONDS))
        keep("detect_digits", figures, gates, {}, chosen, runs=raw)


def measured_on(chosen: Namespace, name: str) -> tuple[list[Reports], dict[str, Any]]:
    """Ours by seed, then the others by method: reports by class."""
    sets = [f"{name}-{label}" for label in chosen.classes]
    jobs = [partial(detected, chosen, seed, sets) for seed in range(chosen.seeds)]
    *runs, beside = together([*jobs, partial(others, chosen, 0, list(METHODS), sets)])
    return runs, {method: beside[method] for method in METHODS}


def rows(chosen: Namespace, name: str, runs: list[Reports], beside: dict[str, Reports]) -> list[dict[str, Any]]:
    made = [row(name, "diabolo", runs)]
    made += [row(name, METHODS[method], [reports]) for method, reports in beside.items()]
    if name == "mnist":
        empty = dict.fromkeys(made[0], "") | {"pictures": name}
        made += [empty | {"method": method, "AUROC, mean of ten": figure} for method, figure in PUBLISHED.items()]
    return made


def row(name: str, method: str, runs: Sequence[Reports]) -> dict[str, Any]:
    classes = {key: fmean(reports[key]["auroc"] for reports in runs) for key in runs[0]}
    worst = min(classes, key=lambda key: classes[key])
    return {
        "pictures": name,
        "method": method,
        "AUROC, mean of ten": told(means(runs)),
        "worst class": f"{NAMES[name][int(worst.rpartition('-')[2])]}, {classes[worst]:.3f}",
        "CPU-seconds a class": fmean(report["fit"] for reports in runs for report in reports.values()),
    }


def means(runs: Sequence[Reports]) -> list[float]:
    """Of each seed, over the classes."""
    return [fmean(report["auroc"] for report in reports.values()) for reports in runs]


if __name__ == "__main__":
    run()
