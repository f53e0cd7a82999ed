"""Preprocessing: pictures as they come to tensors as networks take them, and back.

`Preprocessing` says what is wanted; `Conversion` is what was learned from the data, and is kept in the model's file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from diabolo import pixels
from diabolo.errors import Mistake
from diabolo.options import option, part

UNIT = {"uint8": 255.0, "uint16": 65535.0, "bool": 1.0}  # the value of each type that becomes 1.0


@part
class Preprocessing:
    """What is done to a picture before any network sees it."""

    side: int = option(
        0,
        "cut every picture to a square and bring it to this side; 0 leaves sizes alone",
        unit="pixels",
        at_least=0,
        at_most=8192,
    )
    channels: int = option(
        0,
        "1 makes every picture grey, 3 colour; 0 leaves them as they come (colour where they mix)",
        at_least=0,
        at_most=3,
    )
    scaling: str = option(
        "auto",
        "columns standardises every column of a table by itself; auto: whole numbers by their type's range, "
        "other numbers as they are within -1..1 and by their learned range otherwise",
        choices=("auto", "columns"),
    )
    impute: bool = option(
        False, "missing values (NaN) of a table become their column's mean; its columns are then standardised"
    )

    @property
    def by_column(self) -> bool:
        """Whether every column of a table has an offset and a scale of its own."""
        return self.impute or self.scaling == "columns"

    def picture(self, raw: np.ndarray, channels: int) -> np.ndarray:
        """One raw picture (h, w) or (h, w, c) brought to the wanted side and to `channels` channels."""
        if raw.ndim == 1:
            return raw
        raw = _with_channels(raw, channels)
        if not self.side or raw.shape[:2] == (self.side, self.side):
            return raw
        side = min(raw.shape[:2])
        top, left = (raw.shape[0] - side) // 2, (raw.shape[1] - side) // 2
        return pixels.resize(raw[top : top + side, left : left + side], self.side, self.side)


def _with_channels(raw: np.ndarray, channels: int) -> np.ndarray:
    has = raw.shape[2] if raw.ndim == 3 else 1
    if has == channels or not channels:
        return raw
    grey = raw if raw.ndim == 2 else raw[..., 0]
    if has == 3:  # luma of ITU-R BT.601, as Pillow's "L"
        grey = raw.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
        grey = (np.rint(grey) if raw.dtype.kind in "ui" else grey).astype(raw.dtype)
    if has not in (1, 3) or channels not in (1, 3):
        raise Mistake(f"a picture of {has} channels cannot become one of {channels}", allowed="1 and 3")
    return grey if channels == 1 else np.repeat(grey[..., None], 3, axis=2)


@dataclasses.dataclass(frozen=True)
class Conversion:
    """Raw arrays to network tensors and back, as learned from the training data.

    network = (numbers - offset) / scale, where numbers are uint8 / 255, uint16 / 65535, or floats as they are.
    `offset` and `scale` hold one value, or one for each column. With `impute`, each column has its own, the offset is
    the column's mean, and what is missing (NaN) becomes that mean: 0 for the network.
    """

    shape: tuple[int, ...]  # (c, h, w) or (d,): what the network was built for
    layout: str  # how one raw image comes: "vector" (d,), "grey" (h, w) or "channels" (h, w, c)
    dtype: str  # the raw type it was trained on, and the type of what it gives back from codes
    offset: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    low: float = 0.0  # the least and the greatest network value in the training data
    high: float = 1.0
    any_size: bool = False  # the network takes pictures of any height and width
    impute: bool = False  # NaN becomes its column's mean

    def to_network(self, raw: np.ndarray, dtype: torch.dtype = torch.float32, device: Any = "cpu") -> torch.Tensor:
        """(n, *raw image) to (n, *shape) on `device`; a `Mistake` where size, channels or kind of number do not fit."""
        self._check(raw)
        unit = UNIT.get(raw.dtype.name)
        if not unit or len(self.scale) > 1:
            raw, unit = self._rescaled(raw, unit or 1.0), None
        if unit and torch.device(device).type != "cpu":  # narrow numbers travel faster
            values = torch.tensor(raw).to(device).to(dtype)
        else:
            plain = raw.astype(str(dtype).removeprefix("torch."), copy=not raw.flags.writeable)
            values = torch.from_numpy(plain).to(device)
        if self.layout == "grey":
            values = values.unsqueeze(1)
        elif self.layout == "channels":
            values = values.permute(0, 3, 1, 2).contiguous()
        if unit:  # the type changed, so these values are a copy; this line runs for every batch
            return values.mul_(1 / (unit * self.scale[0])).sub_(self.offset[0] / self.scale[0])
        return values

    def _rescaled(self, raw: np.ndarray, unit: float) -> np.ndarray:
        """Raw numbers on the network's scale, before single precision takes away what double could tell apart."""
        if unit == 1 and (self.offset, self.scale) == ((0.0,), (1.0,)):
            return self.filled(raw)
        wide = np.float64 if len(self.scale) > 1 else np.promote_types(raw.dtype, np.float32)
        return self.filled((raw.astype(wide) / unit - np.array(self.offset, wide)) / np.array(self.scale, wide))

    def filled(self, numbers: np.ndarray) -> np.ndarray:
        """Numbers on the network's scale with what is missing replaced, where this is wanted."""
        return np.where(np.isnan(numbers), numbers.dtype.type(0), numbers) if self.impute else numbers

    def from_network(self, values: torch.Tensor, dtype: Any = None) -> np.ndarray:
        """(n, *shape) to raw arrays (n, *raw image) of `dtype`; whole-number types are rounded and clipped."""
        name = np.dtype(dtype or self.dtype).name
        numbers = values.detach().cpu()
        numbers = numbers if name in (*UNIT, "float16", "float32") else numbers.double()
        if (self.offset, self.scale) != ((0.0,), (1.0,)):
            numbers = numbers * torch.tensor(self.scale, dtype=numbers.dtype)
            numbers = numbers + torch.tensor(self.offset, dtype=numbers.dtype)
        numbers = numbers.squeeze(1) if self.layout == "grey" else numbers
        numbers = numbers.permute(0, 2, 3, 1) if self.layout == "channels" else numbers
        if name in UNIT:
            numbers = (numbers * UNIT[name]).round_().clamp_(0, UNIT[name])
        elif np.dtype(name).kind in "iu":
            numbers = numbers.round()
        return np.ascontiguousarray(numbers.numpy().astype(name))

    def _check(self, raw: np.ndarray) -> None:
        if raw.ndim == 0 or _layout(raw.shape[1:]) != self.layout:
            raise Mistake("arrays of another kind", got=f"shape {raw.shape}", allowed=f"shape {self.describe()}")
        wanted = self.shape if self.layout == "vector" else self.shape[1:] + self.shape[:1]
        got = raw.shape[1:] + ((1,) if self.layout == "grey" else ())
        if got != wanted and not (self.any_size and got[2:] == wanted[2:]):
            raise Mistake("arrays of another size", got=f"shape {raw.shape}", allowed=f"shape {self.describe()}")
        if raw.dtype.kind not in "buif":
            raise Mistake("the images are not numbers", got=str(raw.dtype), allowed="bool, whole numbers, floats")
        self.check_finite(raw)
        other = raw.dtype.name not in UNIT and raw.size
        if self.dtype in UNIT and other and ((raw < -2) | (raw > 3)).any():  # strong noise goes so far
            got_range = f"{np.nanmin(raw):g} to {np.nanmax(raw):g}"
            remedy = f"x.astype('{self.dtype}'), or x / {UNIT[self.dtype]:g}"
            wrong = f"the model learned from {self.dtype}; {raw.dtype} stands for 0..1"
            raise Mistake(wrong, got_range, "0 to 1", remedy)
        if self.dtype not in UNIT and raw.dtype.name in UNIT and (self.offset, self.scale) != ((0.0,), (1.0,)):
            allowed = "numbers on the scale it was trained on"
            raise Mistake("the model learned from floats", f"{raw.dtype} values", allowed, "x.astype('float32')")

    def check_finite(self, raw: np.ndarray, columns: Sequence[str] | None = None) -> None:
        """Raises `Mistake` for infinity, and for NaN where it is not imputed; `columns` are the names of a table's."""
        if raw.dtype.kind != "f" or np.isfinite(raw).all():
            return
        bad = np.isinf(raw) if self.impute else ~np.isfinite(raw)
        if not bad.any():
            return
        wrong, allowed, remedy = "NaN or infinity in the data", "finite numbers", "numpy.nan_to_num(x)"
        got = f"{int(bad.sum())} such values"
        if self.layout == "vector" and raw.ndim == 2:
            got += f" in {columns_in_words(np.flatnonzero(bad.any(0)), columns)}"
            remedy += ", or a model trained with --impute (preprocessing__impute=True)"
        if self.impute:
            wrong, allowed, remedy = "infinity in the data", "finite numbers, and NaN for what is missing", ""
        raise Mistake(wrong, got, allowed, remedy)

    def describe(self) -> str:
        """The shape of arrays it takes, in words: `(n, 28, 28)`."""
        sizes = ("h", "w") if self.any_size else self.shape[1:]
        parts = {"vector": self.shape, "grey": sizes, "channels": (*sizes, self.shape[0])}[self.layout]
        return "(n, " + ", ".join(str(p) for p in parts) + ")"


