"""Injected faults in tables: does `explain` find the features that were made wrong? On the 18 tables of ADBench.

`detect` learns from 70 % of a table's normal rows. Of the other normal rows those that it does not flag at alpha 0.05
are base rows: the values of m = 1, 3 or 5 of their features, drawn at random, are replaced by values of the same
features in other normal rows of the test, each from a row of its own, all different from what stood there. Only what is
flagged then is kept, up to 50 rows a table and m; tables with fewer than 15 are left out for that m. Hit rate: the
share of the m features among the first m of an order, the mean over the tables. A base row that is nearly abnormal is
flagged for its own features, not for those that were replaced, and no explanation can then be right; so the same is
told of base rows whose score is the median of normal scores or more. The promised figures are those of all base rows.

The orders: the repair's, which is asked to change up to m features; that of the squared residuals, in which columns
count alike; and of what Captum's methods make of the same score against the medians of the model's typical rows:
integrated gradients with 50 steps, occlusion of one feature at a time, and KernelSHAP with max(512, 8 d) coalitions.
Deletion curve: the mean share of the score's rise that is reached when up to 10 features are replaced by the repair's
values one after the other. All of it with m = 3, as are the times, of the processor, one thread: of the repair (all
rows in one call, and no guesses of what was to be expected, which `explain` adds), and of KernelSHAP by the shap
package with its defaults, one row after the other, 2 d + 2048 coalitions, or all of them where d is small (2^d - 2),
each with 100 background rows of what was learned from. The share is of the means over the tables.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from benchmarks._detect import AT_ONCE, TABLES, keep, together, told
from benchmarks._processes import measured, peer
from benchmarks._result import Gate

FAULTS = ("1", "3", "5")
MAIN = "3"
ORDERS = ("repair", "residual", "integrated gradients", "occlusion", "KernelSHAP")
BASES = {"all": "all", "upper": "above the median"}
AREAS = {
    "the repair": "explanation",
    "residual": "residual ",
    "integrated gradients": "integrated gradients ",
    "occlusion": "occlusion ",
    "KernelSHAP": "KernelSHAP ",
    "random": "random",
}
HITS, ABOVE, TIME = 0.7, 0.75, 0.01
Reports = dict[str, dict[str, Any]]  # by table


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 to N - 1, minutes each [1]")
    parser.add_argument("--rows", type=int, default=50, metavar="N", help="of a table and m; others are a trial [50]")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES), metavar="NAME", help="[all]")
    chosen = parser.parse_args()
    chosen.trial = chosen.rows != 50 or len(chosen.tables) < len(TABLES)
    with tempfile.TemporaryDirectory() as chosen.keep:
        python, seeds = peer("shap"), range(chosen.seeds)
        parts = [part for i in range(AT_ONCE) if (part := ",".join(chosen.tables[i::AT_ONCE]))]
        runs = [(seed, chosen.keep, part) for seed in seeds for part in parts]
        explained = together([partial(measured, "explaining", *one, chosen.rows, threads=1) for one in runs])
        asked = together([partial(measured, "shapley", *one, python=python, threads=1) for one in runs])
        by_seed = [merged(runs, explained, seed) for seed in seeds]
        for seed, reports in zip(seeds, by_seed, strict=True):
            for name, time in merged(runs, asked, seed).items():
                reports[name]["KernelSHAP"] = time
        seconds = sum(one["cpu_seconds"] for one in (*explained, *asked))
        keep(
            "explain_faults",
            [*rates(by_seed), *faithful(by_seed), *times(by_seed)],
            gates(by_seed),
            asked[0]["versions"],
            chosen,
            rows=chosen.rows,
            cpu_seconds=round(seconds),
            tables={name: [reports[name] for reports in by_seed] for name in chosen.tables},
        )


def merged(runs: Sequence[tuple[int, str, str]], reports: Sequence[dict[str, Any]], seed: int) -> Reports:
    return {
        name: it
        for one, made in zip(runs, reports, strict=True)
        if one[0] == seed
        for name, it in made["tables"].items()
    }


def rates(by_seed: Sequence[Reports]) -> list[dict[str, Any]]:
    rows = []
    for base, where in BASES.items():
        for order in ORDERS:
            cells = [told([hit_rate(reports, base, m, order) for reports in by_seed]) for m in FAULTS]
            rows.append(row(f"hit rate, {order}", where, cells))
        cells = [told([fmean(chance(reports, base, m)) for reports in by_seed]) for m in FAULTS]
        rows.append(row("hit rate, random", where, cells))
        wins = [[one for reports in by_seed for one in above(reports, base, m)] for m in FAULTS]
        rows.append(row("tables where the repair is above all others", where, [f"{sum(w)} of {len(w)}" for w in wins]))
        left = [sorted({n for reports in by_seed for n in left_out(reports, base, m)}) for m in FAULTS]
        if any(left):
            named = [", ".join(name.partition("_")[2] for name in names) or "none" for names in left]
            rows.append(row("left out", where, named))
    return rows


def hit_rate(reports: Reports, base: str, m: str, order: str) -> float:
    return fmean(hits[order] for hits in hits_of(reports, base, m).values())


def hits_of(reports: Reports, base: str, m: str) -> dict[str, dict[str, float]]:
    """Hit rates by table and order, of those tables that were flagged often enough."""
    return {name: made["hits"][base][m] for name, made in reports.items() if m in made["hits"].get(base, {})}


def left_out(reports: Reports, base: str, m: str) -> set[str]:
    return set(reports) - set(hits_of(reports, base, m))


def chance(reports: Reports, base: str, m: str) -> list[float]:
    return [min(1.0, int(m) / reports[name]["features"]) for name in hits_of(reports, base, m)]


def above(reports: Reports, base: str, m: str) -> list[bool]:
    """By table: is the repair's hit rate above that of every other order?"""
    return [hits["repair"] > max(hits[o] for o in ORDERS[1:]) for hits in hits_of(reports, base, m).values()]


