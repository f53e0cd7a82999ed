"""The coded latent: a code of whole numbers, and what it takes to write them down; of any quality."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from diabolo.latents.base import Code, Shape, at_least_float32
from diabolo.latents.entropy import (
    HYPER,
    ByQuality,
    EntropyModel,
    Turn,
    between,
    largest_symbols,
    symbol_counts,
    whole_counts,
)
from diabolo.latents.whole import EightBits, rounded
from diabolo.options import option, part

QUALITIES = 100
COUNTS = 2**16  # a table's counts sum to this
BALANCE = 0.7  # how far low qualities are raised to weigh as much as high ones, which take more bits
# With `exact`, every number between two layers is a whole number of the first of these parts, and every feature one of
# the second: all sums are then such that double precision holds them as they are.
EXACT, EXACT_FEATURES = 2**10, 2**20


@part
class Coded:
    """Whole numbers of steps, whose penalty is what an arithmetic coder takes for them (Balle et al. 2017).

    One model serves all qualities: the step of each channel depends on it (Cui et al. 2021, "Asymmetric gained deep
    image compression"). A squared error counts 1 / (2 s^2), where s^2 = step^2 / 12 is the error that rounding makes.
    """

    width: int = option(192, "channels of the networks before and after the rounding", unit="channels", at_least=1)
    blocks: int = option(5, "residual blocks in each of them; 0 = the features as they are", at_least=0, at_most=64)
    state: int = option(128, "channels of what the entropy model knows at each place", unit="channels", at_least=2)
    hyper: int = option(48, "channels of the hyper-latent", unit="channels", at_least=1)
    coarsest: float = option(0.6, "step at quality 1, of features of numbers in 0..1", above=0, at_most=1e6)
    finest: float = option(0.01, "step at quality 100", above=0, at_most=1e6)
    quality: int = option(50, "the quality where none is asked for", at_least=1, at_most=QUALITIES)

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w)."""
        return CodedLatent(self, features)


class Residual(nn.Module):
    """`x + f(x)`: narrower, a convolution, wider again (He 2016); the last layer starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(1, 2 * width // 3)
        self.layers = nn.ModuleList(
            [EightBits(width, inner), EightBits(inner, inner, 3), EightBits(inner, width, zero=True)]
        )

    def forward(self, x: Tensor, exact: bool) -> Tensor:
        change = x
        for layer in self.layers:
            change = on_grid(layer(change.clamp(min=0)), exact)
        return x + change


class Bent(nn.Module):
    """Steps -> steps: `v + f(v, quality)`, a residual network that makes the transform around it non-linear."""

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.first, self.last = EightBits(channels, width), EightBits(width, channels, zero=True)
        self.quality = ByQuality(width)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(blocks))

    def forward(self, steps: Tensor, quality: Tensor, exact: bool = False) -> Tensor:
        """Steps (n, channels, h, w), qualities (n,) of 0..99. With `exact` in float64, the same bits everywhere."""
        root = torch.sqrt(2 * steps.abs() + 0.25) - 0.5  # large steps are made small, and stay apart
        told = on_grid(self.quality(quality), exact)[..., None, None]
        hidden = on_grid(self.first(on_grid(steps.sign() * root, exact)), exact) + told
        for block in self.blocks:
            hidden = block(hidden, exact)
        return steps + on_grid(self.last(hidden.clamp(min=0)), exact)


def on_grid(x: Tensor, exact: bool) -> Tensor:
    return torch.round(x * EXACT) / EXACT if exact else x


class CodedLatent(nn.Module):
    """Features -> whole numbers of steps, with a penalty in nats, and back.

    `lengths` (100, channels): the step of each channel at each quality; `counts` and `hyper_counts`: the coder's
    tables. All are as `settle` leaves them; until then they follow from what is being learned.
    """

    lengths: Tensor
    counts: Tensor
    hyper_counts: Tensor

    def __init__(self, options: Coded, features: Shape) -> None:
        super().__init__()
        self.code: Shape = features
        channels = features[0]
        self.own, self.hyper = options.quality, options.hyper
        self.span = math.log(options.coarsest), math.log(options.finest)
        self.gains = ByQuality(channels)
        wanted = options.blocks > 0
        self.before = Bent(channels, options.width, options.blocks) if wanted else None
        self.after = Bent(channels, options.width, options.blocks) if wanted else None
        self.entropy = EntropyModel(channels, options.state, options.hyper)
        self.register_buffer("lengths", torch.zeros(QUALITIES, channels))
        self.register_buffer("counts", torch.zeros(sum(2 * most + 2 for most in largest_symbols()), dtype=torch.int32))
        self.register_buffer("hyper_counts", torch.zeros(options.hyper, 2 * HYPER + 1, dtype=torch.int32))

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        """With a generator a random quality for each image; without, the latent's own, and nothing random."""
        maps = features if features.ndim == 4 else features[..., None, None]
        count, place = len(maps), maps.device
        if generator is None:
            quality, noise = torch.full((count,), float(self.own - 1), device=place), None
        else:
            low = (count, self.hyper, *(-(-side // 4) for side in maps.shape[2:]))
            chance, *noise = (_uniform(shape, generator, place) for shape in ((count,), low, tuple(maps.shape)))
            quality = (chance + 0.5) * (QUALITIES - 1)
        steps = self.to_steps(maps, quality)
        values, nats = self._measured(steps, quality, noise)
        weight = 12 / self.usual(quality).square()
        if generator is not None:
            balance = (self.usual(quality) * math.exp(-sum(self.span) / 2)) ** BALANCE
            nats, weight = nats * balance, weight * balance
        return Code(self.from_steps(values, quality).reshape(features.shape), nats, weight)

    def decode(self, values: Tensor) -> Tensor:
        return values

    def usual(self, quality: Tensor) -> Tensor:
        """The step that qualities (n,) of 0..99 stand for, (n,); the channels' own are learned around it."""
        first, last = self.span
        return torch.exp(first + (last - first) / (QUALITIES - 1) * quality)

    def length(self, quality: Tensor) -> Tensor:
        """The step of each channel, (n, channels, 1, 1)."""
        if not self.training and bool(self.lengths[0, 0] > 0):
            return self.lengths[quality.round().long()][..., None, None]
        return (self.usual(quality)[:, None] * torch.exp(self.gains(quality)))[..., None, None]

    def to_steps(self, features: Tensor, quality: Tensor) -> Tensor:
        """Features (n, channels, h, w) as numbers of steps, not rounded."""
        steps = at_least_float32(features) / self.length(quality)
        return steps if self.before is None else self.before(steps, quality)

    def from_steps(self, steps: Tensor, quality: Tensor, exact: bool = False) -> Tensor:
        """Decoded steps (n, channels, h, w) to features; with `exact`, in float64, the same bits everywhere."""
        steps = steps if self.after is None else self.after(steps, quality, exact)
        features = steps * self.length(quality)
        return torch.round(features * EXACT_FEATURES) / EXACT_FEATURES if exact else features

    def _measured(self, steps: Tensor, quality: Tensor, noise: list[Tensor] | None) -> tuple[Tensor, Tensor]:
        """The steps as the decoder will know them, and what they cost, (n,), nats.

        While training, what is coded is rounded, and what it costs is measured with noise, of the hyper-latent and of
        the steps, in the place of rounding (Minnen & Singh 2020, "mixed"), so that there is a gradient.
        """
        model = self.entropy
        summary = model.summary(steps)
        hyper = rounded(summary)
        costs = model.hyper_nats(summary + noise[0] if noise else hyper).flatten(1).sum(1)

        def choose(turn: Turn, means: Tensor, tables: Tensor, mask: Tensor) -> Tensor:
            nonlocal costs
            channels = slice(turn.start, turn.stop)
            apart = steps[:, channels] - means / 16
            symbols = rounded(apart)
            costs = costs + (model.nats(apart + noise[1][:, channels] if noise else symbols, tables) * mask).flatten(
                1
            ).sum(1)
            return (16 * symbols + means) * mask

        size = (steps.shape[2], steps.shape[3])
        values = model.walk(model.state(hyper, quality, size), choose)
        return values / 16, costs

    @torch.no_grad()
    def settle(self) -> None:
        """After training: whole weights, and the steps as the file will hold them."""
        for module in self.modules():
            if isinstance(module, EightBits):
                module.settle()
        qualities = torch.arange(QUALITIES, device=self.lengths.device, dtype=torch.float32)
        length = self.usual(qualities)[:, None] * torch.exp(between(self.gains.anchors, qualities))
        self.lengths.copy_(length)
        for numbers in (*self.parameters(), self.lengths):  # as a file in half precision will hold them
            numbers.copy_(numbers.half())
        shares = torch.sigmoid(self.entropy.tails.cpu().double())
        self.counts.copy_(torch.cat(list(symbol_counts(shares, COUNTS))))
        chances = self.entropy.logits.cpu().double().softmax(1)
        self.hyper_counts.copy_(torch.stack([whole_counts(row, COUNTS) for row in chances]))


def _uniform(shape: tuple[int, ...], generator: Generator, place: torch.device) -> Tensor:
    """Random numbers between -1/2 and 1/2."""
    return torch.rand(shape, generator=generator, device=generator.device).to(place) - 0.5
