"""What the benchmarks of detection share: their flags, runs side by side, kept scores, and how figures are told.

Every run is a fresh process with one thread, and two run at a time; what is told of time is of the processor.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import _result
from benchmarks._processes import measured
from benchmarks._result import Gate

AT_ONCE = 2
PICTURES = ("mnist", "fashion-mnist")
TABLES = (
    "4_breastw",
    "6_cardio",
    "14_glass",
    "18_Ionosphere",
    "20_letter",
    "21_Lymphography",
    "24_mnist",
    "25_musk",
    "26_optdigits",
    "28_pendigits",
    "29_Pima",
    "30_satellite",
    "31_satimage-2",
    "32_shuttle",
    "38_thyroid",
    "39_vertebral",
    "40_vowels",
    "42_WBC",
)
Reports = Mapping[str, Mapping[str, Any]]  # by set


class Scores(NamedTuple):
    """Of normal images kept for calibration, of normal test images, and of abnormal ones; higher = more normal."""

    kept: np.ndarray
    good: np.ndarray
    bad: np.ndarray


def arguments(about: str, seeds: int = 5) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=seeds, metavar="N", help=f"seeds 0 to N - 1 [{seeds}]")
    parser.add_argument("--keep", default=".bench/detect", metavar="FOLDER", help="of scores [.bench/detect]")
    parser.add_argument("--again", action="store_true", help="take what is kept of the same recipe, learn the rest")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N of each part; keeps nothing")
    parser.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE", help="of the recipe: a trial too")
    return parser


@contextlib.contextmanager
def keeping(chosen: Namespace, trial: bool = False) -> Iterator[Namespace]:
    """The arguments, of a trial with a folder that is thrown away; `chosen.trial` tells the two apart."""
    chosen.trial = bool(trial or chosen.most or chosen.option)
    with tempfile.TemporaryDirectory() as folder:
        chosen.keep = folder if chosen.trial else chosen.keep
        Path(chosen.keep).mkdir(parents=True, exist_ok=True)
        yield chosen


def detected(chosen: Namespace, seed: int, sets: Sequence[str]) -> Reports:
    """What `_workers/detecting.py` reports of each set."""
    again = int(chosen.again)
    return measured("detecting", seed, chosen.keep, ",".join(sets), chosen.most, again, *chosen.option, threads=1)


def others(chosen: Namespace, seed: int, methods: Sequence[str], sets: Sequence[str], **where: str) -> Any:
    """What `_workers/outliers.py` reports of each method and set, and "versions"."""
    return measured("outliers", seed, ",".join(methods), ",".join(sets), chosen.most, threads=1, **where)


def together(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results of jobs that wait for processes, in their order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [started.result() for started in [pool.submit(job) for job in jobs]]


def scores(chosen: Namespace, name: str, seed: int) -> Scores:
    """What is kept of a set."""
    with np.load(Path(chosen.keep) / f"{name}-{seed}.npz") as held:
        return Scores(held["kept"], held["good"], held["bad"])


def told(values: Sequence[float], digits: int = 3) -> str:
    """The mean over the seeds and the standard deviation between them."""
    spread = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.{digits}f}{spread}"


def keep(
    name: str,
    figures: Sequence[dict[str, Any]],
    gates: Sequence[Gate],
    versions: dict[str, str],
    chosen: Namespace,
    **more: Any,
) -> None:
    """Keep the result; a trial's goes to its own folder."""
    folder = Path(chosen.keep) if chosen.trial else _result.FOLDER
    _result.write(name, figures, gates, versions, folder=folder, threads=1, seeds=chosen.seeds, **more)
