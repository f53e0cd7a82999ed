"""Against pythae, at the same network and batch: 784-512-16-512-784 on MNIST, batches of 128, two threads.

1. Processor seconds until the error on the test images is 0.0141 a pixel. pythae: Adam at 1e-3 (its own default, 1e-4,
   takes much longer), its trainer as it comes; it is stopped at the first of five looks an epoch that reaches the
   target, and the looks are not counted. Ours: one epoch, learning rate and schedule chosen on images held out from
   training, by the command in the table; all of `fit` is counted, and the test images are looked at once, after it.
2. Images a second of the processor, one epoch each, beside a bare loop in torch with the same network; of ours the
   steps alone, batches made ready included, as the bare loop does nothing else. Compared are the best of each one's
   LOOPS runs, since other work on the machine only ever slows.
3. Peak memory over what the imports take, with the data loaded in the same process.

What torch imports when the first optimiser is made counts as import, in time and memory, for all three.

Ours, the bare loop and pythae take turns, each run in a fresh process; pythae in an environment of its own.
"""

from __future__ import annotations

from statistics import median

from benchmarks._processes import fit_command, given, measured, peer
from benchmarks._result import Gate, Spread, write

TARGET = 0.0141
SEEDS = range(3)
LOOPS = range(6)
SAME = {
    "latent.size": 16,
    "architecture.depth": 1,
    "architecture.width": 512,
    "architecture.activation": "relu",
    "architecture.decoder_activation": "relu",
    "architecture.output": "sigmoid",
    "batch_size": 128,
    "validation": 0,
}
RACE = SAME | {"epochs": 1, "learning_rate": 8e-3}


def run() -> None:
    python = peer("pythae")
    race, loops = {"ours": [], "pythae": []}, {"ours": [], "bare loop": [], "pythae": []}
    for seed in SEEDS:
        race["ours"].append(measured("ours", "deep", "mnist", 0, *given(RACE), f"seed={seed}"))
        race["pythae"].append(measured("pythae_autoencoder", seed, 5, 128, 1e-3, TARGET, python=python))
        loops["pythae"].append(measured("pythae_autoencoder", seed, 1, 128, 1e-3, 0, python=python))
    for seed in LOOPS:
        loops["ours"].append(measured("ours", "deep", "mnist", 0, *given(SAME), "epochs=1", f"seed={seed}"))
        loops["bare loop"].append(measured("bare", 1, 128, 1e-3))
    figures = [
        {
            "trained by": name,
            f"CPU-seconds to {TARGET}": spread(race[name], "cpu_seconds") if name in race else "",
            "test MSE there": spread(race[name], "test_mse") if name in race else "",
            "images a CPU-second": spread(runs, "images_per_cpu_second"),
            "peak memory, MiB": spread(runs, "peak_mib"),
        }
        for name, runs in loops.items()
    ]
    cost = median(a["cpu_seconds"] / b["cpu_seconds"] for a, b in zip(race["ours"], race["pythae"], strict=True))
    best = {name: max(run["images_per_cpu_second"] for run in runs) for name, runs in loops.items()}
    speed = best["ours"] / best["bare loop"]
    gates = [
        Gate("greatest test MSE of ours in the race", max(r["test_mse"] for r in race["ours"]), TARGET),
        Gate(f"CPU-seconds to {TARGET}, of pythae's", cost, 0.5),
        Gate("images a CPU-second, of the bare loop's", speed, 0.95, greatest=False),
        Gate("greatest peak memory over the imports, MiB", max(r["peak_mib"] for r in loops["ours"]), 120),
    ]
    write(
        "pythae",
        figures,
        gates,
        {"pythae": loops["pythae"][0]["version"]},
        ours=fit_command("deep", "mnist", RACE),
        threads=2,
    )


def spread(runs: list[dict[str, float]], figure: str) -> Spread:
    return Spread.of(run[figure] for run in runs)


if __name__ == "__main__":
    run()
