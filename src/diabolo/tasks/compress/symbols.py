"""Symbols as bytes: the entropy model says how likely each is, an asymmetric numeral system (Duda 2013) codes them.

The coder is constriction's. Its stack gives back last what was put in first, so all is gathered and then coded in
reverse. Everything that the decoder must know alike is whole numbers: see `diabolo.latents.whole`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import constriction
import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.latents import CodedLatent
from diabolo.latents.coded import COUNTS
from diabolo.latents.entropy import HYPER, SCALES, Turn, largest_symbols

BEYOND = 2**19  # symbols beyond their table are coded as they are, within -BEYOND..BEYOND - 1
CODING: Any = constriction.stream  # has no types of its own
LARGEST = 2**15 - 1  # of a value, in sixteenths of a step


@dataclasses.dataclass(frozen=True)
class Tables:
    """The coder's tables of one model.

    `largest` (SCALES,): the largest symbol of each; what lies beyond comes after it. `nats` (SCALES, symbols): what
    symbol -largest + i costs, for the widest table's symbols; those beyond cost what the table's last entry does, and
    20 bits.
    """

    hyper: list[Any]
    symbols: list[Any]
    largest: np.ndarray
    nats: Tensor

    @classmethod
    def of(cls, latent: CodedLatent) -> Tables:
        """The tables that `settle` has left in a latent."""
        largest = np.array(largest_symbols())
        ends = np.cumsum(2 * largest + 2)
        counts = np.split(latent.counts.cpu().numpy(), ends[:-1])
        hyper = latent.hyper_counts.cpu().numpy()
        if any((row < 1).any() or row.sum() != COUNTS for row in [*counts, *hyper]):
            raise Mistake("the model's tables of probabilities are damaged, or it was never trained")
        most = int(largest.max())
        nats = torch.empty(SCALES, 2 * most + 1)
        for row, count, end in zip(nats, counts, largest, strict=True):
            costs = -np.log(count / COUNTS)
            row[:] = float(costs[-1]) + math.log(2 * BEYOND)
            row[most - end : most + end + 1] = torch.from_numpy(costs[:-1]).float()
        return cls([_model(row) for row in hyper], [_model(row) for row in counts], largest, nats)

    def cost(self, symbols: Tensor, tables: Tensor) -> Tensor:
        """What symbols of these tables cost, nats; of the same shape."""
        most, nats = self.nats.shape[1] // 2, self.nats.to(symbols.device)
        return nats[tables.long(), symbols.long().clamp(-most, most) + most]


def _model(counts: np.ndarray) -> Any:
    return CODING.model.Categorical(counts / COUNTS, perfect=False)


_ANY = CODING.model.Uniform(2 * BEYOND)


class _Writer:
    """Gathers what is to be coded, in the decoder's order."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.parts = tables, list[tuple[np.ndarray, Any]]()

    def hyper(self, hyper: np.ndarray) -> None:
        """Whole hyper-latents (n, channels, h, w), within -HYPER..HYPER."""
        for channel, model in zip(hyper.swapaxes(0, 1), self.tables.hyper, strict=True):
            self.parts.append((channel.ravel() + HYPER, model))

    def symbols(self, symbols: np.ndarray, tables: np.ndarray) -> None:
        """One turn's symbols (k,) and their tables (k,)."""
        for table, chosen in _by_table(tables):
            largest = int(self.tables.largest[table])
            own = symbols[chosen]
            beyond = np.abs(own) > largest
            self.parts.append((np.where(beyond, 2 * largest + 1, own + largest), self.tables.symbols[table]))
            if beyond.any():
                self.parts.append((own[beyond] + BEYOND, _ANY))

    def bytes(self) -> bytes:
        coder = CODING.stack.AnsCoder()
        for symbols, model in reversed(self.parts):
            coder.encode_reverse(np.ascontiguousarray(symbols, np.int32), model)
        words: np.ndarray = coder.get_compressed()
        return words.astype("<u4").tobytes()


class _Reader:
    """Gives back what a `_Writer` has gathered."""

    def __init__(self, tables: Tables, data: bytes) -> None:
        if len(data) % 4 or (data and data[-4:] == b"\0\0\0\0"):
            raise _damaged()
        self.tables, self.coder = tables, CODING.stack.AnsCoder(np.frombuffer(data, "<u4").astype(np.uint32))

    def hyper(self, shape: tuple[int, int, int, int]) -> np.ndarray:
        count, _, height, width = shape
        size = count * height * width
        rows = [self.coder.decode(model, size).reshape(count, height, width) for model in self.tables.hyper]
        return np.stack(rows, 1) - HYPER

    def symbols(self, tables: np.ndarray) -> np.ndarray:
        symbols = np.empty(len(tables), np.int64)
        for table, chosen in _by_table(tables):
            largest = int(self.tables.largest[table])
            own = self.coder.decode(self.tables.symbols[table], len(chosen)).astype(np.int64)
            beyond = own == 2 * largest + 1
            own -= largest
            if beyond.any():
                own[beyond] = self.coder.decode(_ANY, int(beyond.sum())).astype(np.int64) - BEYOND
            symbols[chosen] = own
        return symbols

    def close(self) -> None:
        """After the last symbol nothing may be left: what is no file of ours hardly ever ends so."""
        if not self.coder.is_empty():
            raise _damaged()


