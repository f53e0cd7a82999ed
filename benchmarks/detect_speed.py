"""How fast detection is beside bare torch with the same network, and beside PyOD's autoencoder on tables.

Against torch, in one process, in turns, ROUNDS times, one thread: training without what is drawn (no corruption, no
crops, no mirrors), Adam in both; and `AnomalyDetector.score_samples` beside the network's forward pass alone, which
gives no score. On squares of 128 x 128 pixels of magnetic tiles, digits of MNIST and rows of the table `shuttle`.
Against PyOD's autoencoder with its defaults, in an environment of its own: rows of two tables over the CPU-seconds of
all of `fit`, and of scoring the others, once. Speeds are a CPU-second's; ratios are the median over the rounds.
"""

from __future__ import annotations

from functools import partial
from statistics import median
from typing import Any

from benchmarks._detect import arguments, detected, keep, keeping, others, together
from benchmarks._processes import measured, peer
from benchmarks._result import Spread

ROUNDS = 5
STEPS = {"tiles": 16, "mnist": 100, "32_shuttle": 200}  # of one epoch
NAMES = {"tiles": "squares of tiles", "mnist": "digits", "32_shuttle": "rows"}
WAYS = {"train": "training", "score": "scoring"}
TABLES = ("24_mnist", "32_shuttle")
PEER = "AutoEncoder"


def run() -> None:
    parser = arguments(__doc__, seeds=1)
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"[{ROUNDS}]")
    parser.add_argument("--steps", type=int, metavar="N", help="a trial of N steps a round; keeps nothing")
    given = parser.parse_args()
    with keeping(given, bool(given.steps)) as chosen:
        figures = [row for kind in STEPS for row in beside_torch(kind, chosen.steps or STEPS[kind], chosen.rounds)]
        rows, versions = beside_pyod(chosen)
        keep("detect_speed", [*figures, *rows], [], versions, chosen, rounds=chosen.rounds)


def beside_torch(kind: str, steps: int, rounds: int) -> list[dict[str, Any]]:
    found = measured("detecting_speed", kind, steps, rounds, threads=1)
    names = {"train": "bare loop, same network", "score": "the network's forward pass"}
    return [
        row(f"{WAYS[way]}, {NAMES[kind]}", found[way], names[way], found[f"bare_{way}"]) for way in ("train", "score")
    ]


def beside_pyod(chosen: Any) -> tuple[list[dict[str, Any]], dict[str, str]]:
    python, seeds = peer("pyod"), range(chosen.seeds)
    jobs: list[Any] = [partial(detected, chosen, seed, TABLES) for seed in seeds]
    jobs += [partial(others, chosen, seed, [PEER], TABLES, python=python) for seed in seeds]
    done = together(jobs)
    ours, theirs = done[: len(seeds)], [reports[PEER] for reports in done[len(seeds) :]]
    rows = []
    for name in TABLES:
        for count, way, what in (("learned", "fit", "learning"), ("judged", "score", "scoring")):
            speeds = [[run[name][count] / run[name][way] for run in runs] for runs in (ours, theirs)]
            rows.append(row(f"{what} {name.partition('_')[2]}, rows", speeds[0], "PyOD's AutoEncoder", speeds[1]))
    return rows, done[-1]["versions"]


def row(what: str, ours: list[float], name: str, theirs: list[float]) -> dict[str, Any]:
    return {
        "what": what,
        "diabolo, a CPU-second": Spread.of(ours),
        "beside": name,
        "its speed": Spread.of(theirs),
        "ratio": median(a / b for a, b in zip(ours, theirs, strict=True)),
    }


if __name__ == "__main__":
    run()
