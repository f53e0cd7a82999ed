"""Flaws drawn into pictures: what a detector of anomalies that nobody has seen yet is trained on.

Five kinds, each with sizes, strengths and shapes drawn from wide ranges, so that what is learned is not the look of
one flaw but what does not belong: as in CutPaste (Li et al. 2021), DRAEM (Zavrtanik et al. 2021) and NSA (Schlueter et
al. 2022), who paste, draw and blend. Nothing in them is taken from any set of real flaws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diabolo.corruptions.degradations import blurred
from diabolo.corruptions.draws import Corrupted, chosen, need_images, precise, uniform
from diabolo.options import option, part

BORDER = 0.35  # of the flaws lie at a border of the picture
AROUND = 21  # pixels: the square whose mean and spread a flaw's strength is measured by
COVERED, SEEN = 0.35, 0.15  # a pixel is marked where so much of the flaw lies, and changes it by so many spreads


@part
class Flaws:
    """Draw a flaw into pictures: a foreign or altered patch, strokes, spots, a stain, or mottling."""

    minds_edges: ClassVar[bool] = True

    chance: float = option(0.7, "share of the images that get one", at_least=0, at_most=1)
    twice: float = option(0.15, "share of these that get another", at_least=0, at_most=1)

    def __call__(self, image: Tensor, generator: torch.Generator, inside: Tensor | None = None) -> Corrupted:
        """The mask of what is missing marks the pixels that were changed visibly; flaws begin `inside`."""
        need_images(self, image)
        within = torch.ones_like(image[:, :1]) if inside is None else inside
        first, marked = _draw(precise(image), within, chosen(self.chance, image, generator), generator)
        again = chosen(self.chance * self.twice, image, generator)
        second, more = _draw(first, within, again, generator)
        marked, more = marked * within, more * within
        return Corrupted(second.to(image.dtype), torch.maximum(marked, more).to(image.dtype))


class _Place(NamedTuple):
    """n images, where a flaw is drawn into each, and what is there; sizes in pixels."""

    image: Tensor  # (n, c, h, w)
    others: Tensor  # the whole batch, for foreign texture
    down: Tensor  # (n, 1, h, w) of every pixel from the flaw's centre
    right: Tensor
    side: int  # the image's shorter side
    mean: Tensor  # (n, 1, 1, 1) of the values around the centre
    spread: Tensor
    generator: torch.Generator

    def between(self, low: float, high: float) -> Tensor:
        """One number for each image, drawn evenly: (n, 1, 1, 1)."""
        drawn = uniform((len(self.image), 1, 1, 1), self.image, self.generator)
        return low + drawn * (high - low)

    def around(self, low: float, high: float) -> Tensor:
        """The same, its logarithm drawn evenly: lengths are shares of the image's side, but at least a pixel."""
        return (self.between(math.log(low), math.log(high)).exp() * self.side).clamp(min=1.0)

    def often(self, chance: float) -> Tensor:
        """Which images something happens to, (n, 1, 1, 1)."""
        return self.between(0, 1) < chance

    def noise(self) -> Tensor:
        """Smooth noise (n, 1, h, w) with mean 0 and spread 1: four octaves from a coarse one drawn for all."""
        size = self.image.shape[2:]
        coarse = 2 ** (1 + 3.5 * float(uniform((1,), self.image, self.generator)))
        total = torch.zeros_like(self.image[:, :1])
        for octave in range(4):
            cells = min(round(coarse * 2**octave) + 2, max(size))
            grid = torch.randn(
                len(total), 1, cells, cells, generator=self.generator, device=total.device, dtype=total.dtype
            )
            total = total + self.between(0.35, 0.7) ** octave * interpolate(grid, size, mode="bicubic")
        spread, level = torch.std_mean(total, (2, 3), keepdim=True, correction=0)
        return (total - level) / spread.clamp(min=1e-6)

    def ellipse(self, radius: Tensor, stretch: float) -> tuple[Tensor, Tensor]:
        """Coordinates turned and stretched at random, over the radius: a point lies inside where their norm is < 1."""
        angle, way = self.between(0, math.pi), self.between(-stretch, stretch).exp()
        across = (self.down * angle.cos() - self.right * angle.sin()) * way
        along = (self.down * angle.sin() + self.right * angle.cos()) / way
        return across / radius, along / radius


