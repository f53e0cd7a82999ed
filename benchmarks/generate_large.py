"""Faces of 256 x 256 pixels, learned on a GPU: what the pyramid and the critic change.

164 or so colour portraits (London faces, neutral and smiling) are learned from, the 40 of every fifth person are tested
on. `FIRST` steps, then `THEN` more with what is compared. PSNR and the fine detail that is kept (the mean absolute
Laplacian, in shares of the real one) are of the test faces' reconstructions. "Nearest": the median distance of new
faces to the nearest that was learned, over that of test faces, at 32 x 32 pixels: far below 1 would be copies, or a
blur. "Spread": the standard deviation between new faces over that between those learned. All arms at once.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks import _result
from benchmarks._processes import ENVIRONMENTS, measured
from benchmarks._result import Spread

TERMS = {"none": "no term", "pyramid": "`pyramid`", "pyramid,adversarial": "`pyramid,adversarial`"}
FIRST, THEN = 400, 1000  # steps


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 0 to N - 1 [1]")
    parser.add_argument("--device", default="cuda", help="[cuda]")
    parser.add_argument("--quick", action="store_true", help="few steps, to see that all runs; keeps nothing")
    chosen = parser.parse_args()
    first, then = (2, 2) if chosen.quick else (FIRST, THEN)
    sheets = ENVIRONMENTS / "generate_large"
    sheets.mkdir(parents=True, exist_ok=True)
    places = [(terms, seed) for seed in range(chosen.seeds) for terms in TERMS]
    with ThreadPoolExecutor(len(TERMS)) as pool:
        found = list(pool.map(lambda p: measured("large", p[0], first, then, p[1], chosen.device, sheets), places))
    runs = {terms: [r for (of, _), r in zip(places, found, strict=True) if of == terms] for terms in TERMS}
    figures = [row(name, runs[terms]) for terms, name in TERMS.items()]
    folder = ENVIRONMENTS if chosen.quick else _result.FOLDER
    where = f"{_result.processor()}, {found[0]['device']}"
    _result.write("generate_large", figures, [], {}, folder, processor=where, seeds=chosen.seeds, runs=runs)


def row(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    def of(key: str, times: float = 1.0) -> Spread:
        return Spread.of(times * run[key] for run in runs)

    return {
        "learned with": name,
        "PSNR, dB": of("psnr"),
        "detail kept, %": of("detail", 100),
        "detail of new faces, %": of("detail_made", 100),
        "nearest": Spread.of(run["nearest"] / run["nearest_other"] for run in runs),
        "spread": of("spread"),
        "ms a step": of("milliseconds"),
        "seconds to learn": of("seconds"),
        "new faces a second": of("samples_per_second"),
    }


if __name__ == "__main__":
    run()
