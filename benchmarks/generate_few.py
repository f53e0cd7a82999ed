"""Whether made pictures help where real ones are few: 10, 50 and 100 of each class, of three sets.

One classifier, as many steps in each arm: of real pictures; of the same with classical augmentation, another at every
step, whose strength was chosen on pictures apart; of these and of 3000 of ours, augmented alike, where `Generator`
learned from 2000 augmented copies of the few pictures. As a control, mixtures of two pictures pixel by pixel in ours'
place. Test pictures are those of the set; of MedNIST, which has none and is taken at 32 x 32, 400 of each class. A gain
is that over classical augmentation, paired by seed, with Student's 95 % interval. One thread, a minute or two a run.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np

from benchmarks import _result
from benchmarks._detect import together
from benchmarks._processes import ENVIRONMENTS, measured
from benchmarks._result import Gate, Spread
from diabolo.fidelity import Interval

SETS = ("mnist", "fashion-mnist", "mednist")
EACH = (10, 50, 100)  # pictures of a class
STEPS, MADE = 800, 3000  # on MNIST classical augmentation was 0.6 points better after 1000 steps than after 400
LEAST, ON = 1.0, 2  # points of gain with the fewest pictures, on so many sets


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 [5]")
    parser.add_argument("--each", type=int, nargs="+", choices=EACH, default=list(EACH), help="pictures of a class")
    parser.add_argument("--quick", action="store_true", help="few steps and pictures, to see that all runs")
    chosen = parser.parse_args()
    steps, made = (STEPS // 40, MADE // 40) if chosen.quick else (STEPS, MADE)
    runs = [(name, each, seed) for name in SETS for each in chosen.each for seed in range(chosen.seeds)]
    found = together([partial(measured, "few", *one, steps, made, threads=1) for one in runs])
    by_row: dict[str, list[dict[str, Any]]] = {}
    for (name, each, _), report in zip(runs, found, strict=True):
        by_row.setdefault(f"{name}, {each}", []).append(report)
    figures = [row(what, of) for what, of in by_row.items()]
    gates = []
    if EACH[0] in chosen.each:
        gains = sorted(gain(by_row[f"{name}, {EACH[0]}"], "ours").value for name in SETS)
        what = f"points over classical at {EACH[0]} of a class, on {ON} of {len(SETS)} sets"
        gates = [Gate(what, gains[-ON], LEAST, greatest=False)]
    folder = ENVIRONMENTS if chosen.quick else _result.FOLDER
    _result.write("generate_few", figures, gates, {}, folder, threads=1, seeds=chosen.seeds, runs=by_row)


def row(what: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    ours = gain(runs, "ours")
    return {
        "pictures, of each class": what,
        "real, %": Spread.of(run["real"] for run in runs),
        "+ classical, %": Spread.of(run["classical"] for run in runs),
        "+ classical + ours, %": Spread.of(run["ours"] for run in runs),
        "gain of ours, points": told(ours),
        "verdict": "helps" if ours.low > 0 else "does not help",
        "gain of mixtures, points": told(gain(runs, "blended")),
        "CPU-seconds to make": round(Spread.of(run["making"] for run in runs).median),
    }


def gain(runs: list[dict[str, Any]], arm: str) -> Interval:
    """Points over classical augmentation, the mean over the seeds."""
    return Interval.of_mean(np.array([run[arm] - run["classical"] for run in runs]))


def told(interval: Interval) -> str:
    return f"{interval.value:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})"


if __name__ == "__main__":
    run()
