"""What is measured of a method: plain functions of codes, of images, or of a call."""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def superposition_failure(function: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> float:
    """How far a function of rows (n, d) is from affine: 0 = it keeps straight lines straight, about 1 = not at all.

    For pairs (a, b) of images, the distance of f((a + b) / 2) from (f(a) + f(b)) / 2, root mean square, relative to
    the spread of the latter around its mean. An affine f has 0.
    """
    half = len(images) // 2
    first, second = images[:half], images[half : 2 * half]
    between = (function(first) + function(second)) / 2
    failure = function((first + second) / 2) - between
    spread = np.square(between - between.mean(0)).sum()
    return float(np.sqrt(np.square(failure).sum() / spread)) if spread > 0 else 0.0


def variances(rows: np.ndarray) -> np.ndarray:
    """Variances of rows (n, k) along their own principal axes, decreasing, (k,)."""
    centred = rows - rows.mean(0)
    lengths = np.linalg.svd(centred, compute_uv=False) if len(rows) < rows.shape[1] else None
    if lengths is not None:
        return np.square(lengths) / max(1, len(rows) - 1)
    return np.linalg.eigvalsh(centred.T @ centred / max(1, len(rows) - 1))[::-1].clip(min=0)


def participation(spectrum: np.ndarray) -> float:
    """The effective number of dimensions, (sum v)^2 / sum v^2: k for k equal variances, 1 when one has it all."""
    total = np.square(spectrum).sum()
    return float(spectrum.sum() ** 2 / total) if total > 0 else 0.0


def dimensions(spectrum: np.ndarray, share: float = 0.99) -> int:
    """How many of the decreasing variances make up a share of their sum."""
    reached = np.cumsum(spectrum) >= share * spectrum.sum()
    return int(np.argmax(reached)) + 1


def mean_correlation(codes: np.ndarray) -> float:
    """Mean absolute correlation between different numbers of the codes (n, k); 0 for a single number."""
    alive = codes[:, codes.std(0) > 0]
    if alive.shape[1] < 2:
        return 0.0
    matrix = np.abs(np.corrcoef(alive.T))
    return float((matrix.sum() - np.trace(matrix)) / (matrix.size - len(matrix)))


def explained(smaller: np.ndarray, larger: np.ndarray) -> float:
    """Share of the variance of codes (n, a) that a straight-line fit from codes (n, b) of the same images explains.

    Fitted on every other image and measured on the rest; 1 = the small code stands inside the large one.
    """
    design = np.column_stack([larger, np.ones(len(larger))])
    weights = np.linalg.lstsq(design[::2], smaller[::2], rcond=None)[0]
    left = np.square(smaller[1::2] - design[1::2] @ weights).sum()
    total = np.square(smaller[1::2] - smaller[::2].mean(0)).sum()
    return float(1 - left / total) if total > 0 else 0.0


def ordered(codes: np.ndarray) -> float:
    """Share of neighbouring pairs of code numbers whose first has at least the variance of its second; 1 = in order."""
    spread = codes.var(0)
    return float(np.mean(spread[:-1] >= spread[1:])) if len(spread) > 1 else 1.0


def seconds_each(function: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> float:
    """Wall seconds per row: the best of three calls, after one that warms up."""
    function(rows[:2])
    times = []
    for _ in range(3):
        began = time.perf_counter()
        function(rows)
        times.append(time.perf_counter() - began)
    return min(times) / len(rows)


@contextlib.contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Gives a list that afterwards holds how many bytes the process's resident memory rose at most; Linux only.

    What was freed before is given back to the system first, or it would be used again without being seen. The list
    stays empty where the system does not tell.
    """
    told: list[int] = []
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc only
    try:
        _CLEAR.write_text("5")  # sets the peak back to what is in use now
        before = _status("VmRSS")
    except (OSError, ValueError):
        yield told
        return
    yield told
    with contextlib.suppress(OSError, ValueError):
        told.append(max(0, _status("VmHWM") - before))


def _status(name: str) -> int:
    """Bytes that the kernel tells under a name."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise ValueError(name)
