"""The importance-weighted bound: several draws of a code say more of an image's likelihood than the mean of each."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def importance_bound(costs: Tensor) -> Tensor:
    """-log of the mean of exp(-cost) over the draws (draws, n): (n,), nats (Burda 2016, equation 8).

    `costs`: what the image costs given the draw, and what the draw tells beyond the prior. On average no less than the
    image's negative log-likelihood, and nearer to it with every draw more.

    >>> importance_bound(torch.tensor([[2.0], [2.0]]))
    tensor([2.])
    """
    return math.log(len(costs)) - torch.logsumexp(-costs, 0)


def importance_weighted(distortions: Tensor, penalties: Tensor) -> tuple[Tensor, Tensor]:
    """The bound as two terms (n,) that sum to it: the mean distortion by the draws' weights, and all the rest."""
    costs = distortions + penalties
    distortion = (torch.softmax(-costs, 0) * distortions).sum(0)
    return distortion, importance_bound(costs) - distortion
