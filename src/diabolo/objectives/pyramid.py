"""The pyramid term: what was made should be right at every scale, in its edges and grain as in its surfaces."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn.functional import pad

from diabolo.errors import Mistake
from diabolo.objectives.base import difference
from diabolo.objectives.step import Step
from diabolo.options import option, part

TAPS = (0.0625, 0.25, 0.375, 0.25, 0.0625)  # Burt & Adelson 1983, with a = 3/8
SHORTEST = 4  # pixels of a side that is still halved


@part
class Pyramid:
    """Absolute differences of two Laplacian pyramids (Bojanowski et al. 2018, Lap1; Burt & Adelson 1983).

    Beside a larger error of surfaces, that of edges and grain is hardly seen in squares of pixels. Here each level
    counts by its mean, from the finest to what is left of the picture, and detail as much where the whole is off.
    """

    needs: ClassVar[str] = "images"

    weight: float = option(0.03, "nats per value that a mean difference of 1 in one level costs", at_least=0)
    levels: int = option(4, "times the picture is halved, while a side has 4 pixels", at_least=1, at_most=12)

    def cost(self, step: Step, generator: Generator) -> Tensor:
        """The levels' mean absolute differences (n,), nats, in proportion to the numbers of an image.

        Pixels beyond a picture's edges do not count. Vectors are a `Mistake`.
        """
        apart = difference(step.made, step.target)
        if apart.dim() != 4:
            raise Mistake("the pyramid term needs images", got=f"vectors of {apart.shape[1]} numbers")
        if step.inside is not None:
            apart = apart * (step.inside > 0)
        # A pyramid is linear, so that the difference of two is that of the difference.
        means = [level.abs().flatten(1).mean(1) for level in laplacian(apart, self.levels)]
        return self.weight * apart[0].numel() * torch.stack(means).sum(0)


def laplacian(maps: Tensor, levels: int) -> list[Tensor]:
    """Each level is what halving (n, c, h, w) loses, the finest first; the last is what is left, halved each time."""
    bands: list[Tensor] = []
    while len(bands) < levels and min(maps.shape[2:]) >= SHORTEST:
        half = smooth(maps)[..., ::2, ::2]
        bands.append(maps - doubled(half, maps.shape))
        maps = half
    return [*bands, maps]


def doubled(half: Tensor, shape: torch.Size) -> Tensor:
    """Maps of twice the height and width, of this shape: the values at every second place, smoothed."""
    spread = half.new_zeros(shape)
    spread[..., ::2, ::2] = 4 * half
    return smooth(spread)


def smooth(maps: Tensor) -> Tensor:
    """(n, c, h, w) filtered by `TAPS` along both axes, mirrored at the edges; autocast does not narrow sums."""
    height, width = maps.shape[2:]
    wide = pad(maps, (2, 2, 2, 2), mode="reflect")
    rows = torch.stack([tap * wide[..., i : i + width] for i, tap in enumerate(TAPS)]).sum(0)
    return torch.stack([tap * rows[..., i : i + height, :] for i, tap in enumerate(TAPS)]).sum(0)
