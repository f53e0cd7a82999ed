"""The entropy model of the coded latent: from what is decoded already, how likely each next symbol is.

A coarse summary (the hyper-latent, Balle et al. 2018) is coded first. It gives the state of every place; then a part of
the channels is coded at every second place, as on a checkerboard (He et al. 2021), then at the others, then the next
part (channel groups, He et al. 2022, ELIC), and after each the state takes in what was just decoded. All of it is
arithmetic of whole numbers, see `whole`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diabolo.latents.whole import GRID, Whole, activated, companded, floored, rounded

SHARES = (1 / 24, 1 / 8, 1 / 3, 1.0)  # of the channels, up to the end of each group
SCALES = 64  # tables of probabilities
FIRST_SCALE, PER_OCTAVE = -4.5, 5  # standard deviation of table i, in steps: 2^(FIRST_SCALE + i / PER_OCTAVE)
TAIL = 3.0  # how many times wider the second normal distribution of each table is
LEAST = 1e-6  # probability of any symbol, while training
HYPER = 15  # hyper-latents are whole numbers within -15..15
ANCHORS, APART = 10, 11  # what depends on the quality is learned at ten of them, and lies on a line between


@dataclasses.dataclass(frozen=True)
class Turn:
    """Which channels are coded together, and at which places of the checkerboard: where (row + column) % 2 = `odd`."""

    start: int
    stop: int
    odd: int

    def mask(self, like: Tensor) -> Tensor:
        """1 where it is this turn's: (h, w) for a map (..., h, w)."""
        height, width = like.shape[-2:]
        rows = torch.arange(height, device=like.device)[:, None]
        return ((rows + torch.arange(width, device=like.device)) % 2 == self.odd).to(like.dtype)


# (turn, means, tables, mask) -> values; all but the mask are (n, channels of the turn, h, w), and means and values
# whole numbers that count sixteenths of a step. Values are 0 where the mask is.
Choose = Callable[[Turn, Tensor, Tensor, Tensor], Tensor]


def turns(channels: int) -> list[Turn]:
    """Everything that is coded after the hyper-latent, in order."""
    ends = sorted({max(1, round(share * channels)) for share in SHARES})
    return [Turn(start, stop, odd) for start, stop in zip([0, *ends], ends, strict=False) for odd in (0, 1)]


def deviations() -> Tensor:
    """The standard deviation of each table, in steps, (SCALES,)."""
    return torch.exp2(FIRST_SCALE + torch.arange(SCALES, dtype=torch.float64, device="cpu") / PER_OCTAVE)


class ByQuality(nn.Module):
    """`size` numbers for each quality 0..99: learned at every eleventh, and on straight lines between these."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.anchors = nn.Parameter(torch.zeros(ANCHORS, size))

    def forward(self, quality: Tensor) -> Tensor:
        """(n,) to (n, size)."""
        return between(self.anchors, quality)


def between(anchors: Tensor, quality: Tensor) -> Tensor:
    """Rows (ANCHORS, size) at qualities (n,) of 0..99, on straight lines: (n, size)."""
    low = (quality / APART).floor().clamp(0, ANCHORS - 2).long()
    far = (quality - APART * low).to(anchors.dtype)[:, None]
    return (anchors[low] * (APART - far) + anchors[low + 1] * far) / APART


class Step(nn.Module):
    """One turn: what the state says of its symbols, and, but for the last turn, how the state takes them in."""

    def __init__(self, turn: Turn, width: int, last: bool) -> None:
        super().__init__()
        size, inner = turn.stop - turn.start, width // 2
        self.told = Whole(width, 2 * size, zero=True)
        if not last:
            self.take = Whole(size, width, 3)
            self.narrow, self.widen = Whole(width, inner, 3), Whole(inner, width, zero=True)

    def forward(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Means, in sixteenths of a step, and the number of the table, unbounded: each (n, size, h, w)."""
        means, tables = self.told(activated(state)).chunk(2, 1)
        return means, floored(tables / 4 + SCALES / 3)

    def taken(self, state: Tensor, values: Tensor) -> Tensor:
        """The state that knows `values`, in sixteenths of a step."""
        state = state + self.take(companded(values))
        return state + self.widen(activated(self.narrow(activated(state))))


