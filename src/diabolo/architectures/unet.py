"""The U-Net architecture: for restoring, where the output is the input made better and details may pass by the code."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from diabolo.architectures.base import (
    ACTIVATIONS,
    OUTPUTS,
    Features,
    Residual,
    Shape,
    convolution,
    crop,
    enlarging,
    framed,
    pad,
)
from diabolo.errors import Mistake
from diabolo.options import option, part


@part
class Unet:
    """Levels joined by skips that add (Ronneberger 2015; added instead of stacked as in Zhang 2021, DRUNet).

    Pixels are first folded into channels (`reduce`, Shi 2016), which makes the costliest level four times cheaper.
    """

    spatial: ClassVar[bool] = True

    widths: tuple[int, ...] = option(
        (32, 64, 128), "channels of each level; all but the first halve the size", at_least=1, longest=8
    )
    blocks: int = option(1, "residual blocks in each level, on each side", at_least=0, at_most=64)
    reduce: int = option(2, "pixels folded into channels along each side before the first level", at_least=1, at_most=2)
    residual: bool = option(True, "learn what to add to the input image instead of the whole output")
    activation: str = option("relu", "activation before each convolution of a block", choices=tuple(ACTIVATIONS))
    output: str = option("linear", "activation of the decoder's output", choices=OUTPUTS)

    @property
    def multiple(self) -> int:
        """Height and width are padded to a multiple of this many pixels."""
        return self.reduce * 2 ** (len(self.widths) - 1)

    def build(self, shape: Shape) -> tuple[nn.Module, nn.Module]:
        """The encoder and decoder of images (c, h, w) of any h and w; vectors are a `Mistake`."""
        if len(shape) != 3:
            raise Mistake("unet needs images", got=f"vectors of {shape[0]} numbers", remedy="--architecture flat")
        if self.residual and self.output in ("sigmoid", "tanh"):
            wrong = f"a residual unet adds to the image, so its output cannot pass a {self.output}"
            raise Mistake(wrong, remedy="--architecture.output linear, or --architecture.residual false")
        return UnetEncoder(self, shape), UnetDecoder(self, shape)

    def level(self, width: int) -> list[nn.Module]:
        """The residual blocks of one level on one side."""
        return [Residual(width, "none", self.activation) for _ in range(self.blocks)]


class UnetEncoder(nn.Module):
    """(n, c, h, w) -> features (n, last width, h', w'); skips: the image (if residual), then the levels' maps."""

    def __init__(self, options: Unet, shape: Shape) -> None:
        super().__init__()
        self.reduce, self.multiple, self.residual = options.reduce, options.multiple, options.residual
        height, width = (side // self.multiple for side in framed(shape[1:], self.multiple))
        self.features: Shape = (options.widths[-1], height, width)
        first = convolution(shape[0] * self.reduce**2, options.widths[0])
        levels = [nn.Sequential(first, *options.level(options.widths[0]))]
        for upper, lower in pairwise(options.widths):
            activation = ACTIVATIONS[options.activation]()
            levels += [nn.Sequential(activation, convolution(upper, lower, stride=2), *options.level(lower))]
        self.levels = nn.ModuleList(levels)

    def forward(self, image: Tensor) -> Features:
        maps = F.pixel_unshuffle(pad(image, self.multiple), self.reduce)
        skips = []
        for level in self.levels:
            maps = level(maps)
            skips.append(maps)
        by_the_code = (image, *skips[:-1]) if self.residual else tuple(skips[:-1])
        return Features(maps, by_the_code, tuple(image.shape[2:]))


class UnetDecoder(nn.Module):
    """Features and skips as `UnetEncoder` gives them -> (n, c, *size); `size` is the built one if not given."""

    needs_skips = True

    def __init__(self, options: Unet, shape: Shape) -> None:
        super().__init__()
        self.reduce, self.residual, self.size = options.reduce, options.residual, shape[1:]
        self.lowest = nn.Sequential(*options.level(options.widths[-1]))
        below = list(pairwise(reversed(options.widths)))
        self.enlarge = nn.ModuleList(
            nn.Sequential(ACTIVATIONS[options.activation](), enlarging(lower, upper)) for lower, upper in below
        )
        self.levels = nn.ModuleList(nn.Sequential(*options.level(upper)) for _, upper in below)
        last = convolution(options.widths[0], shape[0] * self.reduce**2)
        if self.residual:
            nn.init.zeros_(last.weight)  # nothing is added to the image at the start
        self.last = nn.Sequential(ACTIVATIONS[options.activation](), last)
        self.output = ACTIVATIONS[options.output]()

    def forward(self, values: Tensor, skips: tuple[Tensor, ...] = (), size: tuple[int, ...] = ()) -> Tensor:
        image, levels = (skips[0], skips[1:]) if self.residual else (None, skips)
        maps = self.lowest(values)
        for enlarge, level, skip in zip(self.enlarge, self.levels, reversed(levels), strict=True):
            maps = level(enlarge(maps) + skip)
        change = crop(F.pixel_shuffle(self.last(maps), self.reduce), size or self.size)
        return self.output(change if image is None else image + change)
