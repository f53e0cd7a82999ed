"""Recipe `conv` on Fashion-MNIST: its speed beside a bare loop with the same network, and its error beside PCA.

Speed: COUNT training images, EPOCHS times, batches of 128, two threads, of the steps alone, their batches included.
Ours and the bare loop take turns, RUNS times, in fresh processes. The share of the machine's peak: the network's
multiply-adds, three times (forwards, and backwards to inputs and to weights), against the best matrix product of two
2048 x 2048 matrices in single precision in the same run. Error: mean squared, per pixel of pixels in 0..1, on the 10000
test images, of one longer run on all 60000 others, and of scikit-learn's PCA with as many numbers.
"""

from __future__ import annotations

from statistics import median

from sklearn.decomposition import PCA

from benchmarks._processes import fit_command, given, measured
from benchmarks._result import Gate, Spread, write
from benchmarks._workers._measure import Clock, mean_squared_error, pictures

CODE = 32
RUNS, COUNT, EPOCHS = 3, 5000, 1
OPTIONS = {"latent.size": CODE, "batch_size": 128, "validation": 0}
LONGER = OPTIONS | {"architecture.output": "sigmoid", "learning_rate": 5e-3, "epochs": 1}


def run() -> None:
    options = given(OPTIONS | {"epochs": EPOCHS})
    ours, bare = [], []
    for seed in range(RUNS):
        ours.append(measured("ours", "conv", "fashion-mnist", COUNT, *options, f"seed={seed}"))
        bare.append(measured("bare_convolutions", EPOCHS, COUNT, CODE))
    if ours[0]["weights"] != bare[0]["weights"]:
        raise SystemExit(f"the bare loop has another network: {bare[0]['weights']} weights, ours {ours[0]['weights']}")
    peak = max(run["peak_multiply_adds_per_cpu_second"] for run in bare)
    work = 3 * bare[0]["multiply_adds"]
    longer = measured("ours", "conv", "fashion-mnist", 0, *given(LONGER))
    command = fit_command("conv", "fashion-mnist", LONGER)
    figures = [
        {
            "trained by": name,
            "images a CPU-second": Spread.of(run["images_per_cpu_second"] for run in runs),
            "share of the matrix-product peak": Spread.of(run["images_per_cpu_second"] * work / peak for run in runs),
            "test MSE": error,
            "CPU-seconds to it": seconds,
        }
        for name, runs, error, seconds in (
            (f"`{command}`", ours, longer["test_mse"], longer["cpu_seconds"]),
            ("bare loop, same network", bare, "", ""),
        )
    ]
    error, seconds = principal_components()
    empty = {"images a CPU-second": "", "share of the matrix-product peak": ""}
    figures.append(
        {"trained by": f"PCA-{CODE} (scikit-learn)"} | empty | {"test MSE": error, "CPU-seconds to it": seconds}
    )
    speed = median(a["images_per_cpu_second"] / b["images_per_cpu_second"] for a, b in zip(ours, bare, strict=True))
    gates = [
        Gate("images a CPU-second, of the bare loop's", speed, 0.95, greatest=False),
        Gate("test MSE, of PCA's", longer["test_mse"] / error, 1.0),
    ]
    write("conv", figures, gates, {}, threads=2, multiply_adds=work, peak_multiply_adds_per_cpu_second=peak)


def principal_components() -> tuple[float, float]:
    """PCA's error on the test images, and the CPU-seconds it took to fit."""
    train, test = pictures("fashion-mnist", "train"), pictures("fashion-mnist", "test")
    ready = train.reshape(-1, 784) / 255.0
    clock = Clock()
    pca = PCA(CODE, svd_solver="covariance_eigh").fit(ready)
    seconds = clock.read()["cpu_seconds"]
    return mean_squared_error(pca.inverse_transform(pca.transform(test.reshape(-1, 784) / 255.0)), test), seconds


if __name__ == "__main__":
    run()
