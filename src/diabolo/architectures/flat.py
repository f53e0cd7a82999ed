"""The fully connected architecture: the classic autoencoder, and with no hidden layer the frame for PCA."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from diabolo.architectures.base import ACTIVATIONS, OUTPUTS, Features, Shape, vector_norm
from diabolo.options import option, part


@part
class Flat:
    """Fully connected layers, `width`, `width / narrowing`, ... numbers wide; the decoder is the mirror image.

    The layer to the code and the layer from it belong to the latent, so 784-512-L-512-784 is depth 1, width 512.
    """

    spatial: ClassVar[bool] = False

    depth: int = option(
        1, "hidden layers on each side of the code; 0 leaves the image as it is", at_least=0, at_most=64
    )
    width: int = option(512, "width of the first hidden layer", unit="numbers", at_least=1)
    narrowing: float = option(2.0, "the width of each further hidden layer is divided by this", at_least=1.0)
    activation: str = option("relu", "activation of the encoder's hidden layers", choices=tuple(ACTIVATIONS))
    decoder_activation: str = option("relu", "activation of the decoder's hidden layers", choices=tuple(ACTIVATIONS))
    norm: str = option("none", "normalisation before each activation", choices=("none", "layer", "batch"))
    output: str = option("linear", "activation of the decoder's output", choices=OUTPUTS)

    def widths(self) -> tuple[int, ...]:
        """The hidden layers' widths from the image to the code; never less than 1.

        >>> Flat(depth=3, width=1024).widths()
        (1024, 512, 256)
        """
        return tuple(max(1, round(self.width / self.narrowing**level)) for level in range(self.depth))

    def build(self, shape: Shape) -> tuple[nn.Module, nn.Module]:
        """The encoder and decoder of vectors (d,) or of images (c, h, w) of this one size."""
        return FlatEncoder(self, shape), FlatDecoder(self, shape)


class FlatEncoder(nn.Module):
    """(n, *shape) -> features (n, last width); with depth 0 the image's own numbers, in order c, h, w."""

    def __init__(self, options: Flat, shape: Shape) -> None:
        super().__init__()
        widths = (math.prod(shape), *options.widths())
        self.features: Shape = (widths[-1],)
        layers: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            activation = ACTIVATIONS[options.activation]()
            layers += [nn.Linear(wide, narrow), vector_norm(options.norm, narrow), activation]
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Features:
        return Features(self.layers(image.flatten(1)), size=tuple(image.shape[2:]))


class FlatDecoder(nn.Module):
    """Features (n, last width), as the latent's linear layer gives them -> (n, *shape)."""

    needs_skips = False

    def __init__(self, options: Flat, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        layers: list[nn.Module] = []
        for narrow, wide in pairwise((*reversed(options.widths()), math.prod(shape))):
            activation = ACTIVATIONS[options.decoder_activation]()
            layers += [vector_norm(options.norm, narrow), activation, nn.Linear(narrow, wide)]
        self.layers = nn.Sequential(*layers, ACTIVATIONS[options.output]())

    def forward(self, values: Tensor, skips: tuple[Tensor, ...] = (), size: tuple[int, ...] = ()) -> Tensor:
        return self.layers(values).unflatten(1, self.shape)
