"""Layers that compute with whole numbers alone, so that every machine gets the same ones, and layers of eight bits.

Weights are whole numbers of eight bits times a power of two of each output channel. Where the inputs are whole too, and
no larger than 255, every partial sum is a whole number that single precision holds (`SUMS`), whatever the order of the
additions: any processor, number of threads, layout or library comes to the same result (Balle, Johnston & Minnen 2019,
"Integer networks for data compression with latent-variable models"). Training rounds as use does, and lets gradients
pass as if nothing had been rounded.
"""

from __future__ import annotations

import contextlib

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRID = 16  # a whole number of a hidden layer stands for so many times less
HIGHEST = 255  # of what a layer is given
WEIGHT = 127  # the largest weight
FINE = 16  # a layer's constant is a whole number of this part
SUMS = 2**23  # single precision holds whole numbers, and halves of them, up to here
ROOM = 288  # the highest input, and an eighth more for the constant
SMALLEST = 2.0**-7  # weights that are all smaller do not get steps that are smaller too


def rounded(x: Tensor) -> Tensor:
    """The nearest whole number; its gradient is that of `x`."""
    return x + (torch.round(x) - x).detach()


def floored(x: Tensor) -> Tensor:
    """The largest whole number that is not above; its gradient is that of `x`."""
    return x + (torch.floor(x) - x).detach()


def eight_bits(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights (outputs, ...) as -127..127 times a power of two of each output, and these powers, (outputs,).

    The power is the least that keeps the largest weight, and the largest possible sum, within what is allowed.
    """
    sizes = weight.detach().abs().flatten(1)
    # frexp: x = m 2^exponent, m in [0.5, 1)
    single = torch.frexp(sizes.amax(1).clamp(min=SMALLEST)).exponent - WEIGHT.bit_length()
    summed = torch.frexp(sizes.sum(1) * ROOM).exponent - SUMS.bit_length() + 1
    step = torch.ldexp(torch.ones_like(sizes[:, 0]), torch.maximum(single, summed))
    wide = step.view(-1, *[1] * (weight.ndim - 1))
    return weight + ((weight / wide).round().clamp(-WEIGHT, WEIGHT) * wide - weight).detach(), step


def activated(x: Tensor) -> Tensor:
    """Whole numbers clipped to 0..255: what a layer takes."""
    return x.clamp(0, HIGHEST)


def companded(sixteenths: Tensor) -> Tensor:
    """Whole numbers of any size, that count sixteenths, as whole numbers within -127..127, finest around 0.

    sign(v) (floor(sqrt(2 |v| + 4.5)) - 2). The root of no half number comes near a whole number from below, so an
    error in a root's last bits changes nothing.
    """
    size = floored(torch.sqrt(2 * sixteenths.abs() + 4.5)) - 2
    return sixteenths.sign() * size.clamp(max=127)


class EightBits(nn.Conv2d):
    """A convolution of any numbers, with weights of eight bits; `zero` lets it start at 0."""

    def __init__(self, inputs: int, outputs: int, side: int = 1, stride: int = 1, zero: bool = False) -> None:
        super().__init__(inputs, outputs, side, stride, padding=side // 2)
        if zero:
            nn.init.zeros_(self.weight)
        else:
            nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        assert self.bias is not None  # for the type checker: Conv2d has one by default
        nn.init.zeros_(self.bias)
        self.settled: Tensor | None = None  # the powers of two of settled weights, once `hold` found them

    def in_eight_bits(self) -> tuple[Tensor, Tensor]:
        """The weights of eight bits and their powers of two."""
        if self.settled is None or self.training:
            return eight_bits(self.weight)
        return self.weight, self.settled.to(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x.to(self.weight.dtype), self.in_eight_bits()[0], self.bias, self.stride, self.padding)

    @torch.no_grad()
    def settle(self) -> None:
        """Leave the weights as they are used; the second time, because rounding may have made a sum larger."""
        for _ in range(2):
            self.weight.copy_(eight_bits(self.weight)[0])

    @torch.no_grad()
    def hold(self) -> None:
        """Of settled weights, as a file holds them: find their powers of two once and for all."""
        self.settled = eight_bits(self.weight)[1]


class Whole(EightBits):
    """A convolution of whole numbers within -255..255 to whole numbers of any size: floor(sum + constant + 1/2)."""

    def forward(self, x: Tensor) -> Tensor:
        weight, step = self.in_eight_bits()
        # All are whole numbers of `step`, or of 1 / FINE where that is finer. Half of one more lies in the middle
        # between two of them: a convolution that rounds a little on its way still comes to the same. NNPACK's rounds
        # too much.
        middle = step.clamp(max=1 / FINE) / 2
        with contextlib.nullcontext() if self.training else torch.backends.nnpack.flags(enabled=False):
            sums = F.conv2d(x.to(weight.dtype), weight, None, self.stride, self.padding)
        assert self.bias is not None
        constant = rounded(self.bias * (GRID * FINE)) / FINE
        return floored(sums.to(torch.promote_types(x.dtype, torch.float32)) + (constant + 0.5 + middle).view(-1, 1, 1))

    @torch.no_grad()
    def settle(self) -> None:
        super().settle()
        assert self.bias is not None
        weight, step = eight_bits(self.weight)
        room = SUMS * step.clamp(max=1 / FINE) - HIGHEST * weight.abs().flatten(1).sum(1) - 1
        if (room < 0).any():
            raise OverflowError("a layer's sums could pass what single precision holds exactly")
        self.bias.copy_(
            torch.clamp((self.bias * (GRID * FINE)).round() / FINE, -room, room).mul(FINE).trunc() / (GRID * FINE)
        )
