"""Whether the stated rates hold: false alarms and false discoveries over SPLITS random calibrations of every set.

A set is a table of ADBench, a digit of MNIST against the other nine, or the magnetic tiles; its detector is trained
once for each seed, or was by `detect_tables`, `detect_digits` and `detect_tiles`, whose kept scores are taken where
the recipe is the same. The scores of normal images that nothing was learned from are split at random into halves: the
one is kept to calibrate with, the other tested. False alarms: the share of the tested half below the threshold of
alpha. False discoveries: of this half and all abnormal images together, what Benjamini-Hochberg discovers at alpha, the
share of it that is normal (0 where nothing is).

A rate is told as the mean over the splits with the standard error of that mean. The splits share their images; but
given these, every split is as likely as any other, and the promise is of the mean over all of them: the drawn ones are
independent draws. What another sample of images would give is not in the standard error. Where the calibrating half
is too small for alpha it says "too few", as the detector does.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks._detect import TABLES, Scores, arguments, detected, keep, keeping, scores, together
from benchmarks._result import Gate
from diabolo import conformal

SPLITS = 200
ALPHAS = (0.01, 0.05, 0.1, 0.2)
CONTROLS = ("false alarms", "false discoveries")
SETS = {"tiles": ("tiles",), "mnist": tuple(f"mnist-{digit}" for digit in range(10)), "tables": TABLES}
BEYOND = 2  # standard errors


class Rate(NamedTuple):
    """A mean over the splits, and its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: np.ndarray) -> Rate:
        return cls(float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values))))

    def broken(self, alpha: float) -> bool:
        return self.mean > alpha + BEYOND * self.error

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.error:.4f}"


def run() -> None:
    parser = arguments(__doc__, seeds=1)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="only some, for a trial [all]")
    given = parser.parse_args()
    given.again = True
    with keeping(given, len(given.sets) < len(SETS)) as chosen:
        seeds, names = range(chosen.seeds), [name for group in chosen.sets for name in SETS[group]]
        together([partial(detected, chosen, seed, SETS[group]) for group in chosen.sets for seed in seeds])
        held = {name: [scores(chosen, name, seed) for seed in seeds] for name in names}
        found = {name: rates(seen) for name, seen in held.items()}
        figures = [row(name, held[name], found[name]) for name in names]
        gates, broken = judged(found)
        plain = {name: {key: rate._asdict() for key, rate in by_key.items()} for name, by_key in found.items()}
        keep("detect_promise", figures, gates, {}, chosen, splits=SPLITS, broken=broken, rates=plain)


def judged(found: dict[str, dict[str, Rate]]) -> tuple[list[Gate], dict[str, list[str]]]:
    """For each control and alpha how many sets do not keep the promise, and which."""
    gates, broken = [], {}
    for control in CONTROLS:
        for alpha in ALPHAS:
            key = f"{control}, {alpha:g}"
            broken[key] = [name for name, seen in found.items() if key in seen and seen[key].broken(alpha)]
            gates.append(Gate(f"sets with more {control} than {alpha:g} and two standard errors", len(broken[key]), 0))
    return gates, broken


def rates(seen: list[Scores]) -> dict[str, Rate]:
    """The rates by control and alpha, over SPLITS splits of each seed's scores; those of too few scores are absent."""
    realised: dict[str, list[float]] = {}
    for one in seen:
        normal = np.concatenate((one.kept, one.good))
        draw, half = np.random.default_rng(0), len(normal) // 2
        for _ in range(SPLITS):
            mixed = draw.permutation(normal)
            calibrating, tested = np.sort(mixed[:half]), mixed[half:]
            for alpha in ALPHAS:
                if conformal.fewest(alpha) <= half:
                    alarms = (tested < conformal.threshold(calibrating, alpha)).mean()
                    realised.setdefault(f"false alarms, {alpha:g}", []).append(float(alarms))
                    share = false_share(calibrating, tested, one.bad, alpha)
                    realised.setdefault(f"false discoveries, {alpha:g}", []).append(share)
    return {key: Rate.of(np.array(values)) for key, values in realised.items()}


def false_share(calibrating: np.ndarray, tested: np.ndarray, bad: np.ndarray, alpha: float) -> float:
    """Of what is discovered among normal and abnormal scores, the share that is normal."""
    p = conformal.p_values(np.concatenate((tested, bad)), calibrating)
    found = conformal.benjamini_hochberg(p, alpha)
    return float(found[: len(tested)].sum() / max(1, found.sum()))


def row(name: str, seen: list[Scores], found: dict[str, Rate]) -> dict[str, Any]:
    normal = len(seen[0].kept) + len(seen[0].good)
    cells = {
        f"{control}, {alpha:g}": str(found.get(f"{control}, {alpha:g}", "too few"))
        for control in CONTROLS
        for alpha in ALPHAS
    }
    return {"set": name, "normal": normal, "abnormal": len(seen[0].bad)} | cells


if __name__ == "__main__":
    run()
