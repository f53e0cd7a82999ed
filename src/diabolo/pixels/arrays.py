"""What the picture library does to plain arrays: resizing, JPEG and back, PNG for a page."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from diabolo.errors import Mistake


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """`array` (h, w) or (h, w, c) of any number of channels as (height, width, ...), in its own dtype.

    Shrinking averages over the area each new pixel covers, so that fine detail does not turn into patterns: the mean
    where the size is a whole multiple (8 bits are rounded twice: across, then down), a Lanczos window of three lobes
    otherwise. The result stays within the range of the input. Booleans are true where at least half is. Floats are
    computed in 32 bits.
    """
    if height < 1 or width < 1:
        raise Mistake("not the size of a picture", got=f"{height} x {width}", allowed="1 x 1 or more")
    if array.shape[:2] == (height, width):
        return array.copy()
    whole = array.shape[0] % height == 0 and array.shape[1] % width == 0
    method = Image.Resampling.BOX if whole else Image.Resampling.LANCZOS
    if array.dtype == np.uint8 and (array.ndim == 2 or array.shape[2] == 3):
        resized = np.array(_image(array).resize((width, height), method))
        return resized.clip(array.min(), array.max())
    planes = np.moveaxis(array.astype(np.float32).reshape(*array.shape[:2], -1), 2, 0)
    new = [np.asarray(Image.fromarray(np.ascontiguousarray(p)).resize((width, height), method)) for p in planes]
    resized = np.stack(new, axis=2).reshape(height, width, *array.shape[2:]).clip(array.min(), array.max())
    if array.dtype == bool:
        return resized >= 0.5
    return (np.rint(resized) if array.dtype.kind in "ui" else resized).astype(array.dtype)


def jpeg_round_trip(array: np.ndarray, quality: int) -> np.ndarray:
    """`array` uint8 (h, w), (h, w, 1) or (h, w, 3) after writing it as JPEG of `quality` 1..100 and reading it back.

    Colour is stored at half the resolution (4:2:0), as cameras and the web do.
    """
    file = io.BytesIO()
    _image(array).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file, formats=("JPEG",))).reshape(array.shape)


def png_bytes(array: np.ndarray) -> bytes:
    """A PNG file of `array` (h, w), (h, w, 1) or (h, w, 3): uint8, or bool as black and white."""
    file = io.BytesIO()
    _image(array.astype(np.uint8) * np.uint8(255) if array.dtype == bool else array).save(file, "PNG", optimize=True)
    return file.getvalue()


def _image(array: np.ndarray) -> Image.Image:
    grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    if array.dtype != np.uint8 or not (grey or (array.ndim == 3 and array.shape[2] == 3)):
        got = f"{array.dtype} {array.shape}"
        raise Mistake("not an 8-bit picture", got=got, allowed="uint8 (h, w), (h, w, 1) or (h, w, 3)")
    return Image.fromarray(np.ascontiguousarray(array.reshape(array.shape[:2]) if grey else array))
