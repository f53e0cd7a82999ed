"""The adversarial term of codes: a critic learns to tell them from draws of the prior; the encoder deceives it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import softplus

from diabolo.objectives.step import Shape, Step
from diabolo.options import option, part

STEEPNESS = 0.2  # of the critic's activations below 0


@part
class AdversarialCode:
    """The codes of all images together become normal (Makhzani et al. 2015, adversarial autoencoder).

    The critic sees one code at a time and says how probable it is that it was drawn from a standard normal
    distribution. The encoder's loss is the one that does not fade while the critic wins (Goodfellow 2014).
    """

    needs: ClassVar[str] = "codes"
    against: ClassVar[bool] = True

    weight: float = option(0.1, "what a nat of the critic's surprise costs the encoder", unit="nats", at_least=0)
    width: int = option(256, "units of each of the critic's two hidden layers", at_least=1, at_most=4096)
    pace: float = option(1.0, "the critic's learning rate over the autoencoder's", above=0, at_most=100)

    def build(self, image: Shape, code: Shape, beside: int = 0) -> nn.Module:
        """The critic of codes (n, *code): log-odds (n, 1) of being a draw."""
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise((math.prod(code), self.width, self.width)):
            layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(STEEPNESS)]
        return nn.Sequential(*layers, nn.Linear(self.width, 1))

    def price(self, critic: nn.Module, step: Step) -> Tensor:
        """What the network pays for codes that the critic knows as such, (n,), nats."""
        return self.weight * softplus(-critic(step.values)[:, 0].float())

    def lesson(self, critic: nn.Module, step: Step, generator: Generator) -> Tensor:
        """The critic's cross-entropy over one draw and one code, (n,), nats; 2 log 2 where it tells nothing."""
        codes = step.values
        draws = torch.randn(codes.shape, generator=generator, device=generator.device).to(codes)
        return softplus(-critic(draws)[:, 0].float()) + softplus(critic(codes)[:, 0].float())
