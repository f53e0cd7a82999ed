"""After the last step: what is calibrated, the figures, and a word where nothing was learned."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from diabolo.corruptions import corrupt, hint
from diabolo.errors import Diverged
from diabolo.events import Listener, Note
from diabolo.latents import CanTokenise, Coded, Linear, Usage
from diabolo.model import Model
from diabolo.training import closed_form
from diabolo.training.batches import Batches
from diabolo.training.bounds import learn_bounds
from diabolo.training.normal import learn_normal
from diabolo.training.prior import learn_prior

LEARNED = 0.98  # of the variance around the mean picture: who is not below this, learned nothing but that picture


def finish(model: Model, batches: Batches, steps: int, began: tuple[float, float], listen: Listener) -> None:
    """Calibrate on the held-out images (or on some of the others), and note the figures.

    `steps`: how many were learned. `began`: processor and wall time when all began, seconds.
    """
    model.network.eval()
    if hasattr(model.network.latent, "settle"):  # numbers as they will be kept
        model.network.latent.settle()
    if isinstance(model.recipe.latent, Linear) and not closed_form.applies(model.recipe):
        with torch.no_grad():
            model.network.latent.order(torch.cat([model.network.encode(images) for images in _images(model, batches)]))
    error, squares, count, nats, pixels = 0.0, 0.0, 0, 0.0, 0
    spread = _Spread()
    latent: Any = model.network.latent
    usage = Usage(latent.vocabulary) if isinstance(latent, CanTokenise) else None
    for images in _images(model, batches):
        with torch.no_grad():
            output = model.network(images)
            images = model.network.seen(images)
        parameters = output.parameters
        nats += float(output.penalty.sum())
        pixels += len(images) * math.prod(images.shape[2:])
        error += float(model.recipe.likelihood.error(parameters, images).sum())
        squares += float((model.recipe.likelihood.mean(parameters) - images).double().square().sum())
        count += images.numel()
        spread.add(images)
        if usage:
            usage.add(latent.tokens(output.values))
    model.scale = model.recipe.likelihood.scale_from(error, count)
    if model.recipe.corruption and not model.recipe.witnesses and model.network.view is None:  # it is there to restore
        model.bounds = learn_bounds(model, batches, steps, listen)
    if model.recipe.witnesses:
        model.normal = learn_normal(model, batches, listen)
    if model.recipe.priors and "interrupted" not in model.provenance:
        try:
            model.sampler = learn_prior(model, batches, listen)
        except Diverged as error:
            error.model, error.learned = model, True
            raise
    model.metrics |= _figures(squares / count, spread.variance(), model, batches, began)  # the time of all, bounds too
    if isinstance(model.recipe.latent, Coded):
        model.metrics["bits_per_pixel"] = nats / math.log(2) / pixels
    if usage:
        model.metrics |= {"codes_used": _single(usage.shares()), "perplexity": _single(usage.perplexities())}
    if model.recipe.corruption:
        model.metrics |= _undoing(model, batches)
    if not model.recipe.witnesses:  # these may know what is normal from codes and images, whatever is reconstructed
        _warn_of_nothing(squares / count, spread, listen)


def _figures(mse: float, variance: float, model: Model, batches: Batches, began: tuple[float, float]) -> dict[str, Any]:
    return {
        "mse": mse,
        "variance": variance,  # the error of a model that knows nothing but the mean picture
        "measured_on": "held-out images" if len(batches.held_out) else "training images",
        "parameters": sum(t.numel() for t in model.network.state_dict().values()),
        "cpu_seconds": round(time.process_time() - began[0], 3),
        "seconds": round(time.monotonic() - began[1], 3),
    }


def _single(figures: list[float]) -> float | list[float]:
    """The only figure, or all of them where a code has several levels."""
    return figures[0] if len(figures) == 1 else figures


def _undoing(model: Model, batches: Batches) -> dict[str, float]:
    """Mean squared error of corrupted images, and of what the model makes of them, to the clean ones."""
    generator = torch.Generator(model.device).manual_seed(model.recipe.training.seed)
    before, after, count = 0.0, 0.0, 0
    for images in _images(model, batches):
        with torch.no_grad():
            corrupted = corrupt(images, model.recipe.corruption, generator)
            output = model.network(corrupted.image, hint=hint(model.recipe.hint, corrupted))
            restored = model.network.drawn(model.recipe.likelihood.mean(output.parameters))
        before += float((corrupted.image - images).double().square().sum())
        after += float((restored - images).double().square().sum())
        count += images.numel()
    return {"corrupted_mse": before / count, "restored_mse": after / count}


def _warn_of_nothing(mse: float, spread: _Spread, listen: Listener) -> None:
    variance = spread.variance()
    if spread.images > 1 and variance > 0 and mse > LEARNED * variance:
        remedy = "a lower --learning-rate, or more --epochs"
        told = f"mean squared error {mse:.3g}, variance {variance:.3g}"
        listen(Note(f"the model is no better than the average picture ({told}); try {remedy}", warning=True))


class _Spread:
    """The mean squared distance of images from their mean picture."""

    def __init__(self) -> None:
        self.images, self.total, self.squares = 0, torch.zeros(()), 0.0

    def add(self, images: Tensor) -> None:
        wide = images.double().cpu()
        self.images += len(images)
        self.total = self.total + wide.sum(0)
        self.squares += float(wide.square().sum())

    def variance(self) -> float:
        mean = self.total / self.images
        return max(0.0, self.squares / self.images - float(mean.square().sum())) / mean.numel()


def _images(model: Model, batches: Batches) -> Iterator[Tensor]:
    """The held-out images, or up to 2000 of those learned, in batches of network tensors."""
    chosen = batches.held_out if len(batches.held_out) else batches.learned[:2000]
    for raw in batches.pictures.batches(chosen, model.batch_size, batches.training.crop):
        yield batches.conversion.to_network(raw, model.dtype).to(model.device)
