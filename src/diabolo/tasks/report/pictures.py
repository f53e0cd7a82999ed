"""Images in network units as small pictures inside a page."""

from __future__ import annotations

import base64

import numpy as np

from diabolo.pixels import png_bytes
from diabolo.preprocessing import Conversion

COLD, WARM = np.array([33, 102, 172]), np.array([178, 24, 43])  # for less and more; both read well on white
STRIP = 3  # how many times wider than tall a vector is drawn


def seen(image: np.ndarray, conversion: Conversion) -> np.ndarray:
    """One image (d,) as a picture uint8, (h, w) or (h, w, 3), from the data's darkest to its brightest value."""
    planes = _planes(image, conversion)
    scaled = (planes - conversion.low) / ((conversion.high - conversion.low) or 1.0)
    return np.rint(scaled.clip(0, 1) * 255).astype(np.uint8)


def changes(image: np.ndarray, conversion: Conversion) -> np.ndarray:
    """A change (d,) as a picture uint8: blue where less, white for none, red where more; of colours, around grey."""
    planes = _planes(image, conversion)
    strength = planes / (np.abs(planes).max() or 1.0)
    if planes.ndim == 3:
        return np.rint(127.5 + 127.5 * strength).astype(np.uint8)
    share = np.abs(strength)[..., None]
    colour = np.where(strength[..., None] < 0, COLD, WARM)
    return np.rint(255 * (1 - share) + colour * share).astype(np.uint8)


def data_uri(picture: np.ndarray) -> str:
    """A picture uint8 as a PNG that stands inside the page."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode("ascii")


def _planes(image: np.ndarray, conversion: Conversion) -> np.ndarray:
    """(h, w) or (h, w, 3); a vector is drawn as rows that are read like text, other channels by their mean."""
    if conversion.layout == "vector":
        width = int(np.ceil(np.sqrt(image.size * STRIP)))
        padded = np.full(-(-image.size // width) * width, image.min())
        padded[: image.size] = image
        return padded.reshape(-1, width)
    planes = np.moveaxis(image.reshape(conversion.shape), 0, -1)
    return planes if planes.shape[2] == 3 else planes.mean(2)
