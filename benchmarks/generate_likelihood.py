"""How probable recipe `variational` finds MNIST, and what a learned scale of the output is good for.

Statically binarised MNIST (each pixel drawn once, with seeds that the worker tells): the importance-weighted bound of
500 draws on the 10000 test images, of fully connected layers trained with one draw (VAE) and of convolutions trained
with several (IWAE). Grey MNIST: mean squared error per pixel of pixels in 0..1, and the divergence of posterior from
prior, with a learned scale and with a fixed one, at three weights beta around the square of what was learned; at that
square both minimise the same but for a factor, and the error at equal divergence is read off the line through the fixed
ones. Options were chosen on the last 5000 training images, best epochs on a share of all. One thread. SEEDS runs each,
by --seeds; --quick trains for a tenth of the epochs, to see that all runs.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from benchmarks._processes import ENVIRONMENTS, fit_command, given, measured
from benchmarks._result import FOLDER, Gate, Spread, write

LAYERS = {
    "latent.size": 40,
    "architecture.depth": 2,
    "architecture.width": 400,
    "architecture.narrowing": 1,
    "optimizer": "adamw",
    "weight_decay": 0.05,
    "learning_rate": 3e-3,
    "ema": 0.999,
    "validation": 0.05,
}
CONVOLUTIONS = {
    "latent.size": 40,
    "latent.draws": 5,
    "architecture": "conv",
    "architecture.width": 16,
    "architecture.activation": "silu",
    "optimizer": "muon",
    "learning_rate": 4e-3,
    "precision": "bfloat16",
    "ema": 0.999,
    "validation": 0.05,
}
BINARY: dict[str, dict[str, Any]] = {
    "VAE": LAYERS | {"likelihood": "bernoulli", "epochs": 60},
    "IWAE": CONVOLUTIONS | {"likelihood": "bernoulli", "epochs": 30},
}
PROMISED = {"VAE": 89.0, "IWAE": 86.0}
GREY: dict[str, Any] = LAYERS | {"epochs": 20}
AROUND = (0.5, 1.0, 2.0)  # of the square of the learned scale: the weights beta of the fixed scale


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="runs of each [1]")
    parser.add_argument("--device", default="cpu", help="what learns [cpu]; CPU-seconds are told of a processor alone")
    parser.add_argument("--parts", nargs="+", choices=(*BINARY, "grey"), default=[*BINARY, "grey"], help="[all]")
    parser.add_argument("--quick", action="store_true", help="a tenth of the epochs")
    chosen = parser.parse_args()
    figures, gates, raw = [], [], {}
    for name in (name for name in BINARY if name in chosen.parts):
        options = shortened(BINARY[name], chosen.quick)
        runs = [trained("binary", options, seed, chosen.device) for seed in range(chosen.seeds)]
        raw[name] = runs
        figures.append(row(name, options, runs))
        gates.append(Gate(f"{name}: nats a binary image", max(run["nats"] for run in runs), PROMISED[name]))
    if "grey" in chosen.parts:
        learned, fixed, ratios = grey(chosen)
        raw |= {"learned scale": learned, "fixed scale": fixed}
        options = shortened(GREY, chosen.quick)
        figures.append(row("learned scale", options | {"likelihood.scale": "optimal"}, learned))
        for factor, runs in fixed.items():
            figures.append(row(f"fixed scale, beta {factor:g} of its square", options, runs))
        gates.append(Gate("learned scale: test MSE, of a fixed one's at equal divergence", max(ratios), 1.0))
    partly = chosen.quick or len(chosen.parts) < 3
    write("generate_likelihood", figures, gates, {}, ENVIRONMENTS if partly else FOLDER, threads=1, runs=raw)


def grey(chosen: argparse.Namespace) -> tuple[list[Any], dict[float, list[Any]], list[float]]:
    """Runs with a learned scale, runs with a fixed one by beta, and the ratio of errors at equal divergence."""
    options = shortened(GREY, chosen.quick)
    learned, ratios = [], []
    fixed: dict[float, list[Any]] = {factor: [] for factor in AROUND}
    for seed in range(chosen.seeds):
        ours = trained("grey", options | {"likelihood.scale": "optimal"}, seed, chosen.device)
        for factor in AROUND:
            beta = {"likelihood.scale": "unit", "beta": factor * ours["scale"] ** 2}
            fixed[factor].append(trained("grey", options | beta, seed, chosen.device))
        others = sorted((runs[seed]["divergence"], runs[seed]["test_mse"]) for runs in fixed.values())
        divergences, errors = zip(*others, strict=True)
        learned.append(ours)
        ratios.append(ours["test_mse"] / float(np.interp(ours["divergence"], divergences, errors)))
    return learned, fixed, ratios


def shortened(options: dict[str, Any], quick: bool) -> dict[str, Any]:
    return options | {"epochs": max(1, options["epochs"] // 10)} if quick else options


def trained(kind: str, options: dict[str, Any], seed: int, device: str) -> dict[str, Any]:
    return measured("evidence", kind, device, *given(options), f"seed={seed}", threads=1)


def row(name: str, options: dict[str, Any], runs: list[dict[str, Any]]) -> dict[str, Any]:
    nats = [run["nats"] for run in runs if run["nats"] is not None]
    own = [run["cpu_seconds"] for run in runs if run.get("device", "cpu") == "cpu"]
    return {
        "trained as": f"{name}: `{fit_command('variational', 'mnist', options)}`",
        "nats, bound of 500 draws": Spread.of(nats) if nats else "",
        "divergence, nats": Spread.of(run["divergence"] for run in runs),
        "test MSE": Spread.of(run["test_mse"] for run in runs),
        "CPU-seconds": Spread.of(own) if own else "",
    }


if __name__ == "__main__":
    run()
