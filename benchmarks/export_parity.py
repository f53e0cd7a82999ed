"""Whether an exported detector judges as torch does: the greatest differences under ONNX Runtime, on every set.

`detect` learns from the magnetic tiles, from one class of MNIST and of Fashion-MNIST, and from each of the 18 tables of
ADBench, seed 0; what is compared are images that nothing was learned from, up to MOST normal and as many abnormal ones,
one at a time. All of them are small enough that torch looks at them whole, as the file does. A score or a place of a
map, whose unit is standard deviations of normal images, may differ by NEAR; a verdict at alpha 0.05 may not. Beside it
stands the difference relative to the value where this is more than 1. A p-value jumps where a score equals one that was
kept, as of rows that are there twice. The tiles' model has learned for a few steps only, which changes nothing of what
is done.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks._detect import PICTURES, TABLES, arguments, keep, keeping, together
from benchmarks._processes import measured
from benchmarks._result import Gate

NEAR = 1e-4
MOST = 200
SETS = ("tiles", *(f"{family}-0" for family in PICTURES), *TABLES)
FIGURES = ("score", "map", "score, relative", "map, relative", "p-value")


def run() -> None:
    parser = arguments(__doc__, seeds=1)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="NAME", help="[all]")
    given = parser.parse_args()
    with keeping(given, len(given.sets) < len(SETS)) as chosen:
        jobs = [partial(measured, "exporting", name, chosen.most or MOST, threads=1) for name in chosen.sets]
        figures = [row(name, report) for name, report in zip(chosen.sets, together(jobs), strict=True)]
        worst = max(figure[what] for figure in figures for what in FIGURES[:2] if figure[what] != "")
        gates = [
            Gate("greatest difference of a score or of a place", worst, NEAR),
            Gate("verdicts that differ", sum(figure["verdicts that differ"] for figure in figures), 0),
        ]
        keep("export_parity", figures, gates, {}, chosen)


def row(name: str, report: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"set": name, "images": report["images"]}
    told |= {what: report.get(what, "") for what in FIGURES}
    return told | {"verdicts that differ": report["verdicts"]}


if __name__ == "__main__":
    run()
