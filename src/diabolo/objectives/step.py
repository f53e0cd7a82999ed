"""What the terms of an objective are told, and what they promise."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Generator, Tensor, nn

Shape = tuple[int, ...]  # without the batch


class Step(NamedTuple):
    """What one training step made of a batch of n images."""

    target: Tensor  # (n, *shape), what was to come out
    made: Tensor  # (n, *shape), what came out
    missing: Tensor | None  # (n, 1, h, w), 1 where something was hidden or corrupted; None where no mask tells
    values: Tensor  # (n, *code)
    marks: Tensor | None = None  # log-odds of being corrupted: of pixels (n, 1, h, w), or of whole images (n, 1)
    inside: Tensor | None = None  # (n, 1, h, w), 1 where the picture is, 0 beyond its edges; None = no edges


class Term(Protocol):
    """A further cost of a step. `needs` is what of a step it is about: "images", "marks" or "codes"."""

    @property
    def needs(self) -> str: ...
    def cost(self, step: Step, generator: Generator) -> Tensor:
        """(n,), nats."""
        ...


class Rivalry(Protocol):
    """A term with a player of its own: a critic, which learns what tells what was made from what it should be.

    `pace` is the critic's learning rate over the network's. What is drawn comes from the generator.
    """

    @property
    def needs(self) -> str: ...
    @property
    def pace(self) -> float: ...
    def build(self, image: Shape, code: Shape) -> nn.Module:
        """The critic, for images and codes of these shapes."""
        ...

    def deception(self, critic: nn.Module, step: Step) -> Tensor:
        """What the network pays for being found out, (n,), nats."""
        ...

    def discernment(self, critic: nn.Module, step: Step, generator: Generator) -> Tensor:
        """The critic's own loss, (n,)."""
        ...
