"""One look at the training data before training: its kind, its range, and whether it can be trained on at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Note, ignore
from diabolo.preprocessing import UNIT, Conversion, columns_in_words, network_shape
from diabolo.training.pictures import Pictures

LARGEST = 1e150  # squares of what is larger are infinite


@dataclasses.dataclass(frozen=True)
class Survey:
    """What was seen: the least and greatest raw value, and whether there are only these two.

    Where columns are standardised, the values are those that result. `constant` are the columns of one value alone.
    """

    low: float
    high: float
    two_valued: bool
    constant: tuple[int, ...] = ()


def survey(pictures: Pictures, crop: int, listen: Listener = ignore) -> tuple[Survey, Conversion]:
    """Look at the data. NaN and infinity are refused with their count and first place; `impute` lets NaN pass.

    A warning names the columns that cannot be standardised, since they never change.
    """
    pictures.check_crop(crop)
    image = pictures.shape or (crop, crop, pictures.channels)[: 2 if pictures.channels == 1 else 3]
    if crop and len(image) > 1:
        image = (crop, crop, *image[2:])
    shape, layout = network_shape(image)
    wanted = pictures.preprocessing
    if wanted.impute and layout != "vector":
        raise Mistake("only tables have missing values to impute", f"images of shape {image}", "shape (n, d)")
    if wanted.by_column and layout != "vector":
        raise Mistake("only tables have columns to standardise", got=f"images of shape {image}", allowed="shape (n, d)")
    first = _first_values(pictures) if wanted.impute else None
    seen = _look(pictures)
    low, high = seen.low, seen.high
    offset: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    if max(abs(low), abs(high)) > LARGEST:
        remedy = f"divide them, as by {max(abs(low), abs(high)):.0e}"
        raise Mistake(
            "the numbers are too large to be multiplied", f"{low:g} to {high:g}", f"-{LARGEST:g} to {LARGEST:g}", remedy
        )
    if wanted.by_column:
        seen, offset, scale = _columns(pictures, pictures.read(0) if first is None else first)
        low, high = seen.low, seen.high
        if seen.constant and len(pictures) > 1:
            told = columns_in_words(seen.constant, getattr(pictures.source, "columns", None))
            listen(Note(f"never changes in the training data, and keeps its own unit: {told}", warning=True))
    elif seen.two_valued:  # 0 and 1 for the network, whichever two values they are
        unit = UNIT.get(pictures.dtype.name, 1.0)
        offset, scale = (low / unit,), ((high - low) / unit,)
    elif pictures.dtype.name not in UNIT and (low < -1 or high > 1):
        offset, scale = (low,), (high - low or 1.0,)
    if not wanted.by_column and (pictures.dtype.name in UNIT or scale != (1.0,)):
        low, high = 0.0, 1.0
    conversion = Conversion(shape, layout, pictures.dtype.name, offset, scale, float(low), float(high))
    return seen, dataclasses.replace(conversion, impute=wanted.impute)


def _look(pictures: Pictures) -> Survey:
    low, high = np.inf, -np.inf
    least, greatest = (np.fmin, np.fmax) if pictures.preprocessing.impute else (np.minimum, np.maximum)
    values: set[float] = set()
    for start, chunk in _chunks(pictures):
        if chunk.dtype.kind == "f":
            _refuse_not_finite(pictures, start, chunk)
        low, high = min(low, least.reduce(chunk, None)), max(high, greatest.reduce(chunk, None))
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
    bad = np.isinf(chunk) if pictures.preprocessing.impute else ~np.isfinite(chunk)
    if not bad.any():
        return
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    name, missing = pictures.name(start + first[0]), bool(np.isnan(chunk[first]))
    if chunk.ndim == 2:
        raise _not_finite_table(pictures, name, first[1], missing)
    total = int(bad.sum()) + sum(int((~np.isfinite(c)).sum()) for s, c in _chunks(pictures) if s > start)
    place = f"the first ({'NaN' if missing else 'infinity'}) in image {name} at {first[1:]}"
    raise Mistake(
        "NaN or infinity in the data",
        got=f"{total} such value{'s' * (total > 1)}, {place}",
        allowed="finite numbers",
        remedy="leave these images out, or numpy.nan_to_num",
    )


def _not_finite_table(pictures: Pictures, name: str, column: int, missing: bool) -> Mistake:
    """The mistake of a table with missing values, or infinite ones: how many, in which columns, where the first is."""
    counts = np.zeros(pictures.channels, int)
    for _, chunk in _chunks(pictures):
        counts += (np.isnan(chunk) if missing else np.isinf(chunk)).sum(0)
    names = getattr(pictures.source, "columns", None)
    place = f"{name if names else f'image {name}'}, {columns_in_words([column], names)}"
    got = f"{counts.sum()} in {columns_in_words(np.flatnonzero(counts), names)}; the first in {place}"
    if missing:
        remedy = "--impute (in Python preprocessing__impute=True), or leave these rows out"
        return Mistake("missing values (NaN) in the table", got, "finite numbers", remedy)
    return Mistake("infinity in the table", got, "finite numbers", "leave these rows out")


def _first_values(pictures: Pictures) -> np.ndarray:
    """The first value of every column; a `Mistake` that names the columns that have none."""
    first = np.full(pictures.channels, np.nan)
    for _, chunk in _chunks(pictures):
        there = ~np.isnan(chunk)
        found = chunk[there.argmax(0), np.arange(len(first))]
        first = np.where(np.isnan(first), found, first)
        if not np.isnan(first).any():
            return first
    names = getattr(pictures.source, "columns", None)
    told = columns_in_words(np.flatnonzero(np.isnan(first)), names)
    raise Mistake("nothing is known of a column", f"no value in {told}", remedy="leave it out of the table")


def _columns(pictures: Pictures, first: np.ndarray) -> tuple[Survey, tuple[float, ...], tuple[float, ...]]:
    """What was seen, and the mean and standard deviation of every column's values; constant ones keep their scale."""
    unit = UNIT.get(pictures.dtype.name, 1.0)
    shift = first.astype(np.float64) / unit  # near the mean: squares of large numbers would cancel
    counts, sums, squares = np.zeros((3, pictures.channels))
    low, high = shift * 0, shift * 0
    for _, chunk in _chunks(pictures):
        numbers = chunk.astype(np.float64) / unit - shift
        low, high = np.fmin(low, np.fmin.reduce(numbers, 0)), np.fmax(high, np.fmax.reduce(numbers, 0))
        missing = np.isnan(numbers)
        numbers[missing] = 0
        counts += (~missing).sum(0)
        sums += numbers.sum(0)
        squares += np.square(numbers).sum(0)
    mean = sums / counts
    spread = np.sqrt(np.maximum(squares / counts - mean**2, 0))
    spread = np.where(spread > 0, spread, 1.0)
    least, greatest = ((low - mean) / spread).min(), ((high - mean) / spread).max()
    constant = tuple(np.flatnonzero(low == high).tolist())
    seen = Survey(float(least), float(greatest), two_valued=False, constant=constant)
    return seen, tuple((mean + shift).tolist()), tuple(spread.tolist())
