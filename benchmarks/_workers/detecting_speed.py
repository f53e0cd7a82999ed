"""The recipe that `detect` takes beside bare torch with its network: detecting_speed.py KIND STEPS ROUNDS.

KIND: tiles (squares of SQUARE pixels of the good tiles), mnist, or a table of ADBench. Reports, of every round, images
a CPU-second of ours and of the bare loop. Training: STEPS steps of one epoch, Adam, images as they are: no corruption,
no crops or mirrors. The bare loop has the same batches as float tensors beforehand, squared error, and where the
network marks flaws the cross-entropy of its marks. Scoring: `score_samples` beside the network's forward pass alone.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from _measure import pictures, report, warm_up
from _normality import of_table
from _tiles import tiles
from torch import Tensor, nn

from diabolo.events import Event, Stepped
from diabolo.judgement import AT_ONCE
from diabolo.model import Model
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import named, suited
from diabolo.sources import open_source
from diabolo.tasks.detect import AnomalyDetector
from diabolo.tasks.models import shapes_of
from diabolo.training import fit

SQUARE = 128
KEPT = 8  # images kept for calibration, so that the others fill whole batches
SCORED = 4096
LONG = 0.5  # CPU-seconds
ALIKE: dict[str, Any] = {
    "corruption": "none",
    "optimizer": "adam",
    "weight_decay": 0.0,
    "ema": 0.0,
    "precision": "float32",
    "flip": False,
    "turn": False,
    "crop": 0,
    "cuts": 1,
    "steps": 0,
    "epochs": 1,
    "validation": 0.0,
}


class Steps:
    """A listener that adds up the CPU-seconds between each step and what was told before it."""

    def __init__(self) -> None:
        self.cpu, self.last = 0.0, time.process_time()

    def __call__(self, event: Event) -> None:
        now = time.process_time()
        self.cpu += now - self.last if isinstance(event, Stepped) else 0.0
        self.last = now


def images_of(kind: str, count: int) -> np.ndarray:
    if kind == "tiles":
        return squares(count)
    return pictures("mnist", "train")[:count] if kind == "mnist" else of_table(kind, 0).train[:count]


def squares(count: int) -> np.ndarray:
    """Squares from the corners of as many good tiles as it takes, (count, SQUARE, SQUARE) uint8."""
    good, found = tiles(0)[0], []
    for i in range(len(good)):
        picture = good.read(i)
        rows, columns = (size // SQUARE for size in picture.shape[:2])
        whole = picture[: rows * SQUARE, : columns * SQUARE].reshape(rows, SQUARE, columns, SQUARE)
        found += list(whole.swapaxes(1, 2).reshape(-1, SQUARE, SQUARE))
        if len(found) >= count:
            break
    return np.stack(found[:count])


def trained(images: np.ndarray, recipe: Recipe) -> tuple[Model, float]:
    """The model, and the images a CPU-second of its steps alone."""
    steps = Steps()
    model = fit(open_source(images), recipe, device="cpu", listen=steps)
    return model, (len(images) - KEPT) / steps.cpu


def bare_training(model: Model, ready: Tensor, batch_size: int) -> float:
    network = copy.deepcopy(model.network).train().requires_grad_(True)
    if ready.dim() == 4:
        network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
    began = time.process_time()
    for chosen in torch.randperm(len(ready)).split(batch_size):
        batch = ready[chosen]
        output = network(batch)
        loss = nn.functional.mse_loss(output.parameters, network.seen(batch))
        if output.marks is not None:
            clean = torch.zeros_like(output.marks)
            loss = loss + nn.functional.binary_cross_entropy_with_logits(output.marks, clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return len(ready) / (time.process_time() - began)


def bare_pass(model: Model, ready: Tensor) -> None:
    at_once = max(1, min(model.batch_size, AT_ONCE // ready[0].numel()))
    with torch.no_grad():
        for batch in ready.split(at_once):
            model.network(batch)


def speed(work: Callable[[], Any], count: int) -> float:
    """Images a CPU-second of work on so many, done again and again for LONG; a first time prepares what later have."""
    work()
    began, done = time.process_time(), 0
    while time.process_time() < began + LONG:
        work()
        done += count
    return done / (time.process_time() - began)


def one_round(images: np.ndarray, recipe: Recipe) -> dict[str, Any]:
    model, ours = trained(images, recipe)
    ready = model.conversion.to_network(images, torch.float32)
    detector, some = AnomalyDetector(model), images[:SCORED]
    return {
        "train": ours,
        "bare_train": bare_training(model, ready[KEPT:], recipe.training.batch_size),
        "score": speed(lambda: detector.score_samples(some), len(some)),
        "bare_score": speed(lambda: bare_pass(model, ready[:SCORED]), len(some)),
    }


kind, steps, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
warm_up()
base = named(suited("detect", shapes_of(open_source(images_of(kind, 1)))))
images = images_of(kind, steps * base.training.batch_size + KEPT)
recipe = with_options(base, ALIKE | {"calibration": (KEPT - 0.5) / len(images)})
found = [one_round(images, recipe) for _ in range(rounds)]
report(**{figure: [one[figure] for one in found] for figure in found[0]}, images=len(images))
