"""The masked flow-matching prior: codes of several modalities, of which any are given and the others are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import silu

from diabolo.learned import Statistics
from diabolo.options import option, part
from diabolo.priors.base import UNKNOWN, Space, embedded, embedding
from diabolo.priors.flow_matching import TOLD, WAVES, Block, forgotten, waves

NOTHING = 0.2  # how often nothing is given where none, one or all but one are
ALONE = 0.7  # of the rest, how often that one is given, and not all but it


@part
class MaskedFlowMatching:
    """Codes of some modalities are carried from noise along a learned velocity, while the others stay as given.

    One network learns this for every choice of what is given (after Bounoua 2024, multi-modal latent diffusion, with
    flow matching, Lipman 2023, in place of diffusion). Modalities that a record lacks are shown to the network as
    missing and are not learned from. It is also shown a small network's guess of the mean of what is not given (Han
    2022, CARD): a plain regression finds much sooner what is certain, as the label of a picture. Guidance goes further
    in the direction in which what is given moves the others (Ho and Salimans 2021). Codes of one modality are learned
    as by `flow-matching`.
    """

    discrete: ClassVar[bool] = False
    guided: ClassVar[bool] = True

    width: int = option(512, "numbers in each layer", at_least=8, at_most=8192)
    depth: int = option(4, "residual blocks", at_least=1, at_most=64)
    simple: float = option(0.75, "how often none, one or all but one are given in training", at_least=0, at_most=1)
    forget: float = option(0.1, "how often the conditions are forgotten in training", at_least=0, at_most=0.9)
    guidance: float = option(1.0, "guidance, unless another is asked for", at_least=0, at_most=20)
    candidates: int = option(8, "pictures drawn for one, of which the best to fit is kept", at_least=1, at_most=100)
    evaluations: int = option(24, "times the velocity is computed for a code", at_least=2, at_most=1000)
    steps: int = option(6000, "steps of training", at_least=1)
    batch_size: int = option(256, "codes in one step", at_least=1)
    learning_rate: float = option(2e-3, "the highest learning rate", above=0, at_most=10)
    optimizer: str = option("adam", "how gradients become steps", choices=("adam", "adamw", "muon"))
    ema: float = option(0.999, "decay of the moving average of the weights that is used", at_least=0, below=1)

    def build(self, space: Space) -> MaskedFlowMatchingPrior:
        return MaskedFlowMatchingPrior(self, space)


class MaskedFlowMatchingPrior(Statistics):
    """The velocity of the modalities that are not given, on their way from noise, at time 0, to where they are.

    Codes (n, *shape) are rows (n, d) of modalities one after the other, `Space.widths` numbers each; NaN in a modality
    means that it is not known. Every modality is measured from its mean, in units of its root mean square around it.
    """

    NAMES = ("mean", "unit")
    mean: Tensor  # (d,)
    unit: Tensor  # (d,), the same within a modality

    def __init__(self, options: MaskedFlowMatching, space: Space) -> None:
        super().__init__()
        self.options, self.space = options, space
        width, numbers = options.width, space.numbers
        self.widths = space.widths or (numbers,)
        self.tables = embedding(space.counts, TOLD)
        self.time = nn.Sequential(nn.Linear(WAVES, TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD))
        self.states = nn.Linear(2 * len(self.widths), TOLD)  # which modalities are given, and which are missing
        first, middle, last = (numbers + len(self.widths), width), (width, width), (width, numbers)
        self.guess = nn.Sequential(nn.Linear(*first), nn.SiLU(), nn.Linear(*middle), nn.SiLU(), nn.Linear(*last))
        self.first = nn.Linear(3 * numbers, width)  # what is given, what is on its way, and where to, by the guess
        self.blocks = nn.ModuleList(Block(width, TOLD) for _ in range(options.depth))
        self.last = nn.Linear(width, numbers)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        rows = codes.flatten(1).double()
        mean = rows.nanmean(0).nan_to_num()
        spread = (rows - mean).square().nanmean(0).nan_to_num()
        unit = [part.mean().sqrt().expand(len(part)) for part in spread.split(self.widths)]
        self.keep(mean=mean, unit=torch.cat(unit).clamp(min=1e-12))

    def loss(self, codes: Tensor, conditions: Tensor, generator: Generator) -> Tensor:
        """The squared error of the velocity of modalities that are known and were not given, (n,).

        Times are spread evenly: what is given may decide the rest, as a picture its label, and that shows at once.
        What is given is drawn anew for each code. A modality counts as much as the root of its width, so that a label
        is not lost beside a picture. The squared error of the guess is added, and that of one more, for another choice
        of what is given, since it costs little.
        """
        rows, known = self._rows(codes)
        noise = torch.randn(rows.shape, generator=generator, device=generator.device)
        time = torch.rand(len(rows), generator=generator, device=generator.device)
        given = self._masks(known, generator)
        conditions = forgotten(conditions, self.options.forget, generator)
        there = torch.where(self._wide(given), rows, noise + time[:, None] * (rows - noise))
        guess = self.guessed(rows, given)
        velocity = self(there, time, given, ~known, guess.detach(), conditions)
        errors = (velocity - (rows - noise)).square() + (guess - rows).square()
        other = self._masks(known, generator)
        more = (self.guessed(rows, other) - rows).square()
        return self._weighed(errors, known & ~given) + self._weighed(more, known & ~other)

    def _weighed(self, errors: Tensor, masks: Tensor) -> Tensor:
        """The sum (n,) of the errors (n, d) of the modalities in masks (n, m), by their weights."""
        parts = (errors * self._wide(masks)).split(self.widths, 1)
        costs = torch.stack([part.sum(1) / len(part[0]) ** 0.5 for part in parts]).sum(0)
        return costs * self.space.numbers / sum(width**0.5 for width in self.widths)

    def guessed(self, rows: Tensor, given: Tensor) -> Tensor:
        """The mean (n, d) of what may stand beside the modalities that are given (n, m) in rows (n, d)."""
        mean: Tensor = self.guess(torch.cat((rows.masked_fill(~self._wide(given), 0), given.to(rows.dtype)), 1))
        return mean

    def forward(
        self, rows: Tensor, time: Tensor, given: Tensor, missing: Tensor, guess: Tensor, conditions: Tensor
    ) -> Tensor:
        """The velocity (n, d) at rows (n, d) and times (n,) in 0..1, for masks (n, modalities).

        `given` modalities stand where they are; `missing` ones are not looked at; the others are on their way, to near
        the `guess` (n, d).
        """
        states = self.states(torch.cat((given, missing), 1).to(rows.dtype))
        told = silu(self.time(waves(time)) + states + embedded(self.tables, conditions, TOLD))
        wide = self._wide(given)
        moving = rows.masked_fill(self._wide(missing) | wide, 0)
        values = self.first(torch.cat((rows.masked_fill(~wide, 0), moving, guess), 1))
        for block in self.blocks:
            values = block(values, told)
        velocity: Tensor = self.last(silu(values))
        return velocity

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        nothing = torch.full((len(conditions), *self.space.shape), torch.nan, device=self.mean.device)
        return self.complete(nothing, conditions, generator, guidance)

    def complete(self, codes: Tensor, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        """Codes (n, *shape) with what is NaN in them drawn, given the rest."""
        rows, given = self._rows(codes)
        noise = torch.randn(rows.shape, generator=generator, device=generator.device)
        return self._codes(self._carried(noise, rows, given, conditions, guidance))

    def likeliest(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """Where the middle of the noise is carried to: of numbers that are all but certain, that is the most likely."""
        rows, given = self._rows(codes)
        return self._codes(self._carried(torch.zeros_like(rows), rows, given, conditions, 1.0))

    def best(
        self,
        codes: Tensor,
        conditions: Tensor,
        generator: Generator,
        guidance: float,
        shown: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """Of `candidates` drawn for each code that which, as it is `shown`, gives the guess of what is given nearest
        to it."""
        rows, given = self._rows(codes)
        kept, least = rows, torch.full((len(rows),), torch.inf, device=rows.device)
        for _ in range(self.options.candidates):
            noise = torch.randn(rows.shape, generator=generator, device=generator.device)
            drawn = self._carried(noise, rows, given, conditions, guidance)
            seen, _ = self._rows(shown(self._codes(drawn)))
            misfit = self._weighed((self.guessed(seen, ~given) - rows).square(), given)
            kept = torch.where((misfit < least)[:, None], drawn, kept)
            least = torch.minimum(misfit, least)
        return self._codes(kept)

    def _carried(self, noise: Tensor, rows: Tensor, given: Tensor, conditions: Tensor, guidance: float) -> Tensor:
        """Noise (n, d) carried to what may stand beside what is given in the rows, which stays as it is."""
        steps = max(1, self.options.evaluations // 2)
        values = noise
        for step in range(steps):  # Heun's method, in steps that are equal in time
            time, after = step / steps, (step + 1) / steps
            here = self._guided(values, rows, noise, time, given, conditions, guidance)
            ahead = self._guided(values + here / steps, rows, noise, after, given, conditions, guidance)
            values = values + (here + ahead) / (2 * steps)
        return torch.where(self._wide(given), rows, values)

    def _codes(self, rows: Tensor) -> Tensor:
        return (rows * self.unit + self.mean).unflatten(1, self.space.shape)

    def _guided(
        self,
        values: Tensor,
        rows: Tensor,
        noise: Tensor,
        time: float,
        given: Tensor,
        conditions: Tensor,
        guidance: float,
    ) -> Tensor:
        times, wide = torch.full((len(rows),), time, device=rows.device), self._wide(given)
        missing, nothing = torch.zeros_like(given), torch.zeros_like(given)
        told = self(torch.where(wide, rows, values), times, given, missing, self.guessed(rows, given), conditions)
        if guidance == 1:
            return told
        alone = torch.where(wide, noise + time * (rows - noise), values)  # what is given is on its way, too
        plain = self(alone, times, nothing, missing, self.guessed(rows, nothing), torch.full_like(conditions, UNKNOWN))
        return plain + guidance * (told - plain)

    def _rows(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Rows (n, d) in their units with 0 for NaN, and which modalities (n, m) are known."""
        rows = (codes.flatten(1).float() - self.mean) / self.unit
        known = torch.stack([~part.isnan().any(1) for part in rows.split(self.widths, 1)], 1)
        return torch.where(self._wide(known), rows, 0), known

    def _masks(self, known: Tensor, generator: Generator) -> Tensor:
        """Which of the modalities that are known (n, m) are given; one at least is left to be drawn.

        As often as `simple` none, or one, or all but one: the likelier a modality is that one the wider it is, as the
        root of its width, since there is more to learn from it and of it. Else any number of them, evenly.
        """
        share = torch.rand(len(known), 3, generator=generator, device=generator.device)
        waits = -torch.rand(known.shape, generator=generator, device=generator.device).log()
        waits = waits.masked_fill(~known, torch.inf)  # those known come first
        some = _places(waits) < (share[:, 1] * known.sum(1)).long()[:, None]
        roots = [waits[:, place] / math.sqrt(width) for place, width in enumerate(self.widths)]
        one = _places(torch.stack(roots, 1)) == 0
        few = (one ^ (share[:, 2:] > ALONE)) & (share[:, 1:2] > NOTHING)
        given = torch.where(share[:, :1] < self.options.simple, few, some) & known
        return given & (given != known).any(1)[:, None]

    def _wide(self, masks: Tensor) -> Tensor:
        """Masks of modalities (n, m) as masks of numbers (n, d)."""
        wide = (masks[:, place : place + 1].expand(-1, width) for place, width in enumerate(self.widths))
        return torch.cat([*wide], 1)


def _places(waits: Tensor) -> Tensor:
    """The place of each in its row, (n, m): 0 for the one that waits least."""
    return waits.argsort(1).argsort(1)
