"""What every architecture shares: the record an encoder returns, activations, norms, and framing of images."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

Shape = tuple[int, ...]  # (c, h, w) of an image or (d,) of a vector, without the batch


class Features(NamedTuple):
    """What an encoder makes of a batch of n images.

    `values`: (n, d) or (n, c, h, w). `skips`: tensors the decoder wants beside the code (only a U-Net has some).
    `size`: the (height, width) to crop the decoder's output to; empty for vectors. `levels`: what was made on the way
    to the values and these, from fine to coarse, for who wants to look; empty where there is nothing between.
    """

    values: Tensor
    skips: tuple[Tensor, ...] = ()
    size: tuple[int, ...] = ()
    levels: tuple[Tensor, ...] = ()


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "leaky-relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}


def in_place(activation: nn.Module) -> nn.Module:
    """The activation writing over its input where it can: for what nothing else reads."""
    if isinstance(activation, nn.ReLU | nn.LeakyReLU | nn.ELU | nn.SiLU):
        activation.inplace = True
    return activation


OUTPUTS = ("linear", "sigmoid", "tanh", "relu")
_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}


def output_range(name: str) -> tuple[float, float]:
    """The lowest and highest value an output activation can give.

    >>> output_range("tanh")
    (-1.0, 1.0)
    """
    return _RANGES.get(name, (-math.inf, math.inf))


def map_norm(name: str, channels: int) -> nn.Module:
    """The normalisation of a feature map: none, group (Wu & He 2018) or batch (Ioffe & Szegedy 2015)."""
    if name == "group":
        return nn.GroupNorm(math.gcd(channels, 8), channels)
    return nn.BatchNorm2d(channels) if name == "batch" else nn.Identity()


def vector_norm(name: str, width: int) -> nn.Module:
    """The normalisation of a vector of features: none, layer (Ba 2016) or batch (Ioffe & Szegedy 2015)."""
    if name == "layer":
        return nn.LayerNorm(width)
    return nn.BatchNorm1d(width) if name == "batch" else nn.Identity()


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3 x 3 convolution with He's initialisation (He 2015), which keeps the signal's size from layer to layer."""
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None  # for the type checker: Conv2d has one by default
    nn.init.zeros_(layer.bias)
    return layer


class Residual(nn.Module):
    """`x + f(x)`, norm and activation before each of two convolutions (He 2016, "Identity mappings").

    The last convolution starts at zero, so the block starts as the identity and depth needs no norm. What the block
    alone has made is changed in place, which saves a few hundredths of the time of use.
    """

    def __init__(self, channels: int, norm: str, activation: str) -> None:
        super().__init__()
        last = convolution(channels, channels)
        nn.init.zeros_(last.weight)
        first = [map_norm(norm, channels), ACTIVATIONS[activation](), convolution(channels, channels)]
        self.change = nn.Sequential(*first, map_norm(norm, channels), in_place(ACTIVATIONS[activation]()), last)

    def forward(self, x: Tensor) -> Tensor:
        return self.change(x).add_(x)


def enlarging(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the height and width: nearest neighbour, then a convolution; no checkerboards (Odena 2016)."""
    return nn.Sequential(nn.Upsample(scale_factor=2), convolution(inputs, outputs))


def framed(size: tuple[int, ...], multiple: int) -> tuple[int, ...]:
    """The (height, width) after padding to the next multiple.

    >>> framed((28, 33), 8)
    (32, 40)
    """
    return tuple(side + -side % multiple for side in size)


def pad(image: Tensor, multiple: int) -> Tensor:
    """Repeat the edges of (n, c, h, w) all round until both sides are multiples of `multiple`.

    The edge is repeated rather than mirrored, since that works for an image of any size, even one pixel.
    """
    height, width = (-side % multiple for side in image.shape[2:])
    top, left = height // 2, width // 2
    return F.pad(image, (left, width - left, top, height - top), mode="replicate")


def crop(image: Tensor, size: tuple[int, ...]) -> Tensor:
    """The middle of (n, c, H, W) that `pad` had put there; `size` is its (height, width)."""
    height, width = size
    top, left = (image.shape[2] - height) // 2, (image.shape[3] - width) // 2
    return image[:, :, top : top + height, left : left + width]
