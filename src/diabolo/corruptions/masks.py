"""Masks: pixels are hidden under a fixed fill, in all channels, and the mask says which."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from diabolo.corruptions.draws import FULL_SCALE, Corrupted, between, chosen, need_images, per_image, uniform
from diabolo.options import option, part


@part
class MissingPixels:
    """Hide single pixels, each with the chance `share`; on vectors, single values."""

    share: tuple[float, ...] = option(
        (0.5,), "share of the pixels hidden: one value or low,high", unit="share", at_least=0, at_most=1
    )
    fill: float = option(0.0, "value of the hidden pixels", unit="8-bit units", at_least=0, at_most=255)
    chance: float = option(1.0, "share of the images that it hides pixels of", at_least=0, at_most=1)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        share = per_image("missing-pixels.share", self.share, image, generator)
        shape = (len(image), 1, *image.shape[2:]) if image.dim() == 4 else tuple(image.shape)
        return _hide(image, uniform(shape, image, generator) < share, self, generator)


@part
class Boxes:
    """Hide boxes that lie inside the image; height, width and place of each are drawn for itself."""

    count: tuple[int, ...] = option((1,), "boxes: one value or low,high", at_least=0, at_most=1000)
    side: tuple[float, ...] = option(
        (0.2, 0.4), "sides of a box: one value or low,high", unit="share of the image's side", above=0, at_most=1
    )
    fill: float = option(0.0, "value of the hidden pixels", unit="8-bit units", at_least=0, at_most=255)
    chance: float = option(1.0, "share of the images that it hides pixels of", at_least=0, at_most=1)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        need_images(self, image)
        count = per_image("boxes.count", self.count, image, generator)[:, 0]
        drawn = torch.arange(max(self.count), device=image.device)[None, :, None] < count  # (n, boxes, 1)
        rows = self._spans(image.shape[2], image, generator) & drawn
        columns = self._spans(image.shape[3], image, generator)
        covers = torch.einsum("nbh,nbw->nhw", rows.float(), columns.float())  # how many boxes lie on a pixel
        return _hide(image, covers[:, None] > 0, self, generator)

    def _spans(self, size: int, image: Tensor, generator: torch.Generator) -> Tensor:
        """Which pixels of a line of `size` pixels each box covers: (n, boxes, size)."""
        shape = (len(image), max(self.count), 1)
        length = (between("boxes.side", self.side, shape, image, generator) * size).round().clamp(min=1)
        start = (uniform(shape, image, generator) * (size - length + 1)).floor()
        place = torch.arange(size, device=image.device)
        return (place >= start) & (place < start + length)


@part
class Strokes:
    """Hide free-form strokes of a round brush: chains of straight pieces that turn at random (Yu et al. 2019, 4.1).

    A pixel is hidden if its centre is within half the width of a piece. The width is drawn once for each stroke;
    a piece is at most a quarter of the image's longer side and turns by up to a right angle from the one before.
    """

    count: tuple[int, ...] = option((1, 4), "strokes: one value or low,high", at_least=0, at_most=1000)
    width: tuple[float, ...] = option(
        (2.0, 5.0), "width of the brush: one value or low,high", unit="pixels", above=0, at_most=1000
    )
    pieces: int = option(6, "straight pieces in one stroke", at_least=1, at_most=100)
    fill: float = option(0.0, "value of the hidden pixels", unit="8-bit units", at_least=0, at_most=255)
    chance: float = option(1.0, "share of the images that it hides pixels of", at_least=0, at_most=1)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        need_images(self, image)
        n, _, h, w = image.shape
        most = max(self.count)
        count = per_image("strokes.count", self.count, image, generator).flatten(1)  # (n, 1)
        width = between("strokes.width", self.width, (n, most), image, generator)
        reach = torch.where(torch.arange(most, device=image.device) < count, (width / 2) ** 2, -1.0)
        corners = self._corners(most, image, generator)
        missing = torch.zeros(n, h, w, dtype=torch.bool, device=image.device)
        for stroke in range(most):
            for piece in range(self.pieces):
                start, end = corners[:, stroke, piece], corners[:, stroke, piece + 1]
                missing |= _squared_distance(start, end, h, w) <= reach[:, stroke, None, None]
        return _hide(image, missing[:, None], self, generator)

    def _corners(self, strokes: int, image: Tensor, generator: torch.Generator) -> Tensor:
        """Where the strokes begin, turn and end, in pixels from the top left: (n, strokes, pieces + 1, 2)."""
        size = torch.tensor(image.shape[2:], device=image.device)
        shape = (len(image), strokes, self.pieces)
        turns = (uniform(shape, image, generator) - 0.5) * math.pi
        turns[..., 0] *= 2  # the first heading is any direction
        heading = turns.cumsum(-1)
        length = uniform(shape, image, generator) * size.max() / 4
        steps = torch.stack((heading.sin(), heading.cos()), -1) * length[..., None]
        start = uniform((len(image), strokes, 1, 2), image, generator) * size
        corners = torch.cat((start, start + steps.cumsum(2)), 2).remainder(2 * size)
        return torch.minimum(corners, 2 * size - corners)  # a stroke that leaves the image is thrown back


def _squared_distance(start: Tensor, end: Tensor, h: int, w: int) -> Tensor:
    """Squared distance (n, h, w) of the pixels' centres to the piece from `start` to `end`, (n, 2) as row, column."""
    length = (end - start).norm(dim=1, keepdim=True)
    down, right = ((end - start) / length.clamp(min=1e-9)).unbind(1)
    rows = torch.arange(h, device=start.device) + 0.5 - start[:, :1]  # (n, h)
    columns = torch.arange(w, device=start.device) + 0.5 - start[:, 1:]
    along = (down[:, None] * rows)[:, :, None] + (right[:, None] * columns)[:, None]
    across = (right[:, None] * rows)[:, :, None] - (down[:, None] * columns)[:, None]
    beyond = along - along.clamp(min=0).minimum(length[:, :, None])
    return across.square_().addcmul_(beyond, beyond)


def _hide(image: Tensor, missing: Tensor, mask: Any, generator: torch.Generator) -> Corrupted:
    missing = missing & chosen(mask.chance, image, generator)
    return Corrupted(image.masked_fill(missing, mask.fill / FULL_SCALE), missing.to(image.dtype))
