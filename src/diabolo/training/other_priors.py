"""Other priors for a model that is trained already: its network stays as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from diabolo.events import Listener, ignore
from diabolo.model import Model
from diabolo.options import replace
from diabolo.sampler import Sampler
from diabolo.sources import Source
from diabolo.training.batches import Batches, split
from diabolo.training.columns import tuned
from diabolo.training.pictures import Pictures
from diabolo.training.prior import check_priors, learn_prior, learn_priors, with_able
from diabolo.training.processes import join


def with_priors(model: Model, source: Source, priors: Any, listen: Listener = ignore) -> Model:
    """The same network with other priors, a name, several, or parts: `"mixture"`, `"normal,flow"`, `(Flow(depth=4),)`.

    They learn from the codes of `source`, and of several the best is kept, as in `fit`. Where that is what the model
    learned from, the same images are held out again. A `Mistake` where the latent's codes are none for them.
    """
    other, batches = _prepared(model, source, priors, listen)
    return _drawing_by(other, source, learn_prior(other, batches, listen))


def each_prior(model: Model, source: Source, priors: Any, listen: Listener = ignore) -> Iterator[tuple[Model, float]]:
    """The same network with each of several priors by itself, and how far its samples lie from held-out images."""
    other, batches = _prepared(model, source, priors, listen)
    for found in learn_priors(other, batches, listen):
        yield _drawing_by(other, source, found.sampler), found.distance


def _drawing_by(model: Model, source: Source, sampler: Sampler) -> Model:
    """The model with this sampler; a table's columns are as they were read, and then tuned to what it draws."""
    encoding = None if model.encoding is None else getattr(source, "encoding", model.encoding)
    other = dataclasses.replace(model, sampler=sampler, encoding=encoding)
    other.encoding = tuned(other)
    return other


def _prepared(model: Model, source: Source, priors: Any, listen: Listener) -> tuple[Model, Batches]:
    recipe = with_able(replace(model.recipe, "priors", priors), model.network.latent, model.modalities is not None)
    training = recipe.training
    pictures = Pictures(source, recipe.preprocessing, training.memory, training.workers)
    check_priors(recipe, model.network.latent, pictures, False, listen)
    learned, held_out, kept = split(len(pictures), training.validation, training.seed, training.calibration)
    processes = join(str(model.device))
    batches = Batches(pictures, model.conversion, training, processes, learned, held_out, kept=kept)
    metrics = {name: figure for name, figure in model.metrics.items() if name != "priors"}
    return dataclasses.replace(model, recipe=recipe, metrics=metrics, digest=""), batches
