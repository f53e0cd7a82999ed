"""What every latent shares: the record it returns, its linear layers and the activations of a code."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Generator, Tensor, nn

Shape = tuple[int, ...]  # (c, h, w) of a map or (d,) of a vector, without the batch


class Code(NamedTuple):
    """The code of a batch of n images: `values` (n, size) or (n, size, h, w), and what it costs.

    `penalty`: (n,), nats, never negative. `weight`: (n,), how much each image's distortion counts beside it; None = 1.
    """

    values: Tensor
    penalty: Tensor
    weight: Tensor | None = None


@runtime_checkable
class CanSample(Protocol):
    """A latent that knows how its codes are distributed before an image is seen."""

    def sample_prior(self, n: int, generator: Generator) -> Tensor:
        """n codes (n, *code), on the generator's device."""
        ...


@runtime_checkable
class CanDraw(Protocol):
    """A latent that is unsure of its code: it draws codes of an image, and says how likely each was."""

    def encode_draws(self, features: Tensor, draws: int, generator: Generator) -> Code:
        """So many codes of each of n feature vectors or maps: (draws * n, *code), all images' first draws first.

        The penalty of each is what it tells beyond the prior: its log-density among the image's codes less that under
        the prior, nats. It may be negative; its mean over draws is the divergence that `encode` gives.
        """
        ...


@runtime_checkable
class CanTokenise(Protocol):
    """A latent whose codes are whole numbers: each position has one of `vocabulary` words, or one on every level."""

    vocabulary: int | tuple[int, ...]

    def tokens(self, values: Tensor) -> Tensor:
        """Values (n, *code) to tokens (n, positions), or (n, positions, levels) where the vocabulary is a tuple."""
        ...

    def from_tokens(self, tokens: Tensor, places: Shape = ()) -> Tensor:
        """Tokens back to values (n, *code); `places` (h, w) where a map is not of the usual size."""
        ...


def _ones(slope_of: Tensor) -> Tensor:
    return torch.ones_like(slope_of)


# Each activation and its slope written in terms of the activation's result y, as the contractive penalty needs it.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "linear": (lambda x: x, _ones),
    "sigmoid": (torch.sigmoid, lambda y: y * (1 - y)),
    "tanh": (torch.tanh, lambda y: 1 - y * y),
    "relu": (torch.relu, lambda y: (y > 0).to(y.dtype)),
}


def projection(shape: Shape, size: int) -> nn.Linear | nn.Conv2d:
    """The affine layer from `shape` to `size` numbers, or to `size` channels at each position of a map."""
    return nn.Linear(shape[0], size) if len(shape) == 1 else nn.Conv2d(shape[0], size, 1)


def per_image(costs: Tensor) -> Tensor:
    """The sum over everything but the batch, in at least float32: (n, ...) -> (n,)."""
    return at_least_float32(costs).flatten(1).sum(1)


def at_least_float32(x: Tensor) -> Tensor:
    """`x`, widened if it came in half precision, where sums and logarithms would lose too much."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def free_of_charge(values: Tensor) -> Tensor:
    """The penalty of a code that costs nothing: n zeros."""
    return torch.zeros(values.shape[0], dtype=torch.promote_types(values.dtype, torch.float32), device=values.device)


class Bottleneck(nn.Module):
    """One layer to the code, with an activation, and one linear layer back.

    `code`: the shape of the values, (size,) for feature vectors and (size, h, w) for feature maps.
    """

    def __init__(self, features: Shape, size: int, activation: str) -> None:
        super().__init__()
        self.code: Shape = (size, *features[1:])
        self.encoder = projection(features, size)
        self.decoder = projection(self.code, features[0])
        self.activation = activation

    def encode(self, features: Tensor) -> Tensor:
        return ACTIVATIONS[self.activation][0](self.encoder(features))

    def slope(self, values: Tensor) -> Tensor:
        """The activation's slope at each number of a code, from the code itself."""
        return ACTIVATIONS[self.activation][1](values)

    def decode(self, values: Tensor) -> Tensor:
        return self.decoder(values)
