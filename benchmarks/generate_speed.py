"""Speed of learning and drawing digits beside pythae, at the same network: 784-512-16-512-784, a variational code.

Training pictures a second of the processor: one epoch of MNIST in batches of 128, all of `fit` (ours: recipe
`generate-small` with Adam, and fully connected layers) and all of pythae's trainer. Samples a second: 10000 pictures
drawn, decoded and made 8-bit, by a normal distribution, a mixture of ten, and a flow with 16 numbers (ours: couplings;
pythae's: MAF). Ours and pythae take turns, RUNS times, each in a fresh process; one thread. Compared are the
best of each one's runs, since other work on the machine only ever slows.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks._processes import ENVIRONMENTS, given, measured, peer
from benchmarks._result import FOLDER, Gate, Spread, write
from benchmarks.generate_samplers import NETWORK, SAMPLERS, SMALL

OPTIONS: dict[str, Any] = {
    **NETWORK,
    **SMALL,
    "latent.size": 16,
    "epochs": 1,
    "priors": ",".join(SAMPLERS),
    "priors.flow.steps": 100,  # what it draws is not looked at
}


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="[3]")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N pictures; keeps nothing")
    chosen = parser.parse_args()
    folder, python = ENVIRONMENTS / "samples" / "speed", peer("pythae")
    folder.mkdir(parents=True, exist_ok=True)
    options = given({name: value for name, value in OPTIONS.items() if needed(name)})
    runs: dict[str, list[dict[str, Any]]] = {"diabolo": [], "pythae": []}
    for seed in range(chosen.runs):
        runs["diabolo"].append(measured("sampling", seed, chosen.most, folder, *options, threads=1))
        told = ("VAE", seed, chosen.most, folder, 1, *SAMPLERS.values())
        runs["pythae"].append(measured("pythae_sampling", *told, python=python, threads=1))
        for prior, sampler in SAMPLERS.items():
            runs["pythae"][-1]["priors"][prior] = runs["pythae"][-1]["priors"].pop(sampler)
    speeds = {name: [speed(one) for one in of] for name, of in runs.items()}
    figures = [
        {"by": name} | {what: Spread.of(one[what] for one in of) for what in of[0]} for name, of in speeds.items()
    ]
    gates = []
    for what in speeds["diabolo"][0]:
        best = {name: max(one[what] for one in of) for name, of in speeds.items()}
        gates.append(Gate(f"{what}, of pythae's", best["diabolo"] / best["pythae"], 1, greatest=False))
    version = {"pythae": runs["pythae"][0]["version"]}
    write("generate_speed", figures, gates, version, ENVIRONMENTS if chosen.most else FOLDER, threads=1, runs=runs)


def needed(option: str) -> bool:
    """Whether it is an option of a prior that is measured here, or of none."""
    return not option.startswith("priors.") or option.split(".")[1] in SAMPLERS


def speed(one: dict[str, Any]) -> dict[str, float]:
    """Pictures a second of the processor, by what is done."""
    drawn = {f"samples, {prior}": 10_000 / cell["drawing"] for prior, cell in one["priors"].items()}
    return {"training pictures": one["seen"] / one["training"]} | drawn


if __name__ == "__main__":
    run()
