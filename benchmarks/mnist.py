"""MNIST in 16 numbers a picture: recipe `deep` on two budgets of processor time, beside PCA and pythae.

Error: mean squared, per pixel, of pixels in 0..1, on the 10000 test images, which are looked at once, after training on
all 60000 others; every choice was made on images held out from those. CPU-seconds: of the whole call of `fit`, two
threads, SEEDS runs each. PCA is scikit-learn's, exact. pythae: its AE with its default encoder and decoder
(784-512-16-512-784), the same batches and epochs, Adam at 1e-3 (its own default, 1e-4, ends higher), one run, in an
environment of its own.
"""

from __future__ import annotations

from typing import Any

from sklearn.decomposition import PCA

from benchmarks._processes import fit_command, given, measured, peer
from benchmarks._result import Gate, Spread, write
from benchmarks._workers._measure import Clock, mean_squared_error, pictures

SEEDS = range(3)
OPTIONS = {
    "latent.size": 16,
    "architecture.depth": 2,
    "architecture.width": 512,
    "architecture.output": "sigmoid",
    "batch_size": 256,
    "learning_rate": 5e-3,
    "validation": 0,
}
EPOCHS = {60: 8, 600: 15}  # for each budget of CPU-seconds
PROMISED = {60: 0.0100, 600: 0.0070}


def run() -> None:
    python = peer("pythae")
    pca = principal_components()
    figures, gates, version = [pca], [], ""
    for budget, epochs in EPOCHS.items():
        options = OPTIONS | {"epochs": epochs}
        ours = [measured("ours", "deep", "mnist", 0, *given(options), f"seed={seed}") for seed in SEEDS]
        theirs = measured("pythae_autoencoder", 0, epochs, OPTIONS["batch_size"], 1e-3, 0, python=python)
        version = theirs["version"]
        command = fit_command("deep", "mnist", options)
        figures += [row(f"`{command}`", ours), row(f"pythae's AE, {epochs} epochs", [theirs])]
        worst, longest = max(r["test_mse"] for r in ours), max(r["cpu_seconds"] for r in ours)
        gates += [
            Gate(f"greatest test MSE within {budget} CPU-seconds", worst, PROMISED[budget]),
            Gate(f"most CPU-seconds, of a budget of {budget}", longest, budget),
        ]
    write("mnist", figures, gates, {"pythae": version}, threads=2)


def principal_components() -> dict[str, Any]:
    train, test = pictures("mnist", "train"), pictures("mnist", "test")
    ready = train.reshape(-1, 784) / 255.0
    clock = Clock()
    pca = PCA(16, svd_solver="covariance_eigh").fit(ready)
    cpu = clock.read()["cpu_seconds"]
    error = mean_squared_error(pca.inverse_transform(pca.transform(test.reshape(-1, 784) / 255.0)), test)
    return {"trained by": "PCA (scikit-learn, exact)", "test MSE": error, "CPU-seconds": cpu}


def row(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    error, cpu = (Spread.of(run[figure] for run in runs) for figure in ("test_mse", "cpu_seconds"))
    return {"trained by": name, "test MSE": error, "CPU-seconds": cpu}


if __name__ == "__main__":
    run()
