"""The flow-matching prior: a network that carries noise to codes along straight ways."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import silu

from diabolo.options import option, part
from diabolo.priors.base import UNKNOWN, Measured, Space, embedded, embedding
from diabolo.priors.spread import Spread

WAVES = 64  # numbers that tell the time
SLOWEST, FASTEST = 0.5, 64.0  # their frequencies, in turns from 0 to 1
TOLD = 128  # numbers that tell the blocks of the time and of conditions; 512 took a third of all time


@part
class FlowMatching:
    """Codes are noise carried along a learned velocity (Lipman 2023; Liu 2023, rectified flow).

    In training the conditions are forgotten now and then, so that one network knows the velocity with and without them:
    guidance goes further in the direction in which they differ (Ho and Salimans 2021).
    """

    discrete: ClassVar[bool] = False
    guided: ClassVar[bool] = True

    width: int = option(512, "numbers in each layer", at_least=8, at_most=8192)
    depth: int = option(4, "residual blocks", at_least=1, at_most=64)
    forget: float = option(0.1, "how often the conditions are forgotten in training", at_least=0, at_most=0.9)
    guidance: float = option(1.0, "guidance, unless another is asked for", at_least=0, at_most=20)
    evaluations: int = option(24, "times the velocity is computed for a code", at_least=2, at_most=1000)
    steps: int = option(6000, "steps of training", at_least=1)
    batch_size: int = option(256, "codes in one step", at_least=1)
    learning_rate: float = option(2e-3, "the highest learning rate", above=0, at_most=10)
    optimizer: str = option("adam", "how gradients become steps", choices=("adam", "adamw", "muon"))
    ema: float = option(0.999, "decay of the moving average of the weights that is used", at_least=0, below=1)

    def build(self, space: Space) -> FlowMatchingPrior:
        return FlowMatchingPrior(self, space)


class FlowMatchingPrior(Measured):
    """The velocity of codes on their way from noise, at time 0, to where they are, at time 1."""

    def __init__(self, options: FlowMatching, space: Space) -> None:
        super().__init__()
        self.options, self.space = options, space
        width, numbers = options.width, space.numbers
        self.tables = embedding(space.counts, TOLD)
        self.time = nn.Sequential(nn.Linear(WAVES, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        self.first = nn.Linear(numbers, width)
        self.blocks = nn.ModuleList(Block(width, TOLD) for _ in range(options.depth))
        self.last = nn.Linear(width, numbers)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.spread = Spread()

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        self.measure(codes)

    def settle(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        def draw(conditions: Tensor, generator: Generator) -> Tensor:
            return self._carried(self._noise(conditions, generator), 0.0, 1.0, conditions, 1.0)

        self.spread.learn(self.rows(codes), conditions, draw, generator)

    def loss(self, codes: Tensor, conditions: Tensor, generator: Generator) -> Tensor:
        """The squared error of the velocity on the way to each code (Lipman 2023, equation 23), (n,).

        Times crowd around the middle, where the velocity is hardest to tell (Esser 2024, section 3.1, logit-normal).
        """
        rows = self.rows(codes)
        noise = torch.randn(rows.shape, generator=generator, device=generator.device)
        time = torch.randn(len(rows), generator=generator, device=generator.device).sigmoid()
        conditions = forgotten(conditions, self.options.forget, generator)
        there = noise + time[:, None] * (rows - noise)
        return (self(there, time, conditions) - (rows - noise)).square().sum(1)

    def forward(self, rows: Tensor, time: Tensor, conditions: Tensor) -> Tensor:
        """The velocity (n, d) at rows (n, d) and times (n,) in 0..1."""
        told = silu(self.time(waves(time)) + embedded(self.tables, conditions, TOLD))
        values = self.first(rows)
        for block in self.blocks:
            values = block(values, told)
        velocity: Tensor = self.last(silu(values))
        return velocity

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        return self.from_noise(self._noise(conditions, generator), conditions, guidance)

    def _noise(self, conditions: Tensor, generator: Generator) -> Tensor:
        return torch.randn(len(conditions), self.space.numbers, generator=generator, device=generator.device)

    def from_noise(self, noise: Tensor, conditions: Tensor, guidance: float = 1.0) -> Tensor:
        """The codes that rows of noise (n, d) are carried to."""
        rows = self._carried(noise, 0.0, 1.0, conditions, guidance)
        return self.codes(self.spread(rows, conditions), self.space)

    def to_noise(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """The noise (n, d) that codes come from: the same way backwards."""
        return self._carried(self.spread.back(self.rows(codes), conditions), 1.0, 0.0, conditions, 1.0)

    def _carried(self, rows: Tensor, begin: float, end: float, conditions: Tensor, guidance: float) -> Tensor:
        """Rows carried along the velocity by Heun's method, in steps that are equal in time."""
        steps = max(1, self.options.evaluations // 2)
        width = (end - begin) / steps
        for step in range(steps):
            time = begin + step * width
            there = self._guided(rows, time, conditions, guidance)
            ahead = self._guided(rows + width * there, time + width, conditions, guidance)
            rows = rows + width * (there + ahead) / 2
        return rows

    def _guided(self, rows: Tensor, time: float, conditions: Tensor, guidance: float) -> Tensor:
        times = torch.full((len(rows),), time, device=rows.device)
        told = self(rows, times, conditions)
        if guidance == 1 or not conditions.shape[1]:
            return told
        plain = self(rows, times, torch.full_like(conditions, UNKNOWN))
        return plain + guidance * (told - plain)


class Block(nn.Module):
    """`x + f(x)`, where what is told of time and conditions shifts and scales the layer's normalised input.

    (adaptive layer normalisation that starts as the identity, Peebles and Xie 2023, section 3.2)
    """

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.told = nn.Linear(told, 2 * width)
        last = nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(nn.Linear(width, width), nn.SiLU(), last)

    def forward(self, values: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.told(told).chunk(2, 1)
        changed: Tensor = self.layers(self.norm(values) * (1 + scale) + shift)
        return values + changed


def waves(time: Tensor) -> Tensor:
    """Times (n,) in 0..1 as sines and cosines (n, WAVES) of frequencies from slow to fast."""
    steps = torch.arange(WAVES // 2, device=time.device) / (WAVES // 2 - 1)
    angles = 2 * math.pi * SLOWEST * (FASTEST / SLOWEST) ** steps * time[:, None]
    return torch.cat((angles.sin(), angles.cos()), 1)


def forgotten(conditions: Tensor, chance: float, generator: Generator) -> Tensor:
    """Conditions of which all are forgotten with a chance, and, where there are several, each one with the same."""
    if not conditions.shape[1] or not chance:
        return conditions
    one = torch.rand(conditions.shape, generator=generator, device=generator.device) < chance
    every = torch.rand(len(conditions), 1, generator=generator, device=generator.device) < chance
    return conditions.masked_fill((every | one) if conditions.shape[1] > 1 else every, UNKNOWN)
