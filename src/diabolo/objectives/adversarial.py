"""The adversarial term: a critic learns to tell restored places from true ones, and the autoencoder to deceive it."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, leaky_relu, relu
from torch.nn.utils.parametrizations import spectral_norm

from diabolo.errors import Mistake
from diabolo.objectives.step import Shape, Step
from diabolo.options import option, part

STEEPNESS = 0.2  # of the critic's activations below 0


@part
class Adversarial:
    """A critic of local patches (Isola 2017, PatchGAN) with the hinge loss (Lim & Ye 2017; Miyato 2018).

    The squared error alone asks for the mean of all that could be there, which is blurred. The critic sees the image
    with its holes filled in, and where they were, and judges each place by what is around it.
    """

    needs: ClassVar[str] = "images"
    against: ClassVar[bool] = True

    weight: float = option(0.02, "nats per value made that a critic's unit of doubt is worth", at_least=0)
    width: int = option(32, "channels of the critic's first level", at_least=1, at_most=512)
    levels: int = option(3, "how many times the critic halves the image", at_least=1, at_most=6)
    pace: float = option(4.0, "the critic's learning rate over the autoencoder's (Heusel 2017)", above=0, at_most=100)

    def build(self, image: Shape, code: Shape, beside: int = 0) -> Critic:
        """The critic of images (c, h, w); vectors are a `Mistake`."""
        if len(image) != 3:
            raise Mistake("the adversarial term needs images", got=f"vectors of {image[0]} numbers")
        return Critic(image[0], self.width, self.levels)

    def price(self, critic: nn.Module, step: Step) -> Tensor:
        """What the autoencoder pays for being found out, (n,), nats: less the more natural the critic finds it."""
        made, missing = _filled_in(step)
        numbers = missing.float().flatten(1).sum(1) * made.shape[1]
        return -self.weight * numbers * _of_places(critic(made, missing), missing)

    def lesson(self, critic: nn.Module, step: Step, generator: Generator) -> Tensor:
        """The critic's own loss, (n,): 0 where it gives 1 or more to true places and -1 or less to made ones."""
        made, missing = _filled_in(step)
        losses = relu(1 - critic(step.target, missing)), relu(1 + critic(made, missing))
        return _of_places(losses[0] + losses[1], missing)


def _filled_in(step: Step) -> tuple[Tensor, Tensor]:
    """What was made, beside what was seen, and the mask (n, 1, h, w) of it: everything where no mask hid anything."""
    if step.missing is None:
        return step.made, torch.ones_like(step.made[:, :1])
    return torch.where(step.missing > 0, step.made, step.target.to(step.made.dtype)), step.missing


def _of_places(scores: Tensor, missing: Tensor) -> Tensor:
    """The mean (n,) over the patches (n, 1, h', w') where something is missing; elsewhere there is nothing to judge."""
    touched = adaptive_max_pool2d(missing.float(), list(scores.shape[2:]))
    return (scores.float() * touched).flatten(1).sum(1) / touched.flatten(1).sum(1).clamp(min=1)


class Critic(nn.Module):
    """(n, c, h, w) and its mask (n, 1, h, w) -> a score for each patch, (n, 1, h', w'); higher is more natural.

    Spectral normalisation keeps its slope bounded (Miyato 2018), so that the two players stay in balance.
    """

    def __init__(self, channels: int, width: int, levels: int) -> None:
        super().__init__()
        widths = [channels + 1, *(width * 2**level for level in range(levels))]
        self.halve = nn.ModuleList(spectral_norm(nn.Conv2d(a, b, 4, 2, padding=1)) for a, b in pairwise(widths))
        self.score = spectral_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, image: Tensor, missing: Tensor) -> Tensor:
        maps = torch.cat((image, missing.to(image.dtype)), 1)
        for halve in self.halve:
            maps = leaky_relu(halve(maps), STEEPNESS)
        scores: Tensor = self.score(maps)
        return scores
