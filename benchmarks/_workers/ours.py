"""Train one of our recipes: ours.py RECIPE SET COUNT OPTION=VALUE ...; the set's test images are looked at once, after.

COUNT images are learned from, the first of the set; 0 for all.
"""

from __future__ import annotations

import sys

import numpy as np
from _measure import Clock, mean_squared_error, peak, report, warm_up

from diabolo.recipe import named, with_options
from diabolo.sources import open_source
from diabolo.training import fit

recipe_name, dataset, count, *options = sys.argv[1:]
recipe = with_options(named(recipe_name), dict(option.split("=", 1) for option in options))
warm_up()
imported = peak()
source = open_source(open_source(dataset).array[: int(count) or None])
clock = Clock()
model = fit(source, recipe)
used, most = clock.read(), peak()
test = open_source(f"{dataset}-test").array
epochs = len(model.metrics.get("history", [])) or 1
report(
    **used,
    test_mse=mean_squared_error(model.reconstruct(test, np.float32), test),
    peak_mib=round(most - imported, 1),
    images_per_cpu_second=round(epochs * len(source) / used["cpu_seconds"], 1),
    images_per_second=round(epochs * len(source) / used["seconds"], 1),
    weights=model.metrics["parameters"],
)
