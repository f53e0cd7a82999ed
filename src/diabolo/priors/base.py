"""What every prior shares: the space its codes lie in, the unit it measures them in, and groups of one condition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from diabolo.learned import Statistics

UNKNOWN = -1  # of an attribute whose value is not known, or not asked for


class Space(NamedTuple):
    """Where codes lie and what is known of them: the shape of one, and of how many values each attribute has one.

    `vocabulary`: 0 where codes are numbers; where they are tokens, how many different ones there are. `widths`: how
    many numbers each modality has where a code is of several, one after the other; () = one.
    """

    shape: tuple[int, ...]
    counts: tuple[int, ...] = ()
    vocabulary: int = 0
    widths: tuple[int, ...] = ()

    @property
    def numbers(self) -> int:
        return math.prod(self.shape)


class Prior(Protocol):
    """A module that learns how codes are spread under conditions, and draws new ones.

    Codes are (n, *shape); conditions (n, k), the place of each attribute's value in its list, `UNKNOWN` = -1. One
    with `loss(codes, conditions, generator) -> (n,)` is then trained by gradient; one with `settle(codes,
    conditions, generator)` then looks at what it draws beside the codes; one with `log_prob(codes, conditions) ->
    (n,)` knows the density of codes, in nats; one with `to_noise` and `from_noise` knows which noise (n, d) each
    code comes from. `guidance` above 1 makes what is drawn more typical of its conditions, at the cost of variety,
    where the part is `guided`; 1 draws what was learned.
    """

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None: ...

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor: ...


@runtime_checkable
class CanComplete(Protocol):
    """A prior of codes of several modalities (`Space.widths`), of which each may be known or not."""

    def complete(self, codes: Tensor, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        """Codes (n, *shape) with what is NaN in them drawn, given the rest."""
        ...

    def likeliest(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """The same without chance: about the most likely of what may be drawn."""
        ...

    def best(
        self,
        codes: Tensor,
        conditions: Tensor,
        generator: Generator,
        guidance: float,
        shown: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """The same as `complete`, of several drawn the one that what is given would best be guessed from.

        `shown` says of whole codes how they look to who sees what they stand for.
        """
        ...


class Measured(Statistics):
    """A module that measures codes from their mean, in units of their root mean square around it.

    One unit for all numbers of a code: what hardly varies in the codes hardly counts in images either.
    """

    NAMES: tuple[str, ...] = ("mean", "unit")
    mean: Tensor  # (d,)
    unit: Tensor  # ()

    def measure(self, codes: Tensor) -> Tensor:
        """Learn mean and unit from codes (n, *shape), and give these as rows (n, d)."""
        rows = codes.flatten(1).double()
        mean = rows.mean(0)
        self.keep(mean=mean, unit=(rows - mean).square().mean().sqrt().clamp(min=1e-12))
        return self.rows(codes)

    def rows(self, codes: Tensor) -> Tensor:
        return (codes.flatten(1).float() - self.mean) / self.unit

    def codes(self, rows: Tensor, space: Space) -> Tensor:
        return (rows * self.unit + self.mean).unflatten(1, space.shape)


class Groups(nn.Module):
    """The combinations of conditions that were seen, each once: for each further one the nearest of these."""

    seen: Tensor  # (m, k)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(0, dtype=torch.long))

    def learn(self, conditions: Tensor) -> Tensor:
        """Learn the combinations, and give the number (n,) of each row's own."""
        self.seen, numbers, _ = combinations(conditions)
        return numbers

    def nearest(self, conditions: Tensor) -> Tensor:
        """(n,) numbers of the combinations that share the most values with each row; an unknown value fits any."""
        wanted = conditions[:, None]
        agree = (self.seen == wanted).float() + 0.5 * ((self.seen == UNKNOWN) | (wanted == UNKNOWN)).float()
        return agree.sum(2).argmax(1)


def combinations(conditions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each combination (m, k) of conditions (n, k) once, the number (n,) of each row's, and how many rows have each."""
    if not conditions.shape[1]:  # nothing is known, of any of them
        nothing = conditions.new_zeros(len(conditions))
        return conditions[:1], nothing, nothing.new_tensor([len(conditions)])
    rows, numbers, counts = conditions.unique(dim=0, return_inverse=True, return_counts=True)
    return rows, numbers, counts


def embedding(counts: tuple[int, ...], width: int) -> nn.ModuleList:
    """A table for each attribute, of its values and, in front, of the unknown one: (count + 1, width)."""
    return nn.ModuleList(nn.Embedding(count + 1, width) for count in counts)


def embedded(tables: nn.ModuleList, conditions: Tensor, width: int) -> Tensor:
    """The sum (n, width) of what the tables have for each attribute's value."""
    total = torch.zeros(len(conditions), width, device=conditions.device)
    for number, table in enumerate(tables):
        total = total + table(conditions[:, number] + 1)
    return total
