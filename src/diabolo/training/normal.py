"""After the last step, for a recipe with witnesses: what normal images are like, and scores to compare others with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.events import Listener, Passed
from diabolo.judgement import evidence, judge, witnessed
from diabolo.model import Model
from diabolo.normal import Normal
from diabolo.recipe import Training
from diabolo.training.batches import Batches
from diabolo.witnesses import Evidence
from diabolo.witnesses.base import chosen_rows

FEWEST = 3  # images that are kept for thresholds: fewer would promise nothing that is of use
SPREAD = 8  # held-out images that tell how much a witness varies; what it learned from seems nearer than it is
COMPARED = 19  # images kept for thresholds: as many as a rate of false alarms of 0.05 takes
MOST = 0.25  # share of the images that is kept for either, where there are few
TYPICAL = 256  # vectors that are kept in the model, as examples of normal ones
AT_ONCE = 256  # images of one size


def learn_normal(model: Model, batches: Batches, listen: Listener) -> Normal:
    """The witnesses learn from the learned images, are measured on the held-out ones, and compared with those kept."""
    model.network.eval()
    normal = Normal(model.recipe.witnesses)
    generator = torch.Generator().manual_seed(model.recipe.training.seed)

    def told() -> Iterator[Evidence]:
        return (evidence(model, images) for images in _whole(batches, batches.learned))

    witnesses: list[Any] = list(normal.witnesses)
    for number, witness in enumerate(witnesses):
        listen(Passed(number, len(witnesses), "witnesses"))
        witness.learn(told, generator)
    normal.to(model.device).eval()
    model.normal = normal
    beside = batches.held_out if len(batches.held_out) >= FEWEST else batches.learned

    def said() -> Iterator[list[Tensor]]:
        return (values for images in _whole(batches, beside) for values in witnessed(model, images))

    normal.measure(said)
    judged = [judge(model, images) for images in _whole(batches, batches.kept)]
    scores = np.concatenate([one.scores for one in judged])
    peaks = np.concatenate([-one.maps.reshape(len(one.maps), -1).max(1) for one in judged])
    normal.compare_with(torch.from_numpy(scores), torch.from_numpy(peaks))
    if model.conversion.layout == "vector":
        normal.typical = chosen_rows(told, lambda one: one.image.float(), TYPICAL, generator)
    return normal.to(model.device)


def enough(training: Training, images: int) -> tuple[float, float]:
    """The shares to hold out and to keep for thresholds: as the recipe says, but of few images as many as it takes."""
    held, kept = min(SPREAD / images, MOST), min(COMPARED / images, MOST)
    return max(training.validation, held + 1e-9), max(training.calibration, kept) if training.calibration else 0.0


def check_kept(kept: int, images: int) -> None:
    """Refuse, before the training, witnesses without normal images that thresholds could be learned from."""
    if kept < FEWEST:
        remedy = f"more normal pictures, or --calibration 0.2 with at least {5 * FEWEST}"
        wrong = "too few normal pictures are kept for calibration"
        raise Mistake(wrong, f"{kept} of {images} images", f"{FEWEST} or more", remedy)


def _whole(batches: Batches, indices: np.ndarray) -> Iterator[np.ndarray]:
    """Whole raw images, those of one size together as they come."""
    pictures = batches.pictures
    if pictures.shape is not None:
        yield from pictures.batches(indices, AT_ONCE)
        return
    for index in indices:
        yield pictures.readable(int(index))[None]