def _by_table(tables: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each table that occurs, and at which places, both in ascending order."""
    order = np.argsort(tables.astype(np.uint8), kind="stable")  # narrow numbers are sorted by their digits
    ends = np.cumsum(np.bincount(tables, minlength=SCALES))
    for table, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
        if start < end:
            yield table, order[start:end]


def _damaged() -> Mistake:
    return Mistake("the file is damaged: its symbols do not end where its bytes do")


@torch.no_grad()
def encode(
    latent: CodedLatent, tables: Tables, steps: Tensor, quality: int, thrift: float = 0.0
) -> tuple[bytes, Tensor, float]:
    """Steps (n, channels, h, w) as bytes; the values that the decoder will know, in sixteenths; the estimate, bits.

    With `thrift` a symbol nearer to zero is taken where `thrift` times the nats it saves are more than what its error
    counts in training (rate-distortion optimised quantisation).
    """
    writer, model, chosen = _Writer(tables), latent.entropy, qualities(len(steps), quality, steps)
    hyper = torch.round(model.summary(steps))
    writer.hyper(hyper.cpu().numpy().astype(np.int64))
    nats = _hyper_nats(latent, hyper)
    weight = 6 * (latent.length(chosen) / latent.usual(chosen)[:, None, None, None]) ** 2

    def choose(turn: Turn, means: Tensor, indices: Tensor, mask: Tensor) -> Tensor:
        nonlocal nats
        apart = steps[:, turn.start : turn.stop] - means / 16
        symbols = _bounded(torch.round(apart), means)
        if thrift:
            symbols = _thrifty(symbols, apart, indices, weight[:, turn.start : turn.stop], tables, thrift)
            symbols = _bounded(symbols, means)
        here = mask.bool().expand_as(symbols)
        own, table = symbols[here].cpu(), indices[here].cpu()
        nats += float(tables.cost(own, table).double().sum())
        writer.symbols(own.numpy().astype(np.int64), table.numpy().astype(np.int64))
        return (16 * symbols + means) * mask

    size = (steps.shape[2], steps.shape[3])
    values = model.walk(model.state(hyper, chosen, size), choose)
    return writer.bytes(), values, nats / math.log(2)


@torch.no_grad()
def decode(latent: CodedLatent, tables: Tables, data: bytes, shape: tuple[int, int, int], quality: int) -> Tensor:
    """Bytes to values (n, channels, h, w), in sixteenths of a step; `shape`: (n, h, w). A `Mistake` for other bytes."""
    reader, model = _Reader(tables, data), latent.entropy
    count, height, width = shape
    like = latent.lengths
    low = (count, latent.hyper, -(-height // 4), -(-width // 4))
    hyper = torch.from_numpy(reader.hyper(low)).to(like)

    def choose(turn: Turn, means: Tensor, indices: Tensor, mask: Tensor) -> Tensor:
        here = mask.bool().expand_as(means)
        symbols = torch.zeros_like(means)
        symbols[here] = torch.from_numpy(reader.symbols(indices[here].cpu().numpy().astype(np.int64))).to(means)
        values = (16 * symbols + means) * mask
        if values.abs().amax() > LARGEST:
            raise _damaged()
        return values

    values = model.walk(model.state(hyper, qualities(count, quality, like), (height, width)), choose)
    reader.close()
    return values


def qualities(count: int, quality: int, like: Tensor) -> Tensor:
    """Qualities 1..100 as the latent counts them, from 0."""
    return torch.full((count,), float(quality - 1), device=like.device, dtype=like.dtype)


def _bounded(symbols: Tensor, means: Tensor) -> Tensor:
    """The nearest symbols whose values stay within what a file may hold."""
    return symbols.clamp(torch.ceil((-LARGEST - means) / 16), torch.floor((LARGEST - means) / 16))


def _thrifty(symbols: Tensor, apart: Tensor, indices: Tensor, weight: Tensor, tables: Tables, thrift: float) -> Tensor:
    """Each symbol, the one next to it towards 0, or 0: which costs least."""
    best, least = symbols, weight * (apart - symbols) ** 2 + thrift * tables.cost(symbols, indices)
    for other in (symbols - symbols.sign(), torch.zeros_like(symbols)):
        cost = weight * (apart - other) ** 2 + thrift * tables.cost(other, indices)
        best, least = torch.where(cost < least, other, best), torch.minimum(cost, least)
    return best


def _hyper_nats(latent: CodedLatent, hyper: Tensor) -> float:
    costs = -torch.log(latent.hyper_counts.double() / COUNTS)
    channel = torch.arange(len(costs), device=hyper.device)[:, None, None]
    return float(costs[channel, hyper.long() + HYPER].sum())
