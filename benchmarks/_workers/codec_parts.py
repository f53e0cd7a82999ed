"""What of a codec's time is entropy coding: codec_parts.py FOLDER QUALITY [MODEL], photos as 0.npy, 1.npy, ..."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import report

from diabolo import Compressor
from diabolo.tasks.compress import symbols

spent = 0.0


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        global spent
        start = time.process_time()
        result = function(*arguments)
        spent += time.process_time() - start
        return result

    return run


for kind, names in ((symbols._Writer, ("hyper", "symbols", "bytes")), (symbols._Reader, ("hyper", "symbols"))):
    for name in names:
        setattr(kind, name, timed(getattr(kind, name)))


def once(function: Callable[[Any], Any], given: Any) -> tuple[Any, dict[str, float]]:
    global spent
    spent, cpu, wall = 0.0, time.process_time(), time.perf_counter()
    result = function(given)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return result, {"cpu": cpu, "wall": wall, "coding": spent / cpu}


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}


folder, quality = Path(sys.argv[1]), int(sys.argv[2])
task = Compressor(*sys.argv[3:], quality=quality)
photos = [np.load(path) for path in sorted(folder.glob("*.npy"))]
task.decompress(task.compress(photos[0][:64, :64]))  # a first call prepares what the later ones have
encoded = [once(task.compress, photo) for photo in photos]
decoded = [once(task.decompress, data) for data, _ in encoded]
report(encode=median([run for _, run in encoded]), decode=median([run for _, run in decoded]))
