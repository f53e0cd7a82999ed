"""Train recipe `denoise` on MNIST and restore noisy pictures: denoising.py NOISY OUT OPTION=VALUE ...

NOISY (.npy): (n, 28, 28) floats, pictures in 0..1 with noise, not clipped. OUT (.npy): the same, restored and clipped.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from _measure import Clock, report, warm_up

from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit

noisy, out, *options = sys.argv[1:]
recipe = with_options(named("denoise"), dict(option.split("=", 1) for option in options))
source = open_source("mnist")
warm_up()
clock = Clock()
model = fit(source, recipe)
used = clock.read()
clock = Clock()
restored = []
with torch.no_grad():
    for batch in torch.from_numpy(np.load(noisy)).float().unsqueeze(1).split(500):
        restored.append(model.network(batch).parameters.clamp(0, 1).squeeze(1).numpy())
np.save(out, np.concatenate(restored))
report(**used, restoring_cpu_seconds=clock.read()["cpu_seconds"], weights=model.metrics["parameters"])
