"""Learning from noisy pictures alone: each makes, of a picture that is noisy already, an input and another target."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from diabolo.corruptions.draws import FULL_SCALE, Corrupted, need_images, per_image, precise, uniform
from diabolo.options import option, part


@part
class Recorrupt:
    """Two noisy pictures out of one, by adding noise and taking it away (Pang et al. 2021, Recorrupted-to-Recorrupted).

    For white Gaussian noise of a known `sigma`: with z of the same sigma, y + strength * z goes in and
    y - z / strength is the target. Their noises are independent, so that the network learns what the clean picture
    would have taught it (Lehtinen et al. 2018, Noise2Noise). The noise it learns to undo is
    sqrt(1 + strength^2) times the picture's own. In training each picture is shown twice in a step, the second time
    with -z: most of what the drawn noise adds to the gradient is then taken away again, and weak noise is enough.
    """

    copies: ClassVar[int] = 2

    sigma: tuple[float, ...] = option(
        (25.0,),
        "standard deviation of the noise that the pictures have",
        unit="8-bit units",
        above=0,
        at_most=1000,
    )
    strength: float = option(0.2, "how much noise is added, as a share of what is there", above=0, at_most=10)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        sigma = per_image("recorrupt.sigma", self.sigma, image, generator) / FULL_SCALE
        fine = precise(image)
        half = fine[: -(-len(fine) // 2)]
        drawn = torch.randn(half.shape, generator=generator, device=image.device, dtype=fine.dtype)
        drawn = sigma * torch.cat((drawn, -drawn))[: len(fine)]
        noisy, target = fine + self.strength * drawn, fine - drawn / self.strength
        there = sigma.flatten(1).square() * (1 + self.strength**2)
        noise = torch.cat((there, torch.zeros_like(there)), 1)
        return Corrupted(noisy.to(image.dtype), noise=noise, target=target.to(image.dtype))


@part
class BlindSpot:
    """Hide pixels behind a neighbour's value and count the loss on these alone (Krull et al. 2019, Noise2Void).

    The network cannot copy what it does not see, so it learns what is likely there, whatever the noise is, as long as
    a pixel's noise tells nothing of its neighbours' (Batson & Royer 2019, Noise2Self).
    """

    share: tuple[float, ...] = option(
        (0.02,), "share of the pixels hidden: one value or low,high", unit="share", above=0, at_most=0.5
    )
    reach: int = option(2, "how far away the neighbours are, at most", unit="pixels", at_least=1, at_most=64)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        need_images(self, image)
        share = per_image("blind-spot.share", self.share, image, generator)
        n, _, h, w = image.shape
        hidden = uniform((n, 1, h, w), image, generator) < share
        steps = (uniform((2, n, h, w), image, generator) * (2 * self.reach + 1)).floor().long() - self.reach
        steps[1] += (steps == 0).all(0) * 1  # a pixel is not its own neighbour
        rows = _inside(torch.arange(h, device=image.device)[:, None] + steps[0], h)
        columns = _inside(torch.arange(w, device=image.device) + steps[1], w)
        batch = torch.arange(n, device=image.device)[:, None, None]
        neighbours = image.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 3, 1, 2)
        return Corrupted(torch.where(hidden, neighbours, image), counted=hidden.to(image.dtype), target=image)


def _inside(place: Tensor, size: int) -> Tensor:
    """Places thrown back from the border, as often as a short line needs."""
    period = max(2 * (size - 1), 1)
    place = place.remainder(period)
    return torch.minimum(place, period - place).clamp(0, size - 1)