def _draw(image: Tensor, inside: Tensor, hit: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images with a flaw in those that are `hit`, (n, 1, 1, 1), and which pixels it changed, (n, 1, h, w)."""
    kind = (uniform((len(image),), image, generator) * len(KINDS)).long()
    result, marked = image.clone(), torch.zeros_like(image[:, :1])
    low, high = float(image.min()), float(image.max())
    for number, draw in enumerate(KINDS):
        which = ((kind == number) & hit.flatten()).nonzero().flatten()
        if len(which):
            place = _place(image[which], inside[which], image, generator)
            cover, made = draw(place)
            new = (place.image + cover * (made - place.image)).clamp(low, high)
            changed = (new - place.image).abs().mean(1, keepdim=True) > SEEN * place.spread
            result[which], marked[which] = new, ((cover > COVERED) & changed).to(marked.dtype)
    return result, marked


def _place(image: Tensor, inside: Tensor, others: Tensor, generator: torch.Generator) -> _Place:
    n, _, h, w = image.shape
    top, height = _extent(inside.amax((1, 3)))
    first, width = _extent(inside.amax((1, 2)))
    drawn = uniform((n, 4), image, generator)
    row, column = (drawn[:, 0] * height).floor(), (drawn[:, 1] * width).floor()
    edge = (drawn[:, 2] / BORDER * 4).floor()  # 0..3 one of the four borders, more: none
    near = (drawn[:, 3] * torch.minimum(height, width).clamp(max=4)).floor()
    row = top + torch.where(edge == 0, near, torch.where(edge == 1, height - 1 - near, row))
    column = first + torch.where(edge == 2, near, torch.where(edge == 3, width - 1 - near, column))
    grey = image.mean(1, keepdim=True)
    down = torch.arange(h, device=image.device).view(1, 1, h, 1) - row.view(n, 1, 1, 1)
    right = torch.arange(w, device=image.device).view(1, 1, 1, w) - column.view(n, 1, 1, 1)
    down, right = down.expand(n, 1, h, w), right.expand(n, 1, h, w)
    near = ((down.abs() <= AROUND // 2) & (right.abs() <= AROUND // 2)).to(grey.dtype) * inside
    count = near.sum((2, 3), keepdim=True)
    local = (grey * near).sum((2, 3), keepdim=True) / count
    spread = ((grey - local).square() * near).sum((2, 3), keepdim=True).div(count).sqrt() + 1e-3
    return _Place(image, others, down, right, min(h, w), local, spread, generator)


def _extent(lines: Tensor) -> tuple[Tensor, Tensor]:
    """Of rows or columns (n, length), 1 = inside, which are one run: the first and how many there are, (n,) each."""
    return lines.argmax(1), lines.sum(1)


def _foreign(place: _Place) -> Tensor:
    """Texture from elsewhere: of the same image or of another, rolled, turned and enlarged, made to fit or not."""
    n, _, h, w = place.image.shape
    pick = (uniform((n,), place.image, place.generator) * len(place.others)).long()
    same = place.often(0.4).flatten()
    texture = torch.where(same[:, None, None, None], place.image, place.others[pick])
    shift = (uniform((2,), place.image, place.generator) * torch.tensor([h, w], device=texture.device)).long().tolist()
    texture = texture.roll(shift, (2, 3))
    turn = int(uniform((1,), texture, place.generator) * 8)
    texture = texture.flip(2) if turn >= 4 else texture
    texture = texture.rot90(turn, (2, 3)) if h == w else texture.rot90(2 * (turn % 2), (2, 3))
    if float(uniform((1,), texture, place.generator)) < 0.3:
        texture = interpolate(texture, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :h, :w]
    width, level = torch.std_mean(texture, (1, 2, 3), keepdim=True, correction=0)
    fitted = (texture - level) / width.clamp(min=1e-3) * place.spread * place.between(
        0.6, 2.5
    ) + place.mean * place.between(0.6, 1.3)
    return torch.where(place.often(0.6), fitted, texture)


def _patch(place: _Place) -> tuple[Tensor, Tensor]:
    """A region of another texture: foreign, even, blurred or noisy; an ellipse or a box with a ragged edge."""
    radius = place.around(0.024, 0.24)
    across, along = place.ellipse(radius, 0.9)
    round_one = torch.hypot(across, along)
    distance = torch.where(place.often(0.5), round_one, torch.maximum(across.abs(), along.abs()))
    inside = 1 - distance + place.noise() * place.between(0, 0.5) * place.often(0.8)
    cover = (inside * radius / place.around(0.006, 0.05) + 0.5).clamp(0, 1)
    rough = torch.randn(place.image.shape, generator=place.generator, device=cover.device, dtype=cover.dtype)
    even = place.mean * (place.between(0.2, 1.4) + place.noise() * place.between(0, 0.3))
    even = even + rough * place.spread * place.between(0, 0.7)
    soft = blurred(place.image, place.between(-0.2, 1.5).exp().flatten(), math.exp(1.5))
    noisy = place.image + torch.where(place.often(0.5), place.noise(), rough) * place.spread * place.between(0.5, 2)
    choice = place.between(0, 5)
    made = torch.where(choice < 2, _foreign(place), torch.where(choice < 3, even, soft))
    return cover * torch.where(choice < 2, place.between(0.4, 1), 1.0), torch.where(choice < 4, made, noisy)


def _strokes(place: _Place) -> tuple[Tensor, Tensor]:
    """One to three thin lines that wander off, darker or brighter than what is around."""
    n, _, h, w = place.image.shape
    steps = max(4, round(0.7 * place.side))
    turns = torch.randn(n, 3, steps, generator=place.generator, device=place.image.device)
    start = 2 * math.pi * uniform((n, 3, 1), place.image, place.generator)
    heading = start + (turns * place.between(0, 0.35)[..., 0]).cumsum(2)
    length = place.around(0.06, 0.7)[..., 0] * (0.3 + 0.7 * uniform((n, 3, 1), place.image, place.generator))
    count = 1 + place.between(0, 3).floor()[..., 0]
    number, step = (torch.arange(most, device=heading.device) for most in (3, steps))
    there = (step < length) & (number[:, None] < count)
    row = (heading.sin().cumsum(2) - place.down[:, :, :1, :1]).round().long()
    column = (heading.cos().cumsum(2) - place.right[:, :, :1, :1]).round().long()
    there = there & (row >= 0) & (row < h) & (column >= 0) & (column < w)
    at = (row.clamp(0, h - 1) * w + column.clamp(0, w - 1)).flatten(1)
    line = torch.zeros(n, h * w, device=heading.device).scatter_reduce(1, at, there.flatten(1).float(), "amax")
    cover = blurred(line.view(n, 1, h, w), place.between(-1, 0.5).exp().flatten(), math.exp(0.5))
    cover = (cover / cover.amax((2, 3), keepdim=True).clamp(min=1e-6) * 1.3).clamp(0, 1)
    change = torch.where(place.often(0.75), -place.between(0.12, 0.8), place.between(0.15, 0.8))
    return cover, place.image + change * place.mean


def _spots(place: _Place) -> tuple[Tensor, Tensor]:
    """One to four small spots with ragged edges, darker or brighter."""
    cover = torch.zeros_like(place.image[:, :1])
    count, ragged = 1 + (place.between(0, 1) ** 3 * 4).floor(), 0.25 * place.noise()
    for number in range(4):
        off = [place.between(-1, 1) * 0.1 * place.side * min(number, 1) for _ in range(2)]
        moved = place._replace(down=place.down - off[0], right=place.right - off[1])
        radius = place.around(0.01, 0.07)
        across, along = moved.ellipse(radius, 0.6)
        inside = 1 - torch.hypot(across, along) + ragged
        spot = (inside * radius / place.between(0.6, 2.5) + 0.3).clamp(0, 1) * (number < count)
        cover = torch.maximum(cover, spot)
    strength = torch.where(place.often(0.7), place.between(0.15, 0.85), -place.between(0.15, 0.9))
    even = (place.mean * (1 - strength)).clamp(min=0)
    black = (strength > 0) & place.often(0.6)
    return cover, torch.lerp(place.image, torch.where(black, torch.zeros_like(even), even), strength.abs())


def _stain(place: _Place) -> tuple[Tensor, Tensor]:
    """A large soft shade without an edge."""
    across, along = place.ellipse(place.around(0.04, 0.22), 0.6)
    cover = torch.exp(-(across.square() + along.square()) / 2) * (1 + 0.3 * place.noise()).clamp(0, 2)
    cover = cover / cover.amax((2, 3), keepdim=True).clamp(min=1e-6)
    change = torch.where(place.often(0.65), -place.between(0.12, 0.6), place.between(0.12, 0.6))
    return cover, place.image * (1 + change)


def _mottle(place: _Place) -> tuple[Tensor, Tensor]:
    """Where smooth noise is high, all over or near one place: darker, brighter, or another texture."""
    cover = ((place.noise() - place.between(1, 2.2)) * place.between(1, 6) + 0.5).clamp(0, 1)
    near = torch.hypot(place.down.float(), place.right.float()) < place.around(0.08, 0.47)
    cover = cover * (near | ~place.often(0.6))
    change = torch.where(place.often(0.6), -place.between(0.12, 0.7), place.between(0.12, 0.7))
    plain = place.often(0.6)
    made = torch.where(plain, place.image * (1 + change), _foreign(place))
    return cover * torch.where(plain, torch.ones_like(change), place.between(0.4, 1)), made


KINDS: tuple[Callable[[_Place], tuple[Tensor, Tensor]], ...] = (_patch, _strokes, _spots, _stain, _mottle)
