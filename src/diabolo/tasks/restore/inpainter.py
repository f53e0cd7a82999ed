"""`Inpainter`: missing pixels filled in; all others stay as they are, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.ndimage import minimum_filter

from diabolo.errors import Mistake
from diabolo.pixels import resize
from diabolo.tasks.models import learn
from diabolo.tasks.restore.learning import Restoring, as_picture, restorer
from diabolo.tasks.restore.restorer import SHOWN, Restored, Restorer

REACH = 32  # pixels to the nearest seen one: what lies deeper in a hole is first filled at half the size


class Inpainter(Restoring):
    """Fills missing pixels, with the starter model or one learned from your own pictures.

    Parameters as `Denoiser`'s, without `sigma`; `options` are those of the recipe `inpaint`.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import camera
    >>> from diabolo import Inpainter
    >>> mask = np.random.default_rng(0).random((512, 512)) < 0.5
    >>> Inpainter().inpaint(camera(), mask).dtype
    dtype('uint8')
    """

    _verb = "inpaint"

    def fit(self, X: Any, y: None = None) -> Inpainter:
        """Learn from whole pictures (an array, a folder, ...), in which holes are made."""
        self.model_ = learn(self._verb, self, X)
        return self

    def inpaint(self, image: Any, mask: Any = None) -> np.ndarray:
        """One picture with its missing pixels filled in; same shape and type.

        `mask` (h, w) is True, or not 0, where a pixel is missing; None takes the NaN of a float picture.
        """
        return self.restore(image, mask).values

    def restore(self, image: Any, mask: Any = None, bounds: bool = False, progress: Any = None) -> Restored:
        """`inpaint`, and with `bounds` also how sure each filled pixel is (0 for the others)."""
        picture = as_picture(image)
        missing = missing_pixels(picture, mask)
        engine = restorer(self, picture.shape[2] if picture.ndim == 3 else 1)
        seen = np.where(_beside(missing, picture), np.zeros((), picture.dtype), picture)
        filled = _fill(engine, seen, missing, bounds, progress)
        np.copyto(filled.values, picture, where=_beside(~missing, picture))
        if filled.bounds is not None:
            np.copyto(filled.bounds, 0, where=_beside(~missing, picture))
        return filled


def missing_pixels(picture: np.ndarray, mask: Any = None) -> np.ndarray:
    """The mask (h, w) of booleans; a `Mistake` where it does not fit, or where nothing or everything is missing."""
    if mask is None:
        missing = np.isnan(picture).reshape(*picture.shape[:2], -1).any(2)
    else:
        missing = np.asarray(mask) != 0
        if missing.shape != picture.shape[:2]:
            got, allowed = _size(missing), _size(picture)
            raise Mistake("the mask does not fit the picture", got, allowed, "a mask of the picture's own size")
        if picture.dtype.kind == "f" and np.isnan(picture[~missing]).any():
            raise Mistake("NaN outside the mask", allowed="a mask that covers them", remedy="--mask auto")
    if not missing.any():
        raise Mistake("nothing is missing", got="a mask without any white", allowed="white = missing, black = kept")
    if missing.all():
        raise Mistake("everything is missing", got="a mask that is all white", allowed="white = missing, black = kept")
    return missing


def _fill(engine: Restorer, picture: np.ndarray, missing: np.ndarray, bounds: bool, progress: Any) -> Restored:
    """Fill a picture. What is deep in a hole comes from the same picture at half the size, filled before."""
    deep = minimum_filter(missing, 2 * REACH + 1, mode="constant", cval=True)
    if not deep.any():
        return engine.restore(picture, missing=missing, bounds=bounds, progress=progress)
    coarse = resize(_fill(engine, *_halved(picture, missing), False, None).values, *missing.shape)
    np.copyto(picture, coarse, where=_beside(deep, picture))
    filled = engine.restore(picture, missing=np.where(deep, SHOWN, missing), bounds=bounds, progress=progress)
    np.copyto(filled.values, coarse, where=_beside(deep, picture))
    return filled


def _halved(picture: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture and its mask at half the size: each pixel the mean of those of its four that are seen."""
    height, width = (-(-side // 2) for side in missing.shape)
    pad = ((0, 2 * height - missing.shape[0]), (0, 2 * width - missing.shape[1]))
    seen = np.pad(~missing, pad, mode="edge")
    weight = seen.reshape(height, 2, width, 2).sum((1, 3))
    half = np.empty((height, width, *picture.shape[2:]), picture.dtype)
    for plane, small in zip(_planes(picture), _planes(half), strict=True):
        blocks = np.where(seen, np.pad(plane, pad, mode="edge").astype(np.float32), 0)
        mean = blocks.reshape(height, 2, width, 2).sum((1, 3)) / np.maximum(weight, 1)
        small[...] = np.rint(mean) if picture.dtype.kind in "ui" else mean
    return half, weight == 0


def _planes(picture: np.ndarray) -> list[np.ndarray]:
    """Views of the channels, (h, w) each."""
    return [picture] if picture.ndim == 2 else list(np.moveaxis(picture, 2, 0))


def _beside(mask: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """A mask (h, w) in a shape that goes with the picture's."""
    return mask if picture.ndim == 2 else mask[..., None]


def _size(array: np.ndarray) -> str:
    return "x".join(map(str, array.shape[1::-1])) + " pixels"
