"""The marks witness: where the network, which learned to find drawn flaws, sees one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diabolo.errors import Mistake
from diabolo.options import option, part
from diabolo.witnesses.base import Evidence, Told, mean_of_all


@part
class Marks:
    """The log-odds that a pixel was corrupted, of a network trained with the term `marking`."""

    sharpness: float = option(
        2.0, "how much more the worst places count in an image's score; near 0 all count alike", above=0, at_most=100
    )

    def whole(self, said: Tensor) -> Tensor:
        """The log-odds of whole images, (n,): the logarithm of the mean of exponentials over their places.

        With a sharpness of 2 it is what the term `marking` has learned to tell flawed images by.
        """
        places = self.sharpness * said
        sides = tuple(range(1, said.dim()))
        highest = places.amax(sides, keepdim=True) if sides else places
        return (mean_of_all((places - highest).exp()).log() + highest.flatten()) / self.sharpness

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
