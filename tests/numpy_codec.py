"""The codec's decoder once more, from its description alone: whole numbers in NumPy, a coder in plain Python, no torch.

It reads files `*.dbl` of one picture that fills no more than one tile, without alpha and profile.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

SCALES, HYPER, APART = 64, 15, 11
WHOLE = 2**24  # what a coder's probabilities sum to
FINEST = 13  # all weights are whole numbers of 2^-13
GRID, FEATURES, WAVES = 2.0**10, 2.0**20, 2.0**20


class Coder:
    """An asymmetric numeral system: a state of 64 bits, and words of 32 that are taken from the end."""

    def __init__(self, chunk: bytes) -> None:
        self.words = np.frombuffer(chunk, "<u4").tolist()
        self.state = 0
        while self.state < 2**32 and self.words:
            self.state = self.state << 32 | self.words.pop()

    def symbol(self, lefts: list[int]) -> int:
        """The next symbol; `lefts` are where each begins, and WHOLE."""
        quantile = self.state % WHOLE
        found = bisect.bisect_right(lefts, quantile) - 1
        self._drop(quantile, lefts[found], lefts[found + 1])
        return found

    def uniform(self, count: int) -> int:
        """The next of `count` symbols, a power of two, that are all as likely."""
        quantile, each = self.state % WHOLE, WHOLE // count
        self._drop(quantile, quantile // each * each, quantile // each * each + each)
        return quantile // each

    def _drop(self, quantile: int, left: int, right: int) -> None:
        self.state = self.state // WHOLE * (right - left) + quantile - left
        if self.state < 2**32 and self.words:
            self.state = self.state << 32 | self.words.pop()

    def is_empty(self) -> bool:
        return not self.words and not self.state


def lefts(counts: np.ndarray) -> list[int]:
    """Where each symbol of a table begins, of WHOLE, and WHOLE; each has one more than its share of the rest."""
    before = np.concatenate([[0], np.cumsum(counts.astype(np.int64))])
    begins = before * (WHOLE - len(counts)) // before[-1] + np.arange(len(before))
    return [*begins[:-1].tolist(), WHOLE]


@dataclasses.dataclass(frozen=True)
class File:
    """What is read of a file before any symbol."""

    height: int
    width: int
    quality: int
    grey: bool
    deep: bool
    chunk: bytes
    turn: int = 0  # quarter turns counter-clockwise, and 4 more where it was mirrored after them


def parse(data: bytes) -> File:
    assert data[:4] == b"dbl\x01"
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    assert data[4] & 0b11100 == 0, "more than one picture, its alpha or its profile"
    place = 12

    def number() -> int:
        nonlocal place
        value, shift = 0, 0
        while data[place] > 127:
            value, shift, place = value | (data[place] - 128) << shift, shift + 7, place + 1
        place += 1
        return value | data[place - 1] << shift

    name = number()  # its bytes; the digest stood before it
    place += name
    height, width, size = number(), number(), number()
    assert place + size + 4 == len(data)
    return File(height, width, data[5], bool(data[4] & 1), bool(data[4] & 2), data[place:-4], data[4] >> 5)


@dataclasses.dataclass(frozen=True)
class NumpyCodec:
    """`weights` are those of the latent, `channels` and `side` those of the blocks."""

    weights: Mapping[str, np.ndarray]
    channels: int
    side: int

    def decode(self, file: File) -> np.ndarray:
        """The values (channels, h, w), in sixteenths of a step, int64."""
        height, width = -(-file.height // self.side), -(-file.width // self.side)
        coder, tables = Coder(file.chunk), self._tables()
        low = (-(-height // 4), -(-width // 4))
        rows = [
            [coder.symbol(begins) - HYPER for _ in range(low[0] * low[1])]
            for begins in map(lefts, self.weights["hyper_counts"])
        ]
        state = self._state(np.array(rows).reshape(-1, *low), file.quality, height, width)
        count, done = 0, []
        while f"entropy.steps.{count}.told.weight" in self.weights:
            name, odd = f"entropy.steps.{count}", count % 2
            means, scales = np.split(self._whole(f"{name}.told", np.clip(state, 0, 255)), 2)
            scales = np.clip((3 * scales + 4 * SCALES) // 12, 0, SCALES - 1)
            here = np.broadcast_to(np.indices((height, width)).sum(0) % 2 == odd, means.shape)
            values = np.zeros_like(means)
            values[here] = 16 * _symbols(coder, scales[here], tables) + means[here]
            done.append(values)
            count += 1
            if f"{name}.take.weight" in self.weights:
                state = state + self._whole(f"{name}.take", companded(values))
                inner = np.clip(self._whole(f"{name}.narrow", np.clip(state, 0, 255)), 0, 255)
                state = state + self._whole(f"{name}.widen", inner)
        assert coder.is_empty()
        return np.concatenate([even + odd for even, odd in zip(done[::2], done[1::2], strict=True)])

    def pixels(self, file: File, values: np.ndarray) -> np.ndarray:
        """The picture of decoded values: every number on its grid, so that no sum depends on its order."""
        features = np.round(self._after(values / 16, file.quality) * self._lengths(file.quality) * FEATURES) / FEATURES
        squares = np.einsum("fc,fhw->chw", waves(self.channels, self.side), features)
        (_, height, width), side = squares.shape, self.side
        parts = squares.reshape(self.channels, side, side, height, width).transpose(0, 3, 1, 4, 2)
        y = parts.reshape(self.channels, height * side, width * side)[:, : file.height, : file.width]
        y = ((y[1] + y[2] + y[0]) / 3 if file.grey and self.channels == 3 else y[0])[None] if file.grey else y
        top = 65535 if file.deep else 255
        whole = np.clip(np.floor(y * top + 0.5), 0, top).astype(np.uint16 if file.deep else np.uint8)
        whole = whole[:, :, ::-1] if file.turn & 4 else whole
        whole = np.rot90(whole, -(file.turn & 3), (1, 2))
        return whole[0] if file.grey else whole.transpose(1, 2, 0)

    def _tables(self) -> list[list[int]]:
        deviations = 2.0 ** (-4.5 + np.arange(SCALES) / 5)
        sizes = 2 * np.minimum(np.ceil(5 * deviations) + 1, 1023).astype(int) + 2
        return [lefts(counts) for counts in np.split(self.weights["counts"], np.cumsum(sizes)[:-1])]

    def _state(self, hyper: np.ndarray, quality: int, height: int, width: int) -> np.ndarray:
        hidden = _unfolded(self._whole("entropy.up.0", 8 * hyper))
        hidden = _unfolded(self._whole("entropy.up.1", np.clip(hidden, 0, 255)))[:, :height, :width]
        anchors = np.round(16 * self.weights["entropy.quality.anchors"].astype(np.float64)).astype(np.int64)
        low = min((quality - 1) // APART, len(anchors) - 2)
        far = quality - 1 - APART * low
        told = anchors[low] * (APART - far) + anchors[low + 1] * far
        return (
            self._whole("entropy.first", np.clip(hidden, 0, 255)) + ((2 * told + APART) // (2 * APART))[:, None, None]
        )

    def _whole(self, name: str, x: np.ndarray) -> np.ndarray:
        """floor(sum + 16 bias + 1/2) of whole numbers, in parts of 2^-FINEST."""
        weight = np.ldexp(self.weights[f"{name}.weight"].astype(np.float64), FINEST)
        constant = np.ldexp(self.weights[f"{name}.bias"].astype(np.float64), FINEST + 4)
        assert (weight == np.rint(weight)).all()
        assert (constant == np.rint(constant)).all()
        sums = convolved(x, weight.astype(np.int64)) + constant.astype(np.int64)[:, None, None]
        return (sums + 2 ** (FINEST - 1)) >> FINEST

    def _after(self, steps: np.ndarray, quality: int) -> np.ndarray:
        """What the network after the coding makes of steps."""
        if "after.first.weight" not in self.weights:
            return steps
        low = min((quality - 1) // APART, len(self.weights["after.quality.anchors"]) - 2)
        far = quality - 1 - APART * low
        anchors = self.weights["after.quality.anchors"].astype(np.float64)
        told = on_grid((anchors[low] * (APART - far) + anchors[low + 1] * far) / APART)[:, None, None]
        bent = on_grid(np.sign(steps) * (np.sqrt(2 * np.abs(steps) + 0.25) - 0.5))
        hidden, block = self._eight_bits("after.first", bent) + told, 0
        while f"after.blocks.{block}.layers.0.weight" in self.weights:
            change = hidden
            for layer in range(3):
                change = self._eight_bits(f"after.blocks.{block}.layers.{layer}", np.maximum(change, 0))
            hidden, block = hidden + change, block + 1
        return steps + self._eight_bits("after.last", np.maximum(hidden, 0))

    def _eight_bits(self, name: str, x: np.ndarray) -> np.ndarray:
        weight, bias = (self.weights[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias"))
        return on_grid(convolved(x, weight) + bias[:, None, None])

    def _lengths(self, quality: int) -> np.ndarray:
        return self.weights["lengths"][quality - 1].astype(np.float64)[:, None, None]


def _symbols(coder: Coder, scales: np.ndarray, tables: list[list[int]]) -> np.ndarray:
    """One turn's symbols: those of each table together, and after them what lies beyond it."""
    symbols = np.zeros(len(scales), np.int64)
    for scale in np.unique(scales):
        begins = tables[scale]
        largest = (len(begins) - 3) // 2
        own = np.array([coder.symbol(begins) for _ in range((scales == scale).sum())]) - largest
        beyond = own > largest
        own[beyond] = [coder.uniform(2**20) - 2**19 for _ in range(beyond.sum())]
        symbols[scales == scale] = own
    return symbols