def faithful(by_seed: Sequence[Reports]) -> list[dict[str, Any]]:
    """Of what was tested, with three faults in all base rows."""
    areas = [
        row(
            f"area of the deletion curve, {name}",
            "all",
            main(over(by_seed, lambda made, k=key: tests(made)["area"][k])),
        )
        for name, key in AREAS.items()
    ]
    told_of = over(by_seed, lambda made: abs(tests(made)["rank_correlation_with_random_weights"]))
    worst = max(tests(made)["completeness_error"] for reports in by_seed for made in measured_on(reports))
    return [
        *areas,
        row("rank correlation with the explanation of random weights, absolute", "all", main(told_of)),
        row("error of completeness, greatest", "all", main([worst])),
        row("share that the repair makes normal", "all", main(over(by_seed, lambda made: tests(made)["repaired"]))),
    ]


def times(by_seed: Sequence[Reports]) -> list[dict[str, Any]]:
    names = {"repair": "the repair", "explanation": "the whole explanation", "KernelSHAP": "KernelSHAP by shap"}
    found = {key: over(by_seed, lambda made, k=key: made[k]) for key in names}
    digits = {"repair": 1, "explanation": 1, "KernelSHAP": 0}
    rows = [row(f"milliseconds a row, {name}", "all", main(found[key], digits[key])) for key, name in names.items()]
    least, greatest = (
        pick((made["repair"] / made["KernelSHAP"], name) for reports in by_seed for name, made in named_on(reports))
        for pick in (min, max)
    )
    ends = f"{least[0]:.2%} ({short(least[1])}) to {greatest[0]:.2%} ({short(greatest[1])})"
    return [*rows, row("time of the repair, of KernelSHAP's, by table", "all", ["", ends, ""])]


def gates(by_seed: Sequence[Reports]) -> list[Gate]:
    wins = [one for reports in by_seed for one in above(reports, "all", MAIN)]
    repair, theirs = (fmean(over(by_seed, lambda made, k=key: made[k])) for key in ("repair", "KernelSHAP"))
    hits = fmean(hit_rate(reports, "all", MAIN, "repair") for reports in by_seed)
    return [
        Gate("hit rate with 3 faults, all base rows", hits, HITS, greatest=False),
        Gate("share of the tables where the repair is above all others, 3 faults", fmean(wins), ABOVE, greatest=False),
        Gate("time of the repair, of KernelSHAP's", repair / theirs, TIME),
    ]


def over(by_seed: Sequence[Reports], figure: Callable[[dict[str, Any]], float]) -> list[float]:
    """A figure of each seed: the mean over the tables."""
    return [fmean(figure(made) for made in measured_on(reports)) for reports in by_seed]


def measured_on(reports: Reports) -> list[dict[str, Any]]:
    return [made for _, made in named_on(reports)]


def named_on(reports: Reports) -> list[tuple[str, dict[str, Any]]]:
    return [(name, made) for name, made in reports.items() if "faithfulness" in made]


def tests(made: dict[str, Any]) -> dict[str, Any]:
    return made["faithfulness"]


def main(values: Sequence[float], digits: int = 3) -> list[str]:
    return ["", told(values, digits), ""]


def row(figure: str, base: str, cells: Sequence[str]) -> dict[str, Any]:
    return {"figure": figure, "base rows": base} | {f"m = {m}": cell for m, cell in zip(FAULTS, cells, strict=True)}


def short(name: str) -> str:
    return name.partition("_")[2]


if __name__ == "__main__":
    run()
