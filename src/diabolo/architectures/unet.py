"""The U-Net architecture: for restoring, where the output is the input made better and details may pass by the code."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import torch
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
    framed,
    pad,
)
from diabolo.errors import Mistake
from diabolo.options import option, part

FARTHEST = 4.0  # standard deviations from an image's own mean
FRAME = 32  # pixels of nothing around a whole picture, for networks that are told where it ends
EVEN = 4e-3  # added to an image's spread: a hundredth of a dark picture's noise is not blown up


@part
class Unet:
    """Levels joined by skips that add (Ronneberger 2015; added instead of stacked as in Zhang 2021, DRUNet).

    Pixels are first folded into channels (`reduce`, Shi 2016), which makes the costliest level four times cheaper.
    Between levels, 2 x 2 pixels become one and back; these squares do not overlap, so they leave no checkerboard.
    """

    spatial: ClassVar[bool] = True
    takes_hint: ClassVar[bool] = True

    widths: tuple[int, ...] = option(
        (32, 64, 128), "channels of each level; all but the first halve the size", at_least=1, longest=8
    )
    blocks: tuple[int, ...] = option(
        (1,), "residual blocks on each side, in every level or one number for each", at_least=0, at_most=64, longest=8
    )
    reduce: int = option(2, "pixels folded into channels along each side before the first level", at_least=1, at_most=4)
    shrink: int = option(1, "pixels along each side that are averaged into one before all", at_least=1, at_most=8)
    norm: str = option("none", "normalisation before each activation", choices=("none", "group", "batch"))
    residual: bool = option(True, "learn what to add to the input image instead of the whole output")
    standardise: bool = option(False, "each image is brought to mean 0 and spread 1 first: its own light tells nothing")
    activation: str = option("relu", "activation before each convolution of a block", choices=tuple(ACTIVATIONS))
    output: str = option("linear", "activation of the decoder's output", choices=OUTPUTS)

    @property
    def multiple(self) -> int:
        """Height and width are padded to a multiple of this many pixels."""
        return self.shrink * self.reduce * 2 ** (len(self.widths) - 1)

    def build(self, shape: Shape, hints: int = 0, marks: int = 0, edges: bool = False) -> tuple[nn.Module, nn.Module]:
        """The encoder and decoder of images (c, h, w) of any h and w; vectors are a `Mistake`.

        With `hints` the encoder takes so many further channels beside the image, which no skip gives to the decoder.
        With `marks` the decoder gives so many beside the image, which nothing is added to. With `edges` the one hint
        is where the picture is, and a picture without it is whole: nothing, `FRAME` pixels wide, is put around it.
        """
        if len(shape) != 3:
            raise Mistake("unet needs images", got=f"vectors of {shape[0]} numbers", remedy="--architecture flat")
        if self.residual and self.output in ("sigmoid", "tanh"):
            wrong = f"a residual unet adds to the image, so its output cannot pass a {self.output}"
            raise Mistake(wrong, remedy="--architecture.output linear, or --architecture.residual false")
        if len(self.blocks) not in (1, len(self.widths)):
            allowed = f"1 number, or {len(self.widths)}"
            raise Mistake("unet.blocks does not fit its widths", f"{len(self.blocks)} numbers", allowed)
        if self.standardise and not self.residual:
            raise Mistake(
                "only a residual unet can give back an image's own light", remedy="--architecture.residual true"
            )
        return UnetEncoder(self, shape, hints, edges), UnetDecoder(self, shape, marks)

    def level(self, place: int) -> nn.Sequential:
        """The residual blocks of one level on one side; 0 is the first."""
        blocks = self.blocks[place] if len(self.blocks) > 1 else self.blocks[0]
        return nn.Sequential(*(Residual(self.widths[place], self.norm, self.activation) for _ in range(blocks)))


class UnetEncoder(nn.Module):
    """(n, c, h, w) -> features (n, last width, h', w'); skips: image and its spread if residual, levels' maps."""

    def __init__(self, options: Unet, shape: Shape, hints: int = 0, edges: bool = False) -> None:
        super().__init__()
        self.frame = FRAME if edges else 0
        self.hints, self.standardise = hints, options.standardise
        self.reduce, self.multiple, self.residual = options.reduce, options.multiple, options.residual
        self.shrink = options.shrink
        height, width = (side // self.multiple for side in framed(shape[1:], self.multiple))
        self.features: Shape = (options.widths[-1], height, width)
        first: nn.Module = convolution((shape[0] + hints) * self.reduce**2, options.widths[0])
        below = [nn.Conv2d(upper, lower, 2, 2) for upper, lower in pairwise(options.widths)]
        self.levels = nn.ModuleList(
            nn.Sequential(entry, options.level(place)) for place, entry in enumerate([first, *below])
        )

    def forward(self, image: Tensor, hint: Tensor | None = None) -> Features:
        """`hint` (n, hints, h, w) is what is known beside the image; else zeros, or a frame around the picture."""
        frame = self.frame if hint is None else 0
        inside = hint if self.frame and hint is not None else torch.ones_like(image[:, :1])
        told, width = standardised(image, inside) if self.standardise else (image, image.new_ones(()))
        if self.frame:
            told = F.pad(torch.cat((told * inside, inside), 1), [frame] * 4)
        elif self.hints:
            told = torch.cat((told, image.new_zeros(hint_shape(image, self.hints)) if hint is None else hint), 1)
        told = pad(told, self.multiple)
        maps = F.pixel_unshuffle(F.avg_pool2d(told, self.shrink) if self.shrink > 1 else told, self.reduce)
        skips = []
        for stage in self.levels:
            maps = stage(maps)
            skips.append(maps)
        by_the_code = (image, width, *skips[:-1]) if self.residual else tuple(skips[:-1])
        return Features(maps, by_the_code, tuple(image.shape[2:]), tuple(self._unframed(skips, frame)))

    def _unframed(self, maps: list[Tensor], frame: int) -> list[Tensor]:
        """The levels' maps without what lies in the frame."""
        cut = [frame // (self.shrink * self.reduce * 2**place) for place in range(len(maps))]
        return [m[:, :, c : m.shape[2] - c, c : m.shape[3] - c] for m, c in zip(maps, cut, strict=True)]


def hint_shape(image: Tensor, hints: int) -> tuple[int, int, int, int]:
    """The shape of the hints beside a batch of images (n, c, h, w)."""
    return len(image), hints, image.shape[2], image.shape[3]


class UnetDecoder(nn.Module):
    """Features and skips as `UnetEncoder` gives them -> (n, c, *size); `size` is the built one if not given."""

    needs_skips = True

    def __init__(self, options: Unet, shape: Shape, marks: int = 0) -> None:
        super().__init__()
        self.reduce, self.residual, self.size = options.reduce, options.residual, shape[1:]
        self.shrink = options.shrink
        self.standardise, self.channels = options.standardise, shape[0]
        places = range(len(options.widths))
        self.lowest = options.level(places[-1])
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(lower, upper, 2, 2) for lower, upper in pairwise(reversed(options.widths))
        )
        self.levels = nn.ModuleList(options.level(place) for place in reversed(places[:-1]))
        last = convolution(options.widths[0], (shape[0] + marks) * self.reduce**2)
        if self.residual:
            nn.init.zeros_(last.weight)  # nothing is added to the image at the start
        self.last = nn.Sequential(ACTIVATIONS[options.activation](), last)
        self.output = ACTIVATIONS[options.output]()

    def forward(self, values: Tensor, skips: tuple[Tensor, ...] = (), size: tuple[int, ...] = ()) -> Tensor:
        image, levels = (skips[0], skips[2:]) if self.residual else (None, skips)
        maps = self.lowest(values)
        for enlarge, level, skip in zip(self.enlarge, self.levels, reversed(levels), strict=True):
            maps = level(enlarge(maps) + skip)
        change = F.pixel_shuffle(self.last(maps), self.reduce)
        if self.shrink > 1:
            change = F.interpolate(change, scale_factor=self.shrink, mode="bilinear", align_corners=False)
        change = crop(change, size or self.size)
        if image is None:
            return self.output(change)
        change, marks = change[:, : self.channels], change[:, self.channels :]
        change = change * skips[1] if self.standardise else change
        return torch.cat((self.output(image + change), marks), 1) if marks.shape[1] else self.output(image + change)


def standardised(image: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Every image of (n, c, h, w) less its own mean, over its own spread, and that spread (n, 1, 1, 1), never 0.

    Both are those of the pixels where `inside` (n, 1, h, w) is 1; what lies farther than `FARTHEST` spreads is cut off.
    """
    count = _total(inside) * image.shape[1]
    level = _total(image * inside) / count
    spread = (_total(((image - level) * inside).square()) / count).sqrt() + EVEN
    return ((image - level) / spread).clamp(-FARTHEST, FARTHEST), spread


def _total(maps: Tensor) -> Tensor:
    """The sum of all that (n, c, h, w) has of each image, (n, 1, 1, 1).

    Row by row: a runtime that adds one number after the other loses digits in a sum of a hundred thousand.
    """
    return maps.sum(3, keepdim=True).sum(2, keepdim=True).sum(1, keepdim=True)