def companded(sixteenths: np.ndarray) -> np.ndarray:
    """sign(v) (floor(sqrt(2 |v| + 4.5)) - 2), at most 127: how many k have (k + 2)^2 <= 2 |v| + 4."""
    levels = np.array([(k + 2) ** 2 for k in range(1, 128)])
    return np.sign(sixteenths) * np.searchsorted(levels, 2 * np.abs(sixteenths) + 4, side="right")


def convolved(x: np.ndarray, weight: np.ndarray, stride: int = 1) -> np.ndarray:
    """(inputs, h, w) by (outputs, inputs, side, side), zeros around: (outputs, h', w')."""
    side = weight.shape[2]
    padded = np.pad(x, ((0, 0), (side // 2, side // 2), (side // 2, side // 2)))
    windows = sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    return np.tensordot(weight, windows, ((1, 2, 3), (0, 3, 4)))


def waves(channels: int, side: int) -> np.ndarray:
    """The cosine transform of colours and squares, rows from smooth to fine."""

    def cosines(length: int) -> np.ndarray:
        wave, place = np.arange(length)[:, None], np.arange(length) + 0.5
        return np.cos(math.pi / length * place * wave) * np.where(wave == 0, 1, math.sqrt(2)) / math.sqrt(length)

    full = np.einsum("ac,uy,vx->auvcyx", cosines(channels), cosines(side), cosines(side))
    colour, u, v = np.indices((channels, side, side))
    order = np.argsort(((u + 2 * (colour > 0)) ** 2 + (v + 2 * (colour > 0)) ** 2).ravel(), kind="stable")
    size = channels * side * side
    return np.round(full.reshape(size, size)[order] * WAVES) / WAVES


def on_grid(x: np.ndarray) -> np.ndarray:
    return np.round(x * GRID) / GRID


def _unfolded(x: np.ndarray) -> np.ndarray:
    """(4 c, h, w) to (c, 2 h, 2 w)."""
    count, height, width = x.shape
    return x.reshape(count // 4, 2, 2, height, width).transpose(0, 3, 1, 4, 2).reshape(-1, 2 * height, 2 * width)
