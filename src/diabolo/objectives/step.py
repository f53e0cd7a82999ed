"""What the terms of an objective are told, and what they promise."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Generator, Tensor, nn

Shape = tuple[int, ...]  # without the batch


class Step(NamedTuple):
    """What one training step made of a batch of n images."""

    target: Tensor  # (n, *shape), what was to come out
    made: Tensor  # (n, *shape), what came out; of no image where a player looks at codes alone
    missing: Tensor | None  # (n, 1, h, w), 1 where something was hidden or corrupted; None where no mask tells
    values: Tensor  # (n, *code)
    marks: Tensor | None = None  # log-odds of being corrupted: of pixels (n, 1, h, w), or of whole images (n, 1)
    inside: Tensor | None = None  # (n, 1, h, w), 1 where the picture is, 0 beyond its edges; None = no edges
    beside: Tensor | None = None  # (n, d), what is known beside the images, NaN where it is not; None = nothing


class Term(Protocol):
    """A further cost of a step. `needs` is what of a step it is about: "images", "marks", "codes" or "beside"."""

    @property
    def needs(self) -> str: ...
    def cost(self, step: Step, generator: Generator) -> Tensor:
        """(n,), nats."""
        ...


class Companion(Protocol):
    """A term with a player of its own, which learns from what the network makes.

    One that plays `against` it is a critic: it learns what tells what was made from what it should be. Another one
    is helped by the network. `pace` is its learning rate over the network's. What is drawn comes from the generator.
    """

    @property
    def needs(self) -> str: ...
    @property
    def against(self) -> bool: ...
    @property
    def pace(self) -> float: ...
    def build(self, image: Shape, code: Shape, beside: int) -> nn.Module:
        """The player's module, for images and codes of these shapes, and so many numbers beside each image."""
        ...

    def price(self, player: nn.Module, step: Step) -> Tensor:
        """What the network pays for what the player finds, (n,), nats."""
        ...

    def lesson(self, player: nn.Module, step: Step, generator: Generator) -> Tensor:
        """The player's own loss, (n,)."""
        ...
