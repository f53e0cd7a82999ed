"""Train one of our recipes: ours.py RECIPE SET COUNT OPTION=VALUE ...; the set's test images are looked at once, after.

COUNT images are learned from, the first of the set; 0 for all. `cpu_seconds` are of all of `fit`; images a second are
of its steps alone, batches made ready included, without what goes before and without looking at held-out images.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from _measure import Clock, mean_squared_error, peak, report, warm_up

from diabolo.events import Event, Stepped
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit


class Steps:
    """A listener that adds up the seconds between each step and what was told before it."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0
        self.last = time.process_time(), time.perf_counter()

    def __call__(self, event: Event) -> None:
        now = time.process_time(), time.perf_counter()
        if isinstance(event, Stepped):
            self.cpu, self.wall = self.cpu + now[0] - self.last[0], self.wall + now[1] - self.last[1]
        self.last = now


recipe_name, dataset, count, *options = sys.argv[1:]
recipe = with_options(named(recipe_name), dict(option.split("=", 1) for option in options))
warm_up()
imported = peak()
source = open_source(open_source(dataset).array[: int(count) or None])
clock, steps = Clock(), Steps()
model = fit(source, recipe, listen=steps)
used, most = clock.read(), peak()
test = open_source(f"{dataset}-test").array
seen = len(model.metrics["history"]) * len(source)
report(
    **used,
    test_mse=mean_squared_error(model.reconstruct(test, np.float32), test),
    peak_mib=round(most - imported, 1),
    images_per_cpu_second=round(seen / steps.cpu, 1),
    images_per_second=round(seen / steps.wall, 1),
    weights=model.metrics["parameters"],
)
