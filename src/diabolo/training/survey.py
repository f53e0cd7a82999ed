"""One look at the training data before training: its kind, its range, and whether it can be trained on at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from diabolo.errors import Mistake
from diabolo.preprocessing import UNIT, Conversion, network_shape
from diabolo.training.pictures import Pictures

LARGEST = 1e150  # squares of what is larger are infinite


@dataclasses.dataclass(frozen=True)
class Survey:
    """What was seen: the least and greatest raw value, and the only two values where there are no more."""

    low: float
    high: float
    two_valued: bool


def survey(pictures: Pictures, crop: int) -> tuple[Survey, Conversion]:
    """Look once at the data. NaN and infinity are refused with their count and first place."""
    pictures.check_crop(crop)
    image = pictures.shape or (crop, crop, pictures.channels)[: 2 if pictures.channels == 1 else 3]
    if crop and len(image) > 1:
        image = (crop, crop, *image[2:])
    shape, layout = network_shape(image)
    seen = _look(pictures)
    low, high = seen.low, seen.high
    offset: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    if max(abs(low), abs(high)) > LARGEST:
        remedy = f"divide them, as by {max(abs(low), abs(high)):.0e}"
        raise Mistake(
            "the numbers are too large to be multiplied", f"{low:g} to {high:g}", f"-{LARGEST:g} to {LARGEST:g}", remedy
        )
    columns = pictures.preprocessing.scaling == "columns"
    if columns and layout != "vector":
        raise Mistake("only tables have columns to standardise", got=f"images of shape {image}", allowed="shape (n, d)")
    if columns:
        offset, scale, low, high = _columns(pictures)
    elif seen.two_valued:  # 0 and 1 for the network, whichever two values they are
        unit = UNIT.get(pictures.dtype.name, 1.0)
        offset, scale = (low / unit,), ((high - low) / unit,)
    elif pictures.dtype.name not in UNIT and (low < -1 or high > 1):
        offset, scale = (low,), (high - low or 1.0,)
    if not columns and (pictures.dtype.name in UNIT or scale != (1.0,)):
        low, high = 0.0, 1.0
    return seen, Conversion(shape, layout, pictures.dtype.name, offset, scale, float(low), float(high))


def _look(pictures: Pictures) -> Survey:
    low, high = np.inf, -np.inf
    values: set[float] = set()
    for start, chunk in _chunks(pictures):
        if chunk.dtype.kind == "f":
            _refuse_not_finite(pictures, start, chunk)
        low, high = min(low, chunk.min()), max(high, chunk.max())
        if len(values) <= 2:
            few = np.unique(chunk.reshape(-1)[:1000])  # enough to rule nearly every data set out cheaply
            values.update((few if len(few) > 2 else np.unique(chunk)).tolist())
        if len(values) > 2 and chunk.dtype.name in UNIT:
            break  # whole numbers are finite, and their range is their type's
    return Survey(float(low), float(high), len(values) == 2)


def _chunks(pictures: Pictures) -> Iterator[tuple[int, np.ndarray]]:
    """The images in order with the index of each chunk's first; one by one where their sizes differ."""
    size = 1 if pictures.shape is None else 256
    for start in range(0, len(pictures), size):
        indices = range(start, min(start + size, len(pictures)))
        if pictures.in_memory and pictures.shape is not None:
            yield start, pictures.held(start, start + size)
        else:
            yield start, np.stack([pictures.readable(i) for i in indices])


def _refuse_not_finite(pictures: Pictures, start: int, chunk: np.ndarray) -> None:
    bad = ~np.isfinite(chunk)
    if not bad.any():
        return
    total = int(bad.sum()) + sum(int((~np.isfinite(c)).sum()) for s, c in _chunks(pictures) if s > start)
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    what = "NaN" if np.isnan(chunk[first]) else "infinity"
    place = f"the first ({what}) in image {pictures.name(start + first[0])} at {first[1:]}"
    raise Mistake(
        "NaN or infinity in the data",
        got=f"{total} such value{'s' * (total > 1)}, {place}",
        allowed="finite numbers",
        remedy="leave these images out, or numpy.nan_to_num",
    )


def _columns(pictures: Pictures) -> tuple[tuple[float, ...], tuple[float, ...], float, float]:
    """Mean and standard deviation of every column (constant ones keep their scale), and the range of what results."""
    unit = UNIT.get(pictures.dtype.name, 1.0)
    shift = pictures.read(0).astype(np.float64) / unit  # near the mean: squares of large numbers would cancel
    sums, low, high = np.zeros((2, pictures.channels)), shift * 0, shift * 0
    for _, chunk in _chunks(pictures):
        numbers = chunk.astype(np.float64) / unit - shift
        sums += [numbers.sum(0), np.square(numbers).sum(0)]
        low, high = np.minimum(low, numbers.min(0)), np.maximum(high, numbers.max(0))
    mean, square = sums / len(pictures)
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    spread = np.where(spread > 0, spread, 1.0)
    least, greatest = ((low - mean) / spread).min(), ((high - mean) / spread).max()
    return tuple((mean + shift).tolist()), tuple(spread.tolist()), float(least), float(greatest)
