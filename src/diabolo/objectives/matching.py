"""The matching term: the codes of a batch should lie as draws from a standard normal distribution do."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from diabolo.objectives.step import Step
from diabolo.options import option, part

SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # of the kernels that are summed, around the distance of two draws


@part
class Matching:
    """The maximum mean discrepancy of codes and prior (Tolstikhin 2018, Wasserstein autoencoder, WAE-MMD).

    A code without doubt, as `plain` gives it, can then be drawn from a normal distribution.
    """

    needs: ClassVar[str] = "codes"

    weight: float = option(10.0, "what a discrepancy of 1 costs", unit="nats", at_least=0)

    def cost(self, step: Step, generator: Generator) -> Tensor:
        """Each image's share of the discrepancy to as many draws, (n,), nats; the mean may be a little below 0."""
        codes = step.values.flatten(1).float()
        draws = torch.randn(codes.shape, generator=generator, device=generator.device).to(codes.device)
        return self.weight * discrepancy(codes, draws)


def discrepancy(codes: Tensor, draws: Tensor) -> Tensor:
    """What each of n codes (n, d) and draws (n, d) adds to their discrepancy, (n,); on average 0 where both are alike.

    The mean is the unbiased estimate of Tolstikhin 2018, algorithm 2.
    """
    count = len(codes)
    within = sum(kernel(one, one).fill_diagonal_(0).sum(1) for one in (codes, draws)) / max(1, count - 1)
    between = kernel(codes, draws)
    return within - (between.sum(0) + between.sum(1)) / count


def kernel(one: Tensor, other: Tensor) -> Tensor:
    """The sum of inverse multiquadrics C / (C + |x - y|^2), C around the mean of |x - y|^2 of draws, 2 d: (n, m)."""
    squares = torch.cdist(one, other).square()
    widths = [scale * 2 * one.shape[1] for scale in SCALES]
    return torch.stack([width / (width + squares) for width in widths]).sum(0)
