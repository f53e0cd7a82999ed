"""What `Denoiser`, `Inpainter` and the others have in common: parameters, and where their model comes from."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

from diabolo.errors import Mistake
from diabolo.events import Listener
from diabolo.starters import STARTERS, starter_for
from diabolo.tasks.models import find, model_key
from diabolo.tasks.restore.restorer import Restorer, check_purpose


class Restoring(BaseEstimator):  # type: ignore[misc]
    """An estimator that restores pictures; `Denoiser` tells what the parameters mean."""

    _verb = ""  # what it does, and the name of the recipe that it learns by

    def __init__(
        self,
        model: Any = None,
        *,
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        listen: Listener | None = None,
    ) -> None:
        self.model = model
        self.options = options
        self.device = device
        self.listen = listen

    def check(self, bounds: bool = False) -> None:
        """Refuse a model of another task, or one without the `bounds` asked for, before any picture is read."""
        shipped = self._verb in (undoes for undoes, _ in STARTERS.values())
        if self.model is None and not hasattr(self, "model_") and shipped:
            return  # which starter it is depends on the picture; all of them have bounds
        engine = restorer(self, 3)
        if bounds:
            engine.check_bounds()


def restorer(estimator: Restoring, channels: int) -> Restorer:
    """The trained model, or the given one, or the starter for pictures of so many channels.

    What was read from a file is kept beside the estimator's parameters, and read again when the file has changed.
    """
    verb, given = estimator._verb, getattr(estimator, "model_", estimator.model)
    if given is not None and not isinstance(given, str | os.PathLike):
        model = find(given)
    else:
        held = estimator.__dict__.setdefault("_held", {})
        key = (verb, channels if given is None else model_key(given), estimator.device)
        if key not in held:
            starter = given is None
            read = starter_for(verb, channels, estimator.device) if starter else find(given, estimator.device)
            read.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster
            _keep_what_is_freed()
            held[key] = read
        model = held[key]
    check_purpose(model, verb)
    return Restorer(model)


def _keep_what_is_freed() -> None:
    """Have the C library keep up to 64 MiB that were freed, where it is glibc, instead of giving them back.

    The system would have to clear them anew for every layer: an eighth of the time at 256 x 256 pixels, nothing at
    512 x 512, whose layers are too large. One block of nearly 32 MiB, freed, raises both of glibc's thresholds
    (mallopt(3), M_MMAP_THRESHOLD); it is never written to.
    """
    torch.empty(31 * 2**20, dtype=torch.uint8)


def as_picture(image: Any) -> np.ndarray:
    """One picture (h, w) or (h, w, 1 or 3) of numbers that can be restored; a `Mistake` for anything else."""
    if isinstance(image, str | os.PathLike):
        raise Mistake("a path is no picture", str(image), "an array", "diabolo.pixels.read_picture(path).values")
    array = as_array(image)
    if array.ndim not in (2, 3) or 0 in array.shape or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        remedy = "image[..., :3] leaves the transparency out" if array.shape[2:] == (4,) else "one picture at a time"
        raise Mistake("not one picture", f"shape {array.shape}", "(h, w) or (h, w, 3)", remedy)
    if array.dtype.name not in ("uint8", "uint16") and array.dtype.kind != "f":
        raise Mistake("not the numbers of a picture", got=str(array.dtype), allowed="uint8, uint16 or floats in 0..1")
    return array


def as_array(images: Any) -> np.ndarray:
    """What NumPy makes of it; a `Mistake` where that is not one array."""
    try:
        return np.asarray(images)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Mistake("not one array", got=str(error)[:120], allowed="an array, or pictures of one size") from error


def each(images: Any, function: Any) -> np.ndarray:
    """`function` over a batch of pictures (n, h, w) or (n, h, w, c), one by one."""
    array = as_array(images)
    if array.ndim not in (3, 4) or not len(array):
        raise Mistake("not a batch of pictures", got=f"shape {array.shape}", allowed="(n, h, w) or (n, h, w, c)")
    return np.stack([function(image) for image in array])
