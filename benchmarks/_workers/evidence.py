"""Train recipe `variational` on MNIST: evidence.py KIND DEVICE OPTION=VALUE ...; the test images are looked at once,
after.

KIND "binary": every pixel is drawn once, 1 with the probability of its grey, by `default_rng(0)` for the training
images and `default_rng(1)` for the test images; told is the importance-weighted bound of 500 draws, nats. KIND "grey":
the images as they are; told are the mean squared error per pixel, the divergence of posterior from prior, nats, and
the calibrated standard deviation.
"""

from __future__ import annotations

import sys

import numpy as np
import torch
from _measure import Clock, mean_squared_error, report, warm_up

from diabolo.model import chunks
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit


def binary(images: np.ndarray, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).random(images.shape) < images / 255
    return np.where(drawn, np.uint8(255), np.uint8(0))


kind, device, *options = sys.argv[1:]
recipe = with_options(named("variational"), dict(option.split("=", 1) for option in options))
learned, unseen = (open_source(name).array for name in ("mnist", "mnist-test"))
if kind == "binary":
    learned, unseen = binary(learned, 0), binary(unseen, 1)
warm_up()
clock = Clock()
model = fit(open_source(learned), recipe, device=device)
used = clock.read()
with torch.no_grad():
    rows = (model.conversion.to_network(some).to(model.device) for some in chunks(unseen, 500))
    costs = [model.network(images).penalty.cpu() for images in rows]
report(
    device=torch.cuda.get_device_name() if device.startswith("cuda") else device,
    **used,
    nats=-float(model.log_evidence(unseen, 500).mean()) if kind == "binary" else None,
    divergence=float(torch.cat(costs).mean()),
    test_mse=mean_squared_error(model.reconstruct(unseen, np.float32), unseen),
    scale=model.scale,
    best_epoch=model.metrics["best_epoch"],
)
