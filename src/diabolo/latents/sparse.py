"""The sparse latent: few numbers of the code are active at a time, so even an overcomplete code cannot copy."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from diabolo.errors import Mistake
from diabolo.latents.base import ACTIVATIONS, Bottleneck, Code, Shape, at_least_float32, free_of_charge, per_image
from diabolo.options import option, part

_NATURAL = {"l1": "relu", "kl": "sigmoid", "top-k": "linear"}  # the activation each pressure was proposed with


@part
class Sparse:
    """A code under one of three pressures.

    "l1": `weight` times the sum of the magnitudes, the cost of a Laplace prior (Olshausen & Field 1996).
    "kl": `weight` times the divergence of each number's mean activity in the batch from `target`
    (Ng, CS294A lecture notes, "Sparse autoencoder", 2011, section 3).
    "top-k": only the `active` largest numbers are kept, at no cost (Makhzani & Frey 2013).
    """

    size: int = option(256, "numbers in the code, or channels where the code is a map", unit="numbers", at_least=1)
    pressure: str = option("l1", "what keeps the code sparse", choices=tuple(_NATURAL))
    weight: float = option(0.1, "strength of l1 and kl", unit="nats", at_least=0.0)
    target: float = option(0.05, "mean activity that kl asks of each number", above=0.0, below=1.0)
    active: int = option(16, "numbers that top-k keeps in each code", unit="numbers", at_least=1)
    activation: str = option(
        "auto",
        "activation of the code; auto is relu for l1, sigmoid for kl, linear for top-k",
        choices=("auto", *ACTIVATIONS),
    )

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w); a `Mistake` where the options contradict each other."""
        if self.pressure == "kl" and self.activation not in ("auto", "sigmoid"):
            wrong = "kl sparsity needs a code between 0 and 1"
            raise Mistake(wrong, got=f"activation {self.activation}", allowed="sigmoid", remedy="--latent.pressure l1")
        if self.pressure == "top-k" and self.active > self.size:
            raise Mistake("sparse.active is more than sparse.size", got=str(self.active), allowed=f"1 to {self.size}")
        return SparseLatent(self, features)


class SparseLatent(nn.Module):
    """Features -> sparse values by one layer, and back by one linear layer."""

    def __init__(self, options: Sparse, features: Shape) -> None:
        super().__init__()
        natural = _NATURAL[options.pressure]
        self.options = options
        self.layer = Bottleneck(features, options.size, natural if options.activation == "auto" else options.activation)
        self.code: Shape = self.layer.code

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        values = self.layer.encode(features)
        if self.options.pressure == "top-k":
            values = largest(values, self.options.active)
            return Code(values, free_of_charge(values))
        if self.options.pressure == "l1":
            return Code(values, self.options.weight * per_image(values.abs()))
        return Code(values, self.options.weight * activity_divergence(values, self.options.target))

    def decode(self, values: Tensor) -> Tensor:
        return self.layer.decode(values)


def largest(values: Tensor, count: int) -> Tensor:
    """`values` (n, size, ...) with all but the `count` largest along axis 1 set to zero.

    >>> largest(torch.tensor([[3.0, -1.0, 5.0, 4.0]]), 2)
    tensor([[0., 0., 5., 4.]])
    """
    kept, places = values.topk(count, dim=1)
    return torch.zeros_like(values).scatter(1, places, kept)


def activity_divergence(values: Tensor, target: float) -> Tensor:
    """The divergence of Bernoulli(target) from each number's mean activity, summed over the code: (n,), nats.

    The mean is taken over the batch (and a map's positions), so each image carries an equal share: the batch's
    mean of the result is Ng's term, times the number of positions for a map. Values are between 0 and 1.
    """
    n, size = values.shape[:2]
    positions = values[0, 0].numel()
    activity = at_least_float32(values).reshape(n, size, -1).mean((0, 2)).clamp(1e-6, 1 - 1e-6)
    asked = torch.full_like(activity, target)
    divergence = asked * (asked / activity).log() + (1 - asked) * ((1 - asked) / (1 - activity)).log()
    return (positions * divergence.sum().clamp(min=0)).expand(n)
