"""Which images are learned in which step: a function of the seed, the epoch and the step alone."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diabolo.preprocessing import Conversion
from diabolo.recipe import Training
from diabolo.training.pictures import Pictures
from diabolo.training.processes import Processes


class Batch(NamedTuple):
    """What one step learns from."""

    images: Tensor  # (n, *shape)
    targets: Tensor  # (n, *shape), what they are to become
    share: float  # of the whole batch, where several processes share it
    beside: Tensor | None = None  # (n, d), what is known beside the images, NaN where it is not; None = nothing


@dataclasses.dataclass(frozen=True)
class Batches:
    """The training set as batches of network tensors, and the held-out set beside it."""

    pictures: Pictures
    conversion: Conversion
    training: Training
    processes: Processes
    learned: np.ndarray  # indices of the images that are learned
    held_out: np.ndarray
    partners: Pictures | None = None  # what the pictures are to become, one for each; None = themselves
    kept: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, int))  # nothing but thresholds is learned
    beside: Tensor | None = None  # (images, d), what is known beside each picture, where a term is about that

    @property
    def starts(self) -> range:
        """Where each batch of an epoch begins, without a last one too small to give every process two images.

        (The only one may give one: the statistics of a batch say nothing about a single image.)
        """
        images, processes = len(self.learned) * self.training.cuts, self.processes.count
        fewest = processes if images < 2 * processes else 2 * processes
        return range(0, images - fewest + 1, self.training.batch_size)

    @property
    def per_epoch(self) -> int:
        return len(self.starts)

    def epoch(self, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """The epoch's batches from step `skip` on: this process's share of each.

        Each process takes every count-th image of a batch.
        """
        draw = np.random.default_rng([self.training.seed, epoch])
        order = np.concatenate([draw.permutation(self.learned) for _ in range(self.training.cuts)])
        places, mirrored = draw.random((len(order), 2)), draw.random(len(order)) < 0.5
        turns = draw.integers(4, size=len(order))
        size, rank, count = self.training.batch_size, self.processes.rank, self.processes.count
        mine = [np.arange(s + rank, min(s + size, len(order)), count) for s in self.starts[skip:]]
        wanted = np.concatenate(mine) if mine else np.zeros(0, int)
        raw = self._read(order[wanted], -(-size // count), places[wanted])
        for at, pair in zip(mine, raw, strict=True):
            for batch in pair[: 1 if self.partners is None else 2]:
                if self.training.flip:
                    turned = torch.from_numpy(mirrored[at]).to(batch.device)
                    batch[turned] = batch[turned].flip(-1)
                if self.training.turn:
                    _turn(batch, turns[at])
            whole = min(size, len(order) - int(at[0]) // size * size)
            yield Batch(*pair, len(at) / whole, self._beside(order[at]))

    def _beside(self, indices: np.ndarray) -> Tensor | None:
        """What is known beside images that were read just now; nothing where another one stood in for one of them."""
        if self.beside is None:
            return None
        known = self.beside[indices]
        known[torch.from_numpy(~self.pictures.sound(indices))] = math.nan
        return known.to(self.processes.device)

    def evaluation(self) -> Iterator[tuple[Tensor, Tensor, int]]:
        """The held-out images (or, without any, up to 2000 of those learned), this process's share of them.

        Every process gets as many batches as the others, since they may have to pass through the network together;
        with each comes how many of its images count: 0 where there were not enough for every process.
        """
        chosen = self.held_out if len(self.held_out) else self.learned[:2000]
        rank, count = self.processes.rank, self.processes.count
        runs = [chosen[start : start + 256 * count] for start in range(0, len(chosen), 256 * count)]
        mine = [run[rank::count] if rank < len(run) else run[:1] for run in runs]
        raw = self._read(np.concatenate(mine), 256)
        for run, pair in zip(runs, raw, strict=True):
            yield *pair, len(run[rank::count])

    def _read(
        self, indices: np.ndarray, size: int, places: np.ndarray | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of images and of what they are to become: the same tensor twice, where there are no partners."""
        raw = self._raw(self.pictures, indices, size, places)
        if self.partners is None:
            yield from ((batch, batch) for batch in map(self._tensor, raw))
        else:
            others = self._raw(self.partners, indices, size, places)
            yield from ((self._tensor(one), self._tensor(other)) for one, other in zip(raw, others, strict=True))

    def _raw(
        self, pictures: Pictures, indices: np.ndarray, size: int, places: np.ndarray | None
    ) -> Iterator[np.ndarray]:
        """Raw batches; for a device that computes by itself, the next ones are made meanwhile.

        Worker processes do that anyway. And one that is forked from a pool's thread ends as if it had failed: Python
        lets it wait for that thread, which it is itself.
        """
        raw = pictures.batches(indices, size, self.training.crop, places, self.training.margin)
        return raw if self.processes.device.type == "cpu" or pictures.streamed else ahead(raw)

    def _tensor(self, raw: np.ndarray) -> Tensor:
        inside = None
        if self.training.margin:
            raw, inside = raw[..., :-1], raw[..., -1:]
            raw = raw[..., 0] if self.conversion.layout == "grey" else raw
        batch = self.conversion.to_network(raw, device=self.processes.device)
        if inside is not None:  # outside of the picture there are no numbers
            batch.masked_fill_(torch.from_numpy(inside == 0).movedim(-1, 1).to(batch.device), math.nan)
        if self.training.channels_last and batch.ndim == 4 and batch.shape[1] > 1:
            batch = batch.contiguous(memory_format=torch.channels_last)
        return batch


def _turn(batch: Tensor, turns: np.ndarray) -> None:
    """Turn each image of (n, c, h, w), which must be square, by its number of quarter turns."""
    for turn in (1, 2, 3):
        turned = torch.from_numpy(turns == turn).to(batch.device)
        batch[turned] = batch[turned].rot90(turn, (2, 3))


def ahead(batches: Iterator[np.ndarray], most: int = 3) -> Iterator[np.ndarray]:
    """The same batches, of which a thread makes up to `most` before they are asked for."""
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[np.ndarray | None]] = deque()
        while True:
            while len(waiting) < most:
                waiting.append(pool.submit(next, batches, None))
            batch = waiting.popleft().result()
            if batch is None:
                return
            yield batch


def split(count: int, share: float, seed: int, kept: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices (learned, held out, kept aside), each in ascending order: random shares, of which one always learns."""
    held = min(int(share * count), count - 1)
    aside = min(math.ceil(kept * count), count - 1 - held)
    order = np.random.default_rng([seed, 2**31]).permutation(count)
    return np.sort(order[held + aside :]), np.sort(order[:held]), np.sort(order[held : held + aside])
