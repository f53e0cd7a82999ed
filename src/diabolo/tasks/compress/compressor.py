"""`Compressor`: pictures to bytes and back, with the starter codec or your own."""

from __future__ import annotations

import dataclasses
import numbers
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from diabolo.errors import Mistake
from diabolo.events import Listener
from diabolo.pixels import Picture
from diabolo.starters import starter_for
from diabolo.tasks.compress.codec import Codec, Progress, Rectangle
from diabolo.tasks.compress.container import MOST_PIXELS, MOST_SIDE, TILE, Header, pack, unpack
from diabolo.tasks.compress.orientation import TURNS, turned, turned_region, upright
from diabolo.tasks.compress.targets import THRIFT, Target, search
from diabolo.tasks.models import find, learn, model_key


class Compressor(BaseEstimator):  # type: ignore[misc]
    """A learned image codec.

    `model`: a codec's path, name or `Model`, or None for the starter. `quality` 1..100, on one model; instead of it one
    of `target_size` (bytes), `target_bpp` (bits per pixel, with everything) and `target_psnr` (decibels). `effort`
    1..9: from 2 on, time is spent to take symbols that cost less; the decoder takes no longer. `options` are those of
    the recipe `compress`, for `fit`.

    After `compress`, `quality_` is the quality that was used, and `estimate_` the size in bytes that the entropy model
    expected. The same bytes give the same symbols on every machine; with `exact` also the same pixels to the bit.
    """

    def __init__(
        self,
        model: Any = None,
        *,
        quality: int = 60,
        effort: int = 1,
        target_size: int | None = None,
        target_bpp: float | None = None,
        target_psnr: float | None = None,
        exact: bool = False,
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        listen: Listener | None = None,
    ) -> None:
        self.model = model
        self.quality = quality
        self.effort = effort
        self.target_size = target_size
        self.target_bpp = target_bpp
        self.target_psnr = target_psnr
        self.exact = exact
        self.options = options
        self.device = device
        self.listen = listen

    def fit(self, X: Any, y: Any = None) -> Compressor:
        """Learn a codec for pictures like these: an array, a folder, or whatever else `open_source` opens."""
        self.model_ = learn("compress", self, X)
        return self

    def compress(self, image: Any) -> bytes:
        """One picture (h, w), (h, w, 3) or with alpha (h, w, 2 or 4), uint8 or uint16, as a file's bytes."""
        return self.compress_picture(_picture(image))

    def decompress(self, data: bytes, region: Rectangle | None = None) -> np.ndarray:
        """The picture of a file's bytes, or the pixels of (top, left, height, width); with alpha where it has some.

        Of many pictures: (n, ...).
        """
        pictures, names = self.decompress_pictures(data, region)
        return self.stacked(pictures, bool(names))

    def stacked(self, pictures: Sequence[Picture], many: bool) -> np.ndarray:
        """Pictures of one kind as an array, with their alpha as the last channel: (n, ...), or the only one alone."""
        arrays = [p.values if p.alpha is None else np.dstack([p.values, p.alpha]) for p in pictures]
        return np.stack(arrays) if many else arrays[0]

    def compress_picture(self, picture: Picture, progress: Progress | None = None) -> bytes:
        """One picture, with its transparency and colour profile, as a file's bytes."""
        return self._compressed([picture], (), progress)

    def compress_pictures(
        self, pictures: Sequence[Picture], names: Sequence[str], progress: Progress | None = None
    ) -> bytes:
        """Many pictures of one size and kind as one file's bytes; small ones take less together than each alone."""
        if len(pictures) != len(names) or not pictures:
            raise Mistake("a file of many pictures needs a name for each", f"{len(pictures)} and {len(names)}")
        if any("\0" in name for name in names):
            raise Mistake("a picture's name holds a zero byte")
        kinds = {(p.values.shape, p.values.dtype.name, p.alpha is None) for p in pictures}
        if len(kinds) > 1:
            got = " and ".join(sorted(" x ".join(map(str, shape)) for shape, _, _ in kinds)[:3])
            raise Mistake("the pictures of one file must be of one size and kind", got, remedy="-o FOLDER")
        return self._compressed(list(pictures), tuple(names), progress)

    def decompress_pictures(
        self, data: bytes, region: Rectangle | None = None, progress: Progress | None = None
    ) -> tuple[list[Picture], tuple[str, ...]]:
        """The pictures of a file, and their names where it holds many."""
        header, chunks, alpha = unpack(data)
        codec = self._codec(1 if header.grey else 3)
        if header.digest != codec.digest:
            own, remedy = codec.digest.hex(), f"-m the model {header.model} that it was made with"
            got = f"{header.model} {header.digest.hex()}, and this is {own}"
            raise Mistake("the file was made with another model", got=got, remedy=remedy)
        size = header.height, header.width
        if region:
            _check_region(region, header.upright)
        cut = turned_region(region, header.turn, size) if region else (0, 0, *size)
        values = upright(codec.decode(header, chunks, cut, self.exact, progress), header.turn)
        if alpha is not None:
            top, left, height, width = cut
            alpha = upright(alpha[:, top : top + height, left : left + width], header.turn)
        icc = header.icc or None
        clear = [None] * len(values) if alpha is None else list(alpha)
        return [Picture(v, a, icc) for v, a in zip(values, clear, strict=True)], header.names

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_held", None)  # the coder's tables cannot be pickled, and are soon made again
        return state

    def _compressed(self, pictures: list[Picture], names: tuple[str, ...], progress: Progress | None) -> bytes:
        target = self._target()
        first = pictures[0]
        if first.values.dtype.kind == "f":
            raise Mistake("floats cannot be compressed", first.values.dtype.name, "uint8 or uint16", "x * 255, rounded")
        height, width = first.values.shape[:2]
        if max(height, width) > MOST_SIDE or height * width * len(pictures) > MOST_PIXELS:
            raise Mistake("too many pixels for one file", f"{len(pictures)} x {height} x {width}", f"{MOST_PIXELS}")
        grey = first.values.ndim == 2
        codec = self._codec(1 if grey else 3)
        if codec.channels == 1 and not grey:
            raise Mistake("this codec is for grey pictures", got="a picture in colour", remedy="-m another model")
        icc = (first.fitting_icc() or b"") if not names else b""
        kind = Header(height, width, 1, codec.digest, self._name(), grey, first.values.dtype == np.uint16, names, icc)
        images = first.values[None] if len(pictures) == 1 else np.stack([p.values for p in pictures])
        turn = self._best_turn(codec, images)
        images = turned(images, turn)
        kind = dataclasses.replace(kind, height=images.shape[1], width=images.shape[2], turn=turn)
        alphas = None if first.alpha is None else np.stack([p.alpha for p in pictures if p.alpha is not None])

        def trial(quality: int, thrift: float) -> tuple[bytes, np.ndarray | None, float]:
            header = dataclasses.replace(kind, quality=quality)
            chunks, bits = codec.encode(images, header, thrift, progress)
            data = pack(header, chunks, None if alphas is None else turned(alphas, turn))
            coded = sum(map(len, chunks))
            decoded = codec.decode(header, chunks, exact=self.exact) if self.target_psnr is not None else None
            return data, decoded, len(data) - coded + bits / 8

        data, self.quality_, self.estimate_ = search(target, images, trial)
        return data

    def _best_turn(self, codec: Codec, images: np.ndarray) -> int:
        """The turn by which the middle of the images, at most a tile, takes least; effort 3..9 tries 2..8 turns."""
        if self.effort < 3:
            return TURNS[0]
        top, left = (max(0, side - TILE) // 2 // codec.side * codec.side for side in images.shape[1:3])
        most = max(1, TILE * TILE // (images.shape[1] * images.shape[2]))
        middle = images[:most, top : top + TILE, left : left + TILE]
        return min(TURNS[: self.effort - 1], key=lambda turn: codec.cost(turned(middle, turn), int(self.quality)))

    def _target(self) -> Target:
        """What is asked for; a `Mistake` where it cannot be."""
        given = {
            n: getattr(self, n) for n in ("target_size", "target_bpp", "target_psnr") if getattr(self, n) is not None
        }
        if len(given) > 1:
            raise Mistake("two targets at once", " and ".join(f"--{n.replace('_', '-')}" for n in given), "one of them")
        for name, value in given.items():
            if not value > 0:
                raise Mistake(f"--{name.replace('_', '-')} is not allowed", f"{value:g}", "more than 0")
        whole: tuple[tuple[str, Any, int], ...] = (("quality", self.quality, 100), ("effort", self.effort, 9))
        for name, value, most in whole:
            if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not 1 <= int(value) <= most:
                raise Mistake(f"the {name} is not allowed", repr(value), f"whole numbers, 1 to {most}")
        thrift = 0.0 if self.effort < 2 else THRIFT
        kind, value = next(iter(given.items()), ("quality", self.quality))
        return Target(kind.removeprefix("target_"), value, thrift)

    def _codec(self, channels: int) -> Codec:
        """The codec of the trained model, or of the given one, or the starter; it is kept until that changes."""
        given = getattr(self, "model_", self.model)
        held = self.__dict__.setdefault("_held", {})
        key = (model_key(given), self.device)
        if key not in held:
            held.clear()
            model = starter_for("compress", channels, self.device) if given is None else find(given, self.device)
            held[key] = Codec(model)
        found: Codec = held[key]
        return found

    def _name(self) -> str:
        given = getattr(self, "model_", self.model)
        return "photo" if given is None else Path(given).name if isinstance(given, str | os.PathLike) else "own"


def _check_region(region: Rectangle, size: tuple[int, int]) -> None:
    (top, left, height, width), (rows, columns) = region, size
    if min(top, left) < 0 or min(height, width) < 1 or top + height > rows or left + width > columns:
        got, allowed = f"x {left}, y {top}, {width} x {height}", f"within {columns} x {rows} pixels"
        raise Mistake("the region lies outside the picture", got, allowed)


def _picture(image: Any) -> Picture:
    """An array as a picture; the second or fourth channel is its transparency."""
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] in (1, 2, 4):
        values = array[..., 0] if array.shape[2] < 3 else array[..., :3]
        return Picture(
            np.ascontiguousarray(values), np.ascontiguousarray(array[..., -1]) if array.shape[2] > 1 else None
        )
    return Picture(array)
