"""The marks witness: where the network, which learned to find drawn flaws, sees one."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from diabolo.errors import Mistake
from diabolo.options import option, part
from diabolo.witnesses.base import Evidence, Told


@part
class Marks:
    """The log-odds that a pixel was corrupted, of a network trained with the term `marking`."""

    squared: ClassVar[bool] = False  # what it says of places is summed up as squares

    share: float = option(0.002, "share of the most abnormal places that make an image's score", above=0, at_most=1)

    def build(self) -> MarksWitness:
        return MarksWitness()


class MarksWitness(nn.Module):
    """(n, h, w), or (n,) of whole images, any sign: nothing more is learned than the network knows."""

    def learn(self, told: Told, generator: torch.Generator) -> None:
        """Refuse a network that marks nothing."""
        for evidence in told():
            self(evidence)
            return

    def forward(self, evidence: Evidence) -> Tensor:
        if evidence.marks is None:
            raise Mistake("this network marks nothing", remedy="--terms marking, with --corruption flaws")
        return evidence.marks[:, 0]
