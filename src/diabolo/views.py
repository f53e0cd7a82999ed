"""Views: what of an image the network sees and learns to reproduce; its values, or what is made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from diabolo.errors import Mistake
from diabolo.options import Family, option, part

Shape = tuple[int, ...]
WAYS = 8  # directions of edges
FAINT = 1e-4  # of the range 0..1, a pixel: a fortieth of an 8-bit grey level
RIDGE = 1e-3  # of the mean variance, where pictures are told from views


@part
class Values:
    """The image as it is."""

    def build(self, shape: Shape) -> None:
        """Nothing is to be made."""


@part
class Gradients:
    """The principal components of where edges lie and which way, whitened: small shifts and the light change little."""

    kept: int = option(128, "principal components that are seen", at_least=1, at_most=10_000)
    lift: float = option(0.3, "share of their mean variance that is added to each before whitening", at_least=0)

    def build(self, shape: Shape) -> GradientsView:
        """The view of images (c, h, w); vectors are a `Mistake`."""
        if len(shape) != 3:
            raise Mistake("gradients are of pictures", got=f"vectors of {shape[0]} numbers", remedy="--view values")
        return GradientsView(self, shape)


VIEWS = Family("view", Values, Gradients)


class GradientsView(nn.Module):
    """Images (n, c, h, w) of one size -> (n, kept); and back, as well as a linear map can, to the likeliest image."""

    mean: Tensor  # (d,) of `orientations`
    directions: Tensor  # (d, kept), orthonormal columns
    spread: Tensor  # (kept,)
    usual: Tensor  # (c, h, w), the mean image
    drawing: Tensor  # (kept, c h w), what each number adds to it

    def __init__(self, options: Gradients, image: Shape) -> None:
        super().__init__()
        self.options, self.image = options, image
        self.places = (-(-image[1] // 2), -(-image[2] // 2))
        features = WAYS * self.places[0] * self.places[1]
        kept = min(options.kept, features)
        self.shape: Shape = (kept,)
        for name, shape in (
            ("mean", (features,)),
            ("directions", (features, kept)),
            ("spread", (kept,)),
            ("usual", image),
            ("drawing", (kept, math.prod(image))),
        ):
            self.register_buffer(name, torch.zeros(shape))

    def learn(self, told: Callable[[], Iterable[Tensor]]) -> None:
        """Learn from normal images, batch by batch: the components, and by least squares the way back."""
        count, total, products, usual = 0, torch.zeros(()), torch.zeros(()), torch.zeros(())
        for images in told():
            rows = orientations(images).double()
            count, total, products = count + len(rows), total + rows.sum(0), products + rows.T @ rows
            usual = usual + images.double().sum(0)
        mean = total / count
        values, vectors = torch.linalg.eigh(products / count - torch.outer(mean, mean))
        kept = self.shape[0]
        values, vectors = values[-kept:].clamp(min=0), vectors[:, -kept:]
        spread = (values + self.options.lift * values.mean() + 1e-12).sqrt()
        for name, value in (("mean", mean), ("directions", vectors), ("spread", spread), ("usual", usual / count)):
            getattr(self, name).copy_(value)
        inner, outer = torch.zeros(()), torch.zeros(())
        for images in told():
            seen = self(images).double()
            inner = inner + seen.T @ seen
            outer = outer + seen.T @ (images - self.usual).double().flatten(1)
        level = RIDGE * inner.diagonal().mean() + 1e-12
        self.drawing.copy_(torch.linalg.solve(inner + level * torch.eye(kept, dtype=torch.double), outer))

    def forward(self, images: Tensor) -> Tensor:
        return (orientations(images) - self.mean) @ self.directions / self.spread

    def drawn(self, seen: Tensor) -> Tensor:
        """The images (n, c, h, w) that what is seen (n, kept) is likeliest of, by least squares."""
        return self.usual + (seen @ self.drawing).unflatten(1, self.image)

    def placed(self, values: Tensor) -> Tensor:
        """Where numbers (n, kept) lie in the image: (n, h, w), whose squares sum to those of the numbers."""
        squares = (values @ self.directions.T).unflatten(1, (WAYS, *self.places)).square().sum(1)
        fine = squares.sqrt().repeat_interleave(2, 1).repeat_interleave(2, 2) / 2
        return fine[:, : self.image[1], : self.image[2]]


def orientations(images: Tensor) -> Tensor:
    """Where edges lie in (n, c, h, w), and which way: the square roots of gradients in eight directions, (n, features).

    Blurred and halved, so that a shift by a pixel changes little (histograms of oriented gradients, Dalal and Triggs
    2005, on a soft grid). Edges fainter than `FAINT` count the less the fainter they are: rounding has no direction.
    """
    grey = pad(_softened(images.mean(1, keepdim=True), 0.7), (1, 1, 1, 1), mode="replicate")
    across = (grey[:, :, 1:-1, 2:] - grey[:, :, 1:-1, :-2]) / 2
    down = (grey[:, :, 2:, 1:-1] - grey[:, :, :-2, 1:-1]) / 2
    strength = (across.square() + down.square()).clamp(min=FAINT**2).sqrt()
    angles = [k * 2 * math.pi / WAYS for k in range(WAYS)]
    along = [(across * math.cos(angle) + down * math.sin(angle)).clamp(min=0) for angle in angles]
    maps = _softened(torch.cat([way.square() / strength for way in along], 1), 1.0)
    return avg_pool2d(maps, 2, ceil_mode=True).clamp(min=0).sqrt().flatten(1)


def _softened(maps: Tensor, sigma: float) -> Tensor:
    """Each map of (n, c, h, w) convolved with a small Gaussian; beyond the border the last values go on.

    By two products with banded matrices, which for small maps are many times faster than convolutions of one channel.
    """
    return _band(maps.shape[2], sigma, maps) @ maps @ _band(maps.shape[3], sigma, maps).T


def _band(size: int, sigma: float, like: Tensor) -> Tensor:
    """The matrix (size, size) of a Gaussian of seven taps whose ends count with the last value inside."""
    steps = torch.arange(-3, 4, dtype=like.dtype, device=like.device)
    weights = torch.exp(-steps.square() / (2 * sigma**2))
    rows = torch.arange(size, device=like.device)[:, None]
    columns = (rows + torch.arange(-3, 4, device=like.device)).clamp(0, size - 1)
    there = columns[:, :, None] == torch.arange(
        size, device=like.device
    )  # no sum in an order left to chance, as by GPUs
    return (there * (weights / weights.sum())[:, None]).sum(1)
