"""`Deblocker`, `Deblurrer` and `Enlarger`: what was done to the picture is not told, the network sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.base import TransformerMixin
from torch.nn.functional import interpolate

from diabolo.errors import Mistake
from diabolo.events import Listener
from diabolo.model import Model
from diabolo.tasks.models import learn
from diabolo.tasks.restore.learning import Restoring, as_picture, each, restorer
from diabolo.tasks.restore.restorer import Restored

LARGEST = 2**28  # pixels of an enlarged picture: a quarter of a thousand megapixels


class _Blind(TransformerMixin, Restoring):  # type: ignore[misc]
    """A restoring estimator that is told nothing."""

    def fit(self, X: Any, y: Any = None) -> Any:
        """Learn from pictures without the fault (an array, a folder, ...), or from faulty ones and their targets."""
        self.model_ = learn(self._verb, self, X, y)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """A batch of pictures (n, h, w) or (n, h, w, c), each restored; same type."""
        return each(X, lambda image: self.restore(image).values)

    def restore(self, image: Any, bounds: bool = False, progress: Any = None) -> Restored:
        """One picture, and with `bounds` how sure each pixel is; `progress` hears (tiles done, tiles in all)."""
        picture = as_picture(image)
        engine = restorer(self, picture.shape[2] if picture.ndim == 3 else 1)
        return engine.restore(picture, bounds=bounds, progress=progress)


class Deblocker(_Blind):
    """Takes the blocks and rings out of pictures that were JPEG files, with the starter model or your own.

    The picture's first pixel must be that of the JPEG file: a cut at another place than every eighth pixel moves the
    blocks to where the network does not expect them.
    """

    _verb = "deblock"

    def deblock(self, image: Any) -> np.ndarray:
        """One picture (h, w) or (h, w, 3) without the marks of JPEG; same shape and type."""
        return self.restore(image).values


class Deblurrer(_Blind):
    """Sharpens pictures out of focus, with a model learned from sharp ones of your own."""

    _verb = "deblur"

    def deblur(self, image: Any) -> np.ndarray:
        """One picture (h, w) or (h, w, 3), sharper; same shape and type."""
        return self.restore(image).values


class Enlarger(_Blind):
    """Enlarges pictures and adds the detail that interpolation leaves out, with a model learned from your own.

    `factor` is how many times as high and wide a picture becomes; None takes the most that the model learned.
    """

    _verb = "enlarge"

    def __init__(
        self,
        model: Any = None,
        *,
        factor: int | None = None,
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        listen: Listener | None = None,
    ) -> None:
        super().__init__(model, options=options, device=device, listen=listen)
        self.factor = factor

    def enlarge(self, image: Any) -> np.ndarray:
        """One picture (h, w) or (h, w, 3), `factor` times as high and wide; same type."""
        return self.restore(image).values

    def check(self, bounds: bool = False) -> None:
        """Refuse a model of another task, or without `bounds`, or that did not learn `factor`."""
        super().check(bounds)
        _factor(restorer(self, 3).model, self.factor)

    def restore(self, image: Any, bounds: bool = False, progress: Any = None) -> Restored:
        """`enlarge`, and with `bounds` how sure each pixel is."""
        picture = as_picture(image)
        engine = restorer(self, picture.shape[2] if picture.ndim == 3 else 1)
        factor = _factor(engine.model, self.factor)
        if picture.shape[0] * picture.shape[1] * factor**2 > LARGEST:
            raise Mistake("the enlarged picture is too large", f"{factor} times {picture.shape}", f"{LARGEST} pixels")
        return engine.restore(interpolated(picture, factor), bounds=bounds, progress=progress)


def _factor(model: Model, factor: int | None) -> int:
    learned = [c.factor for c in model.recipe.corruption if hasattr(c, "factor")]
    low, high = (min(learned[0]), max(learned[0])) if learned else (2, 2)
    if factor is not None and factor not in range(low, high + 1):
        allowed = f"{low} to {high}" if high > low else str(low)
        raise Mistake("the picture cannot be enlarged so", f"factor {factor}", f"{allowed}, as the model learned")
    return high if factor is None else factor


def interpolated(picture: np.ndarray, factor: int) -> np.ndarray:
    """A picture enlarged by bicubic interpolation (Keys 1981), as the corruption `downscale` does it; same type."""
    planes = picture if picture.ndim == 3 else picture[..., None]
    size = (picture.shape[0] * factor, picture.shape[1] * factor)
    out = np.empty((*size, planes.shape[2]), picture.dtype)
    for c in range(planes.shape[2]):
        plane = torch.from_numpy(planes[..., c].astype(np.float32))[None, None]
        large = interpolate(plane, size, mode="bicubic", align_corners=False, antialias=True)[0, 0].numpy()
        whole = picture.dtype.kind in "ui"
        out[..., c] = np.clip(np.rint(large), 0, np.iinfo(picture.dtype).max) if whole else large
    return out.reshape(*size, *picture.shape[2:])
