"""The flow prior: an invertible network between codes and normal noise, whose density is known."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from diabolo.options import option, part
from diabolo.priors.base import Measured, Space, embedded, embedding

STEEPEST = 2.0  # logarithm of how much one layer may stretch a number


@part
class Flow:
    """A normalising flow of affine couplings, told of the conditions (Dinh 2017, RealNVP).

    The exact density of codes is what is learned, and `log_prob` gives it.
    """

    discrete: ClassVar[bool] = False
    guided: ClassVar[bool] = False

    width: int = option(256, "numbers in each hidden layer", at_least=8, at_most=8192)
    depth: int = option(8, "couplings", at_least=2, at_most=64)
    steps: int = option(4000, "steps of training", at_least=1)
    batch_size: int = option(256, "codes in one step", at_least=1)
    learning_rate: float = option(1e-3, "the highest learning rate", above=0, at_most=10)
    optimizer: str = option("adam", "how gradients become steps", choices=("adam", "adamw", "muon"))
    ema: float = option(0.999, "decay of the moving average of the weights that is used", at_least=0, below=1)

    def build(self, space: Space) -> FlowPrior:
        return FlowPrior(self, space)


class FlowPrior(Measured):
    """Couplings; after each the numbers move on by half of their count and, where there are several, one more."""

    def __init__(self, options: Flow, space: Space) -> None:
        super().__init__()
        self.options, self.space = options, space
        self.tables = embedding(space.counts, options.width)
        self.couplings = nn.ModuleList(Coupling(space.numbers, options.width) for _ in range(options.depth))
        self.turn = space.numbers // 2 + (space.numbers > 2)

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        self.measure(codes)

    def loss(self, codes: Tensor, conditions: Tensor, generator: Generator) -> Tensor:
        """The negative logarithm of the density in units of the codes' spread, (n,), nats."""
        return -self._density(self.rows(codes), conditions)

    def log_prob(self, codes: Tensor, conditions: Tensor) -> Tensor:
        return self._density(self.rows(codes), conditions) - self.space.numbers * self.unit.log()

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        noise = torch.randn(len(conditions), self.space.numbers, generator=generator, device=generator.device)
        return self.from_noise(noise, conditions)

    def from_noise(self, noise: Tensor, conditions: Tensor, guidance: float = 1.0) -> Tensor:
        """The codes (n, *shape) that rows of noise (n, d) stand for."""
        told, rows = embedded(self.tables, conditions, self.options.width), noise
        couplings: list[Any] = list(self.couplings)
        for coupling in reversed(couplings):
            rows = coupling.back(rows.roll(-self.turn, 1), told)
        return self.codes(rows, self.space)

    def to_noise(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """The noise (n, d) that codes stand for."""
        return self._noise(self.rows(codes), conditions)[0]

    def _noise(self, rows: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Noise (n, d), and the logarithm of how much the way there stretches space (n,)."""
        told, stretched = embedded(self.tables, conditions, self.options.width), rows.new_zeros(len(rows))
        for coupling in self.couplings:
            rows, stretch = coupling(rows, told)
            rows, stretched = rows.roll(self.turn, 1), stretched + stretch
        return rows, stretched

    def _density(self, rows: Tensor, conditions: Tensor) -> Tensor:
        noise, stretched = self._noise(rows, conditions)
        return stretched - noise.square().sum(1) / 2 - self.space.numbers * math.log(2 * math.pi) / 2


class Coupling(nn.Module):
    """The second half of the numbers, shifted and stretched by what the first half and the conditions say."""

    def __init__(self, numbers: int, width: int) -> None:
        super().__init__()
        self.kept, self.changed = numbers // 2, numbers - numbers // 2
        self.first = nn.Linear(self.kept, width) if self.kept else None
        self.hidden = nn.Linear(width, width)
        self.last = nn.Linear(width, 2 * self.changed)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, rows: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        shift, stretch = self._affine(rows, told)
        changed = (rows[:, self.kept :] + shift) * stretch.exp()
        return torch.cat((rows[:, : self.kept], changed), 1), stretch.sum(1)

    def back(self, rows: Tensor, told: Tensor) -> Tensor:
        """The rows that `forward` made these of."""
        shift, stretch = self._affine(rows, told)
        return torch.cat((rows[:, : self.kept], rows[:, self.kept :] * (-stretch).exp() - shift), 1)

    def _affine(self, rows: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        values = told if self.first is None else told + self.first(rows[:, : self.kept])
        shift, stretch = self.last(nn.functional.silu(self.hidden(nn.functional.silu(values)))).chunk(2, 1)
        return shift, STEEPEST * torch.tanh(stretch / STEEPEST)
