"""How sure a restoring model is: learned on the pictures that it learned from, calibrated on those held out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from diabolo.calibration import ErrorBounds
from diabolo.corruptions import Corrupted, corrupt, hint
from diabolo.events import Listener, Passed
from diabolo.model import Model
from diabolo.training.batches import Batches

FEWEST, SHARE, MOST_STEPS = 100, 4, 1500  # steps: a quarter of those of the run, within these limits
LEARNING_RATE, RISE = 3e-3, 50  # the highest, and the steps in which it is reached; then it falls to 0
ROUNDS, MOST = 16, 8_000_000  # times that the held-out pictures are corrupted, and values met in all


def learn_bounds(model: Model, batches: Batches, steps_done: int, listen: Listener) -> ErrorBounds | None:
    """The bounds of a model that was trained in so many steps; None where the truth was never seen."""
    if batches.partners is not None or len(model.conversion.shape) != 3:
        return None
    recipe, seed = model.recipe, model.recipe.training.seed
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed + 1)
        bounds = ErrorBounds(model.conversion.shape[0], recipe.hint).to(model.device, model.dtype)
    generator = torch.Generator(model.device).manual_seed(seed + 1)
    optimizer = torch.optim.Adam(bounds.parameters(), LEARNING_RATE)
    steps = max(FEWEST, min(MOST_STEPS, steps_done // SHARE))
    for step, batch in enumerate(_anew(batches, steps)):
        images = batch.to(model.device, model.dtype)
        corrupted = corrupt(images, recipe.corruption, generator)
        if corrupted.target is not None:  # the images themselves are not clean
            return None
        restored, told = _restored(model, corrupted)
        loss = bounds.loss(corrupted.image, restored, images, told)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / RISE) * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        listen(Passed(step + 1, steps, "steps to know how sure it is"))
    bounds.requires_grad_(False).eval()
    bounds.calibrate(*_met(model, bounds, batches, generator))
    return bounds


def _anew(batches: Batches, steps: int) -> Iterator[Tensor]:
    """So many batches of the images that are learned, from epochs that the run did not have."""
    epochs = (batches.epoch(number) for number in itertools.count(batches.training.epochs))
    return (batch.images for batch in itertools.islice(itertools.chain.from_iterable(epochs), steps))


def _restored(model: Model, corrupted: Corrupted) -> tuple[Tensor, Tensor | None]:
    """What the model makes of corrupted images, and the hint it was given."""
    told = hint(model.recipe.hint, corrupted)
    with torch.no_grad():
        return model.recipe.likelihood.mean(model.network(corrupted.image, hint=told).parameters), told


def _met(
    model: Model, bounds: ErrorBounds, batches: Batches, generator: torch.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Half-widths as they were learned, and errors, of places in the held-out pictures drawn anew in every round."""
    draw, training = np.random.default_rng(model.recipe.training.seed), batches.training
    chosen = draw.permutation(batches.held_out if len(batches.held_out) else batches.learned)
    kept, values = [], 0
    for _ in range(ROUNDS):
        for raw in batches.pictures.batches(chosen, training.batch_size, training.crop, draw.random((len(chosen), 2))):
            images = batches.conversion.to_network(raw, model.dtype).to(model.device)
            corrupted = corrupt(images, model.recipe.corruption, generator)
            restored, told = _restored(model, corrupted)
            with torch.no_grad():
                widths = bounds.log_quantile(corrupted.image, restored, told).exp()
            counts = bounds.counting(widths, told) > 0
            kept.append(torch.stack((widths[counts], (restored - images).abs()[counts])).cpu().numpy())
            values += images.numel()
            if values >= MOST:
                break
        if values >= MOST:
            break
    met = np.concatenate(kept, axis=1).astype(np.float64)
    return (met[0], met[1]) if met.shape[1] else (np.ones(1), np.ones(1))
