"""The convolutional architecture: strided residual levels, for images of any size and number of channels."""

from __future__ import annotations

import math

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
    map_norm,
    pad,
)
from diabolo.errors import Mistake
from diabolo.options import option, part

WIDEST = 512  # channels; growth stops here, or a deep net's last level would hold nearly all of its weights


@part
class Conv:
    """Each level halves height and width by a strided convolution, then refines by residual blocks.

    With `map` the code keeps its place in the image and any size of image is taken; without, the last map is
    flattened to a vector and all images are of the size the net was built for.
    """

    width: int = option(32, "channels of the first level", unit="channels", at_least=1)
    levels: int = option(2, "how many times height and width are halved", at_least=1, at_most=8)
    blocks: int = option(1, "residual blocks in each level, on each side", at_least=0, at_most=64)
    growth: float = option(
        2.0, f"each further level has this many times the channels, up to {WIDEST}", at_least=1.0, at_most=8.0
    )
    norm: str = option("none", "normalisation before each activation", choices=("none", "group", "batch"))
    activation: str = option("relu", "activation before each convolution but the first", choices=tuple(ACTIVATIONS))
    output: str = option("linear", "activation of the decoder's output", choices=OUTPUTS)
    map: bool = option(False, "keep the code a map, for images of any size, instead of one vector")

    @property
    def spatial(self) -> bool:
        """Whether images of any size may be given after it was built."""
        return self.map

    def widths(self) -> tuple[int, ...]:
        """The channels of each level, from the image to the code.

        >>> Conv(width=32, levels=3).widths()
        (32, 64, 128)
        """
        return tuple(min(WIDEST, round(self.width * self.growth**level)) for level in range(self.levels))

    def build(self, shape: Shape) -> tuple[nn.Module, nn.Module]:
        """The encoder and decoder of images (c, h, w); vectors are a `Mistake`."""
        if len(shape) != 3:
            raise Mistake("conv needs images", got=f"vectors of {shape[0]} numbers", remedy="--architecture flat")
        return ConvEncoder(self, shape), ConvDecoder(self, shape)

    def map_shape(self, shape: Shape) -> Shape:
        """The (channels, height, width) of the last map for an image (c, h, w)."""
        height, width = framed(shape[1:], 2**self.levels)
        return self.widths()[-1], height // 2**self.levels, width // 2**self.levels


class ConvEncoder(nn.Module):
    """(n, c, h, w) -> features (n, channels, h', w') with `map`, (n, channels * h' * w') without."""

    def __init__(self, options: Conv, shape: Shape) -> None:
        super().__init__()
        self.multiple = 2**options.levels
        place = options.map_shape(shape)
        self.features: Shape = place if options.map else (math.prod(place),)
        layers: list[nn.Module] = []
        channels = shape[0]
        for width in options.widths():
            layers += [convolution(channels, width, stride=2)]
            layers += [Residual(width, options.norm, options.activation) for _ in range(options.blocks)]
            layers += [map_norm(options.norm, width), ACTIVATIONS[options.activation]()]
            channels = width
        self.layers = nn.Sequential(*layers) if options.map else nn.Sequential(*layers, nn.Flatten())

    def forward(self, image: Tensor) -> Features:
        maps, levels = pad(image, self.multiple), []
        for number, layer in enumerate(self.layers):
            if number and isinstance(layer, nn.Conv2d | nn.Flatten):  # a new level begins, or all of them are done
                levels.append(maps)
            maps = layer(maps)
        levels += [maps] if maps.dim() == 4 else []
        return Features(maps, size=tuple(image.shape[2:]), levels=tuple(levels))


class ConvDecoder(nn.Module):
    """Features as `ConvEncoder` gives them -> (n, c, *size).

    Without a `size`, features of the built size give the built size, and other maps their whole padded image.
    """

    needs_skips = False

    def __init__(self, options: Conv, shape: Shape) -> None:
        super().__init__()
        self.place = options.map_shape(shape)
        self.size = shape[1:]
        layers: list[nn.Module] = []
        channels = self.place[0]
        for width in (*reversed(options.widths()[:-1]), shape[0]):
            layers += [Residual(channels, options.norm, options.activation) for _ in range(options.blocks)]
            layers += [map_norm(options.norm, channels), ACTIVATIONS[options.activation]()]
            layers += [enlarging(channels, width)]
            channels = width
        self.layers = nn.Sequential(*layers, ACTIVATIONS[options.output]())

    def forward(self, values: Tensor, skips: tuple[Tensor, ...] = (), size: tuple[int, ...] = ()) -> Tensor:
        maps = values.unflatten(1, self.place) if values.dim() == 2 else values
        image = self.layers(maps)
        if not size:
            size = self.size if maps.shape[1:] == self.place else image.shape[2:]
        return crop(image, size)
