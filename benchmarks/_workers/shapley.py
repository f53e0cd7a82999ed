"""Time the shap package's KernelExplainer on rows that `explaining` kept: shapley.py SEED FOLDER TABLES.

With its defaults: 2 d + 2048 coalitions, or all 2^d - 2 where these are fewer, each with every background row. The
function that it asks is diabolo's scores, as many rows at once as the explainer takes. Rows one after the other, until
a second has passed or ROWS are done; reports by table CPU-milliseconds a row. A first small call is not timed.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import shap
from _measure import report

from diabolo import artifact
from diabolo.judgement import scores

ROWS, LONG = 10, 1.0
BATCH = 4096


def timed(path: Path) -> float:
    model = dataclasses.replace(artifact.load(path.with_suffix(".diabolo")), batch_size=BATCH)
    with np.load(path) as held:
        rows, background = held["rows"], held["background"]
    explainer = shap.KernelExplainer(lambda x: scores(model, x), background)
    explainer.shap_values(rows[:1], nsamples=64, silent=True)
    began, done = time.process_time(), 0
    while not done or (done < min(ROWS, len(rows)) and time.process_time() < began + LONG):
        explainer.shap_values(rows[done : done + 1], silent=True)
        done += 1
    return (time.process_time() - began) / done * 1e3


seed, folder, tables = sys.argv[1:]
np.random.seed(int(seed))  # shap draws from here
began = time.process_time()
paths = {name: Path(folder) / f"{name}-{seed}.npz" for name in tables.split(",")}
report(
    tables={name: timed(path) for name, path in paths.items() if path.exists()},
    cpu_seconds=round(time.process_time() - began, 1),
    versions={"shap": version("shap")},
)
