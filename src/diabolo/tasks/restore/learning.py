"""What `Denoiser`, `Inpainter` and the others have in common: where their model comes from."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.events import Listener, ignore
from diabolo.model import Model
from diabolo.recipe import named, with_options
from diabolo.sources import open_source
from diabolo.starters import named_model, starter_for
from diabolo.tasks.restore.restorer import Restorer, check_purpose
from diabolo.training import fit


class Restoring(Protocol):
    """The parameters that every restoring estimator has."""

    model: Any
    options: dict[str, Any] | None
    device: str
    listen: Listener | None


def learn(estimator: Restoring, recipe: str, X: Any, y: Any = None, **further: Any) -> Model:
    """A model trained by a named recipe on what `open_source` opens; `y` are the targets, where pairs are learned.

    With targets nothing is done to the pictures first, unless the options name a corruption. `further` options come
    before the estimator's own. Its `model`, where one is given, is where the training starts.
    """
    options = {
        **({"corruption": "none", "hint": "none"} if y is not None else {}),
        **further,
        **(estimator.options or {}),
    }
    chosen = with_options(named(recipe), {key.replace("__", "."): value for key, value in options.items()})
    target = None if y is None else open_source(y)
    start = None if estimator.model is None else find(estimator.model, estimator.device)
    source, listen = open_source(X), estimator.listen or ignore
    return fit(source, chosen, target=target, start=start, device=estimator.device, listen=listen)


def restorer(estimator: Restoring, verb: str, channels: int) -> Restorer:
    """The trained model, or the given one, or the starter for pictures of so many channels."""
    model = getattr(estimator, "model_", None)
    if model is None and estimator.model is not None:
        model = find(estimator.model, estimator.device)
    if model is None:
        return Restorer(starter_for(verb, channels, estimator.device))
    check_purpose(model, verb)
    return Restorer(model)


def check(estimator: Restoring, verb: str) -> None:
    """Refuse a model of another task, before any picture is read."""
    if estimator.model is not None and not hasattr(estimator, "model_"):
        check_purpose(find(estimator.model, estimator.device), verb)


def find(given: Any, device: str = "cpu") -> Model:
    """The model meant by a path, a starter's name, a `Model`, or an estimator that holds one."""
    if isinstance(given, str):
        return named_model(given, device)
    if isinstance(given, os.PathLike):
        return artifact.load(given, device=device)
    model = getattr(given, "model_", given)
    if not isinstance(model, Model):
        raise Mistake("not a model", got=type(given).__name__, allowed="a path, a starter's name, or a trained model")
    return model


def as_picture(image: Any) -> np.ndarray:
    """One picture (h, w) or (h, w, 1 or 3) of numbers that can be restored; a `Mistake` for anything else."""
    array = np.asarray(image)
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise Mistake("not one picture", f"shape {array.shape}", "(h, w) or (h, w, 3)", "transform takes (n, h, w)")
    if array.dtype.kind not in "uf":
        raise Mistake("not the numbers of a picture", got=str(array.dtype), allowed="uint8, uint16 or floats in 0..1")
    return array


def each(images: Any, function: Any) -> np.ndarray:
    """`function` over a batch of pictures (n, h, w) or (n, h, w, c), one by one."""
    array = np.asarray(images)
    if array.ndim not in (3, 4) or not len(array):
        raise Mistake("not a batch of pictures", got=f"shape {array.shape}", allowed="(n, h, w) or (n, h, w, c)")
    return np.stack([function(image) for image in array])
