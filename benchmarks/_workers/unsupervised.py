"""Train recipe `denoise` on noisy pictures and restore others with it: unsupervised.py IN OUT OPTION=VALUE ...

IN (.npz): `noisy` (n, h, w), perhaps `target` of the same shape, and picture-0, picture-1, ... to restore, all floats
around 0. OUT (.npz): picture-0, ..., restored.
"""

from __future__ import annotations

import sys

import numpy as np
from _measure import Clock, report, warm_up

from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.tasks.restore import Restorer
from diabolo.training import fit

source, out, *options = sys.argv[1:]
recipe = with_options(named("denoise"), dict(option.split("=", 1) for option in options))
with np.load(source) as held:
    noisy, target = held["noisy"], held.get("target")
    pictures = [held[f"picture-{k}"] for k in range(sum(name.startswith("picture-") for name in held))]
warm_up()
clock = Clock()
model = fit(open_source(noisy), recipe, target=None if target is None else open_source(target), device="cpu")
used = clock.read()
restorer = Restorer(model)
np.savez(out, **{f"picture-{k}": restorer.restore(picture).values for k, picture in enumerate(pictures)})
report(**used, weights=model.metrics["parameters"])