class EntropyModel(nn.Module):
    """What is likely: for values (n, channels, h, w) in steps, of one quality for each image.

    `logits`: (hyper, 31), of the hyper-latent's symbols. `tails`: (SCALES,), logit of the wide distribution's share.
    """

    def __init__(self, channels: int, width: int, hyper: int) -> None:
        super().__init__()
        self.turns, self.width = turns(channels), width
        self.down = nn.ModuleList([Whole(channels, width), Whole(width, width, 3, 2), Whole(width, hyper, 3, 2)])
        self.up = nn.ModuleList([Whole(hyper, 4 * width), Whole(width, 4 * width)])
        self.first = Whole(width, width, 3)
        self.quality = ByQuality(width)
        self.steps = nn.ModuleList(Step(turn, width, turn is self.turns[-1]) for turn in self.turns)
        places = torch.arange(-HYPER, HYPER + 1).abs()
        self.logits = nn.Parameter(-places.float().repeat(hyper, 1) / 2)
        self.tails = nn.Parameter(torch.full((SCALES,), -3.0))

    def summary(self, values: Tensor) -> Tensor:
        """The hyper-latent of values in steps, before rounding: (n, hyper, ceil(h / 4), ceil(w / 4))."""
        hidden = companded(rounded(16 * values))
        for layer in self.down[:-1]:
            hidden = activated(layer(hidden))
        return (self.down[-1](hidden) / GRID).clamp(-HYPER, HYPER)

    def state(self, hyper: Tensor, quality: Tensor, size: tuple[int, int]) -> Tensor:
        """The state (n, width, h, w) at the start, from whole hyper-latents and qualities (n,) of 0..99."""
        hidden = self.up[0](8 * hyper)
        for layer in self.up[1:]:
            hidden = layer(activated(F.pixel_shuffle(hidden, 2)))
        hidden = self.first(activated(F.pixel_shuffle(hidden, 2)[..., : size[0], : size[1]]))
        # A fraction with the denominator 11 is never near a half: its nearest whole number is certain.
        return hidden + floored(between(rounded(GRID * self.quality.anchors), quality) + 0.5)[..., None, None]

    def walk(self, state: Tensor, choose: Choose) -> Tensor:
        """Go through all turns; `choose` decodes, encodes or measures. The values, in sixteenths, of all channels."""
        found: list[Tensor] = []
        for turn, step in zip(self.turns, self._steps(), strict=True):
            means, tables = step(state)
            mask = turn.mask(means)
            values = choose(turn, means, tables.clamp(0, SCALES - 1), mask)
            found.append(values)
            if turn is not self.turns[-1]:
                state = step.taken(state, values)
        return torch.cat([even + odd for even, odd in zip(found[::2], found[1::2], strict=True)], 1)

    def _steps(self) -> list[Step]:
        return list(self.steps)  # type: ignore[arg-type]  # torch's stub says modules

    def hyper_nats(self, hyper: Tensor) -> Tensor:
        """What each hyper-latent costs, nats: between whole numbers, the probabilities lie on a straight line."""
        chances = self.logits.float().softmax(1)
        place = (hyper.float() + HYPER).clamp(0, 2 * HYPER)
        low = place.detach().floor().clamp(max=2 * HYPER - 1)
        far = place - low
        channel = torch.arange(len(chances), device=hyper.device)[:, None, None]
        index = low.long()
        found = chances[channel, index] * (1 - far) + chances[channel, index + 1] * far
        return -(found + LEAST).log()

    def nats(self, apart: Tensor, tables: Tensor) -> Tensor:
        """What symbols cost, nats: `apart` is how far each is from its mean, in steps."""
        deviation = torch.exp2(FIRST_SCALE + tables.float() / PER_OCTAVE)
        share = torch.sigmoid(self.tails.float())[tables.detach().long()]
        apart = apart.float().abs()
        narrow = interval(apart, deviation)
        return -((1 - share) * narrow + share * interval(apart, TAIL * deviation) + LEAST).log()


def interval(apart: Tensor, deviation: Tensor) -> Tensor:
    """The chance that a normal value lies within half a step of `apart` (>= 0)."""
    scale = 1 / (math.sqrt(2) * deviation)
    return (torch.special.erfc((apart - 0.5) * scale) - torch.special.erfc((apart + 0.5) * scale)) / 2


def largest_symbols() -> list[int]:
    """The largest symbol of each table; what lies beyond is coded by itself."""
    return [min(math.ceil(5 * float(deviation)) + 1, 1023) for deviation in deviations()]


def symbol_counts(shares: Tensor, total: int) -> Iterator[Tensor]:
    """For each table, whole counts (2 largest + 2,) of -largest..largest and of what lies beyond.

    They sum to `total`, and each is at least 1. `shares` (SCALES,) are those of the wide distribution, float64.
    """
    for deviation, share, largest in zip(deviations(), shares, largest_symbols(), strict=True):
        places = torch.arange(-largest, largest + 1, dtype=torch.float64).abs()
        chances = (1 - share) * interval(places, deviation) + share * interval(places, TAIL * deviation)
        rest = (1 - chances.sum()).clamp(min=0)[None]
        yield whole_counts(torch.cat([chances, rest]), total)


def whole_counts(chances: Tensor, total: int) -> Tensor:
    """Probabilities (k,) as whole counts, each at least 1, that sum to `total`."""
    counts = (chances / chances.sum() * (total - len(chances))).floor().long() + 1
    counts[counts.argmax()] += total - counts.sum()
    return counts
