"""Recipe `linear` against scikit-learn's PCA on MNIST's 60000 x 784 training images, for codes of 2, 16, 64 and 256.

The optimum and the true directions come from NumPy's singular value decomposition of the centred data in float64.
Error: how much the mean squared reconstruction error of all training images, computed here in float64 with the mean and
directions a method gives, lies over the optimum, relative to it. Directions are compared where the gap between
neighbouring variances is more than 1e-6 of the variance. Time: of the processor, two threads, fresh processes; ours
starts from uint8 pictures and counts all of `fit`, scikit-learn's from a ready float64 array. Ours and covariance_eigh
take turns, RUNS times; the slow ones run once.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks._processes import measured
from benchmarks._result import Gate, Spread, write
from benchmarks._workers._measure import pictures

SIZES = (2, 16, 64, 256)
RUNS = 3
FAST = ("ours", "covariance_eigh")
SLOW = ("covariance_eigh-float32", "randomized", "full", "incremental")


def run() -> None:
    data = pictures("mnist", "train").reshape(-1, 784) / 255.0
    centred = data - data.mean(0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    runs: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for size in SIZES:
        optimum = float(np.square(singular[size:]).sum() / data.size)
        gaps = -np.diff(singular**2, prepend=np.inf)  # above each; the one below is the next one's
        distinct = np.minimum(gaps[:size], gaps[1 : size + 1]) > 1e-6 * singular[:size] ** 2
        for method in FAST * RUNS + SLOW:
            found = components(method, size)
            found["excess"] = error(centred, data.mean(0), found.pop("mean"), found["components"]) / optimum - 1
            cosines = np.abs(np.einsum("ij,ij->i", found.pop("components"), directions[:size]))
            found["cosine"] = float(cosines[distinct].min())
            runs.setdefault((method, size), []).append(found)
    figures = [
        {
            "code": size,
            "method": method if method == "ours" else f"scikit-learn {method}",
            "error over the optimum": f"{max(r['excess'] for r in found):.1e}",
            "least cosine": f"{min(r['cosine'] for r in found):.6f}",
            "CPU-seconds": Spread.of(r["cpu_seconds"] for r in found),
            "memory over the data, MiB": median(r["peak_mib"] for r in found),
        }
        for (method, size), found in runs.items()
    ]
    write("linear", figures, gates(runs), {}, threads=2, ours="diabolo fit linear mnist --latent.size SIZE")


def gates(runs: dict[tuple[str, int], list[dict[str, Any]]]) -> list[Gate]:
    made = []
    for size in SIZES:
        ours, peer, slow = runs["ours", size], runs["covariance_eigh", size], runs["incremental", size]
        pairs = zip(ours, peer, strict=True)
        time = median(r["cpu_seconds"] for r in ours)
        made += [
            Gate(f"{size}: error over the optimum", abs(max(r["excess"] for r in ours)), 1e-8),
            Gate(f"{size}: least cosine", min(r["cosine"] for r in ours), 0.9999, greatest=False),
            Gate(
                f"{size}: time, of covariance_eigh", median(a["cpu_seconds"] / b["cpu_seconds"] for a, b in pairs), 1.2
            ),
            Gate(f"{size}: times faster than IncrementalPCA", slow[0]["cpu_seconds"] / time, 10, greatest=False),
        ]
    return made


def components(method: str, size: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "components.npz"
        report = measured("components", method, size, out)
        with np.load(out) as found:
            return report | {name: found[name].astype(np.float64) for name in ("mean", "components")}


def error(centred: np.ndarray, true_mean: np.ndarray, mean: np.ndarray, components: np.ndarray) -> float:
    """Mean squared error a number of projecting on the affine space through `mean`."""
    shift = mean - true_mean
    total, batch = 0.0, 5000
    for start in range(0, len(centred), batch):
        rows = centred[start : start + batch] - shift
        total += float(np.square(rows - (rows @ components.T) @ components).sum())
    return total / centred.size


if __name__ == "__main__":
    run()
