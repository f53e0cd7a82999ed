"""Codes of whole numbers on MNIST, 7 x 7 of 10 bits: how many of 1024 code words are used, and the error that is left.

Recipe `quantised` learns from the 60000 training images; `quantised` (FSQ) with levels 8,8,4,4, `codebook` (VQ) of
1024 vectors, and two codebooks of 32 (residual VQ), all with the same networks, steps and seeds. Error: mean squared,
per pixel of pixels in 0..1, on the 10000 test images, which are looked at once; the share of words used and the
perplexity on the same. CPU-seconds: of all of `fit`, one thread. SEEDS runs each, by --seeds.
"""

from __future__ import annotations

import argparse
from statistics import fmean
from typing import Any

from benchmarks._processes import ENVIRONMENTS, fit_command, given, measured
from benchmarks._result import FOLDER, Gate, Spread, write

OPTIONS = {"architecture.blocks": 2, "optimizer": "muon", "epochs": 5}
METHODS: dict[str, dict[str, Any]] = {
    "FSQ": {"latent.levels": "8,8,4,4"},
    "VQ": {"latent": "codebook", "latent.codes": 1024},
    "residual VQ": {"latent": "codebook", "latent.codes": 32, "latent.depth": 2},
}
USED = {"FSQ": 0.99, "VQ": 0.90}
ERROR, SECONDS = 0.0030, 300


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each method [3]")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="[all]")
    chosen = parser.parse_args()
    figures, gates, raw = [], [], {}
    for method in chosen.methods:
        options = OPTIONS | METHODS[method]
        runs = [
            measured("quantising", "quantised", "mnist", *given(options), f"seed={seed}", threads=1)
            for seed in range(chosen.seeds)
        ]
        raw[method] = runs
        figures.append(row(method, fit_command("quantised", "mnist", options), runs))
        if method in USED:
            least = min(min(run["codes_used"]) for run in runs)
            gates += [
                Gate(f"{method}: least share of code words used", least, USED[method], greatest=False),
                Gate(f"{method}: greatest test MSE", max(run["test_mse"] for run in runs), ERROR),
                Gate(f"{method}: most CPU-seconds to train", max(run["cpu_seconds"] for run in runs), SECONDS),
            ]
    partly = len(chosen.methods) < len(METHODS)
    write("generate_codes", figures, gates, {}, ENVIRONMENTS if partly else FOLDER, threads=1, runs=raw)


def row(method: str, command: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "method": f"{method}: `{command}`",
        "code": " x ".join(map(str, runs[0]["code"])),
        "words used": Spread.of(fmean(run["codes_used"]) for run in runs),
        "perplexity": Spread.of(fmean(run["perplexity"]) for run in runs),
        "test MSE": Spread.of(run["test_mse"] for run in runs),
        "CPU-seconds": Spread.of(run["cpu_seconds"] for run in runs),
    }


if __name__ == "__main__":
    run()