def columns_in_words(columns: Iterable[int], names: Sequence[str] | None = None) -> str:
    """Columns by number, from 0, in words of readable length.

    >>> columns_in_words([0, 4]), columns_in_words([1, 2, 3, 4], ["id", "age", "height", "weight", "sex"])
    ('column 1, column 5', "column 'age', column 'height', column 'weight' and 1 more")
    """
    told = [f"column {i + 1}" for i in columns]
    if names is not None:
        told = [label if names[i] == label else f"column {names[i]!r}" for i, label in zip(columns, told, strict=True)]
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")


def _layout(image: tuple[int, ...]) -> str:
    return {1: "vector", 2: "grey", 3: "channels"}.get(len(image), f"{len(image)} dimensions")


def network_shape(image: tuple[int, ...]) -> tuple[tuple[int, ...], str]:
    """The network's shape and the layout's name for one raw image's shape; a `Mistake` for any other."""
    layout = _layout(image)
    if layout == "vector":
        return image, layout
    if layout == "grey":
        return (1, *image), layout
    if layout == "channels":
        if image[0] <= 4 < image[2]:
            raise Mistake(
                "channels come first",
                f"images of shape {image}",
                "(n, height, width, channels)",
                "x.transpose(0, 2, 3, 1)",
            )
        return (image[2], image[0], image[1]), layout
    raise Mistake(
        "not pictures or vectors", f"shape (n, {', '.join(map(str, image))})", "(n, d), (n, h, w), (n, h, w, c)"
    )
