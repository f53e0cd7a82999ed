"""The block architecture: a fixed orthonormal transform of small squares, as in JPEG, and nothing learned."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diabolo.architectures.base import Features, Shape, framed
from diabolo.errors import Mistake
from diabolo.options import option, part

GRID = 2**20  # entries of the transform are whole numbers of this part: the same on every machine, whatever its cosine
COLOUR = 2  # a difference between colours counts as finer than it is by so many half waves along both sides


@part
class Blocks:
    """The discrete cosine transform over squares of pixels and over their colours (Ahmed 1974); a linear autoencoder.

    For natural pictures it is close to the optimum of all linear autoencoders of such squares, the principal
    components. The features of a square are its coefficients, from smooth to fine.
    """

    spatial: ClassVar[bool] = True
    output: ClassVar[str] = "linear"

    side: int = option(8, "side of a square", unit="pixels", at_least=1, at_most=32)

    @property
    def multiple(self) -> int:
        """Height and width are continued to a multiple of this many pixels."""
        return self.side

    def build(self, shape: Shape) -> tuple[nn.Module, nn.Module]:
        """The encoder and decoder of images (c, h, w) of any h and w; vectors are a `Mistake`."""
        if len(shape) != 3:
            raise Mistake("blocks needs images", got=f"vectors of {shape[0]} numbers", remedy="--architecture flat")
        return BlocksEncoder(self, shape), BlocksDecoder(self, shape)


def cosines(length: int) -> Tensor:
    """The orthonormal cosine transform (DCT-II) of `length` numbers: (length, length), float64, a row a wave."""
    place, wave = torch.arange(length, dtype=torch.float64), torch.arange(length, dtype=torch.float64)[:, None]
    waves = torch.cos(math.pi / length * (place + 0.5) * wave) * math.sqrt(2 / length)
    waves[0] = math.sqrt(1 / length)
    return waves


def transform(channels: int, side: int) -> Tensor:
    """The transform of a square (channels, side, side), flattened: square, float64, rows from smooth to fine."""
    waves = torch.einsum("ac,uy,vx->auvcyx", cosines(channels), cosines(side), cosines(side))
    colour, u, v = torch.meshgrid(torch.arange(channels), torch.arange(side), torch.arange(side), indexing="ij")
    shift = COLOUR * (colour > 0)
    order = torch.argsort(((u + shift) ** 2 + (v + shift) ** 2).flatten(), stable=True)
    size = channels * side * side
    return (waves.reshape(size, size)[order] * GRID).round() / GRID


class _Transform(nn.Module):
    """Holds the transform, which no file keeps: it follows from the shape."""

    def __init__(self, options: Blocks, shape: Shape) -> None:
        super().__init__()
        self.side, self.shape = options.side, shape
        height, width = (length // options.side for length in framed(shape[1:], options.side))
        self.features: Shape = (shape[0] * options.side**2, height, width)
        # Made on the processor even where the network is built without memory, and never rounded to half precision.
        with torch.device("cpu"):
            self._waves = transform(shape[0], options.side)

    def waves(self, like: Tensor) -> Tensor:
        """The transform, where and in the type of other numbers; single precision holds it as it is."""
        self._waves = self._waves.to(like)
        return self._waves


class BlocksEncoder(_Transform):
    """(n, c, h, w) -> features (n, c side^2, h', w'); the last row and column are repeated to whole squares."""

    def forward(self, image: Tensor) -> Features:
        height, width = (-length % self.side for length in image.shape[2:])
        whole = F.pad(image, (0, width, 0, height), mode="replicate") if height or width else image
        with torch.autocast(image.device.type, enabled=False):  # large numbers with small differences
            squares = F.pixel_unshuffle(whole.to(_precise(image)), self.side)
            values = torch.einsum("fc,nchw->nfhw", self.waves(squares), squares)
        return Features(values, (), tuple(image.shape[2:]))


class BlocksDecoder(_Transform):
    """Features -> (n, c, *size), by the transform's transpose; `size` is the built one if not given."""

    needs_skips = False

    def forward(self, values: Tensor, skips: tuple[Tensor, ...] = (), size: tuple[int, ...] = ()) -> Tensor:
        with torch.autocast(values.device.type, enabled=False):
            wide = values.to(_precise(values))
            squares = torch.einsum("fc,nfhw->nchw", self.waves(wide), wide)
            height, width = size or self.shape[1:]
            return F.pixel_shuffle(squares, self.side)[:, :, :height, :width]


def _precise(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)
