"""What every worker measures alike, in any environment: memory, time, test error, and the report's one line."""

from __future__ import annotations

import gzip
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

FILES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}


def pictures(name: str, part: str) -> np.ndarray:
    """(n, 28, 28) uint8 of mnist or fashion-mnist, from the folder DIABOLO_DATA; for peers, who have no such reader."""
    with gzip.open(Path(os.environ["DIABOLO_DATA"]) / name / FILES[part]) as file:
        count = int.from_bytes(file.read(16)[4:8], "big")
        held = np.empty((count, 28, 28), np.uint8)
        for i in range(0, count, 1000):  # a copy of everything would count as the loop's memory
            held[i : i + 1000] = np.frombuffer(file.read(1000 * 784), np.uint8).reshape(-1, 28, 28)
        return held


def peak() -> float:
    """The greatest memory this process has had, MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells there may be the memory of the process that started this one
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def mean_squared_error(reconstructed: np.ndarray, images: np.ndarray) -> float:
    """Per pixel, of pixels in 0..1: `images` are uint8, `reconstructed` are floats of any shape of the same size."""
    truth = images.reshape(len(images), -1) / 255.0
    return float(np.square(reconstructed.reshape(truth.shape) - truth).mean())


class Clock:
    """Seconds of all this process's threads, and of the wall, since it was made."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return {"cpu_seconds": round(cpu, 3), "seconds": round(wall, 3)}


def report(**figures: object) -> None:
    print(json.dumps(figures))


def warm_up() -> None:
    """Have torch import what it otherwise imports (two seconds) when the first optimiser is made: it is no training."""
    import torch

    torch.optim.Adam(torch.nn.Linear(1, 1).parameters(), fused=True)
