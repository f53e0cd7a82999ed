"""Digits as records of four modalities: how well what is drawn of each agrees with any one that is given.

A picture of MNIST, its label, a table row of five statistics of its strokes, and a caption of two words ("thin three").
From one modality of each of 1000 test records the others are completed: cells are read off a picture without chance,
all else is drawn. Coherence, in per cent: the label, the caption's digit, or the digit that a classifier of real
pictures sees in the picture, is that of the test record; its stroke is the one that the width says; a statistic is
within half a standard deviation of the record's own ("near", the mean of the five). Drawn from nothing, label, picture
and caption tell one digit. The same with half of the modalities of the training records missing at random. Published
figures: MultiVae's, on another set. One thread.
"""

from __future__ import annotations

import argparse
from statistics import fmean
from typing import Any

from benchmarks import _result
from benchmarks._processes import ROOT, measured
from benchmarks._result import Gate, Spread

SHARES = {0.0: "all modalities", 0.5: "half of them missing"}
DIGITS = ("label", "picture", "caption")
ONE, JOINT, LOST, MINUTES = 97.0, 95.0, 3.0, 15.0
PUBLISHED = "MultiVae on PolyMNIST (published): 87 to 89, of five pictures, another and harder set"


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="seeds 0 to N - 1 [3]")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N records; keeps nothing")
    chosen = parser.parse_args()
    runs = {
        share: [measured("modalities", share, seed, chosen.most, threads=1) for seed in range(chosen.seeds)]
        for share in SHARES
    }
    names = runs[0.0][0]["shares"]
    figures = [
        {"from what": name}
        | {told: Spread.of(one["shares"][name] for one in runs[share]) for share, told in SHARES.items()}
        for name in names
    ]
    figures.append({"from what": PUBLISHED} | dict.fromkeys(SHARES.values(), "-"))
    raw = {SHARES[share]: of for share, of in runs.items()}
    folder = ROOT / ".bench" if chosen.most else _result.FOLDER
    _result.write("generate_modalities", figures, promised(runs), {}, folder, seeds=chosen.seeds, threads=1, runs=raw)


def promised(runs: dict[float, list[dict[str, Any]]]) -> list[Gate]:
    """What was promised, of the means over the seeds."""
    whole, half = ({n: fmean(one["shares"][n] for one in of) for n in of[0]["shares"]} for of in runs.values())
    ways = [f"{a} > {b}" for a in DIGITS for b in DIGITS if a != b]
    ways += ["picture > row", "row > picture", "picture > caption's stroke", "caption > picture's stroke"]
    joint = "joint: label, picture, caption"
    gates = [Gate(f"coherence, {way}, %", whole[way], ONE, greatest=False) for way in ways]
    gates.append(Gate(f"{joint}, %", whole[joint], JOINT, greatest=False))
    gates += [Gate(f"points lost, {way}", whole[way] - half[way], LOST) for way in (*ways, joint)]
    slowest = max(one["learning"] for of in runs.values() for one in of)
    return [*gates, Gate("CPU-minutes to learn", slowest / 60, MINUTES)]


if __name__ == "__main__":
    run()
