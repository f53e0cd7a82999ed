"""What a witness is told of images, and what it says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

SEEN = ("image", "code", "features")  # what a witness can look at

LEAST = 0.01  # of the mean variance: the least that a direction counts with


class Evidence(NamedTuple):
    """n images as the network sees them, and what it makes of them, in network units."""

    image: Tensor  # (n, c, h, w) or (n, d)
    restored: Tensor  # shaped as the image
    code: Tensor  # (n, size) or (n, size, h', w')
    features: tuple[Tensor, ...]  # the encoder's, from fine to coarse: (n, c, h', w') or (n, d)
    placed: Callable[[Tensor], Tensor] | None = None  # (n, d) -> (n, h, w), where it is a view that knows this
    marks: Tensor | None = None  # (n, 1, h, w), log-odds that a pixel was corrupted, of a network that tells these


Told = Callable[[], Iterable[Evidence]]  # the evidence of many images, batch by batch, as often as it is called


class Witness(Protocol):
    """A module that learns from normal images what is normal, and then says how far an image is from it.

    `learn` fills buffers, whatever their shapes; nothing else is learned. Called with the evidence of n images it
    gives (n, h', w') where it knows places, coarser than the image or not, (n, d) for the values of a vector, or (n,)
    for the whole image: 0 or more, 0 = as normal as can be.
    """

    def learn(self, told: Told, generator: torch.Generator) -> None: ...

    def __call__(self, evidence: Evidence) -> Tensor: ...


def seen(evidence: Evidence, what: str) -> Tensor:
    """What a witness looks at, as one tensor: features of several levels are brought to the finest and stacked."""
    if what == "image":
        return evidence.image
    if what == "code":
        return evidence.code
    levels = evidence.features
    if levels[0].dim() == 2:
        return torch.cat(levels, 1)
    size = levels[0].shape[2:]
    grown = [nn.functional.interpolate(level, size, mode="bilinear", align_corners=False) for level in levels[1:]]
    return torch.cat((levels[0], *grown), 1)


def rows_of(x: Tensor) -> Tensor:
    """Vectors as they are, of maps (n, c, h, w) every place: (n h w, c)."""
    return x if x.dim() == 2 else x.movedim(1, -1).flatten(0, -2)


def placed(values: Tensor, like: Tensor) -> Tensor:
    """One value for each row that `rows_of(like)` gave, back as (n,) or (n, h, w)."""
    return values if like.dim() == 2 else values.view(like.shape[0], *like.shape[2:])


def worst(values: Tensor, share: float, squared: bool = False) -> Tensor:
    """The mean over the `share` (0..1) of each image's greatest values, at least one of them: (n, ...) -> (n,).

    `squared`: the root of the mean square instead.
    """
    if squared:
        return worst(values.square(), share).sqrt()
    flat = values.flatten(1) if values.dim() > 1 else values[:, None]
    most = torch.sym_max(1, round(share * flat.shape[1]))  # as max; a size that is left open stays so in export
    return mean_of_all(values) if most == flat.shape[1] else flat.topk(most, 1).values.mean(1)


def mean_of_all(values: Tensor) -> Tensor:
    """The mean over all places of each image, (n, ...) -> (n,): row by row.

    A runtime that adds one number after the other loses digits in a sum of a hundred thousand.
    """
    while values.dim() > 1:
        values = values.mean(-1)
    return values


class Moments:
    """Mean and covariance of rows that come batch by batch, in double precision."""

    def __init__(self) -> None:
        self.count, self.sum, self.products = 0, torch.zeros(()), torch.zeros(())

    def add(self, rows: Tensor) -> None:
        wide = rows.double()
        self.count += len(rows)
        self.sum = self.sum + wide.sum(0)
        self.products = self.products + wide.T @ wide

    def mean(self) -> Tensor:
        return self.sum / self.count

    def covariance(self, shrink: float = 0.0) -> Tensor:
        """The covariance (d, d), a share `shrink` of it moved to the diagonal's mean, so that it can be inverted.

        (Ledoit and Wolf 2004, "A well-conditioned estimator", equation 14 with a given share)
        """
        mean = self.mean()
        plain = self.products / self.count - torch.outer(mean, mean)
        level = float(plain.diagonal().mean()) or 1.0
        return (1 - shrink) * plain + shrink * level * torch.eye(len(mean), dtype=plain.dtype, device=plain.device)


def whitener(covariance: Tensor, symmetric: bool = False) -> Tensor:
    """The matrix W (d, d) for which rows times W have the identity as covariance.

    Directions with less than a hundredth of the mean variance count as if they had that: what normal images hardly ever
    do must not decide alone. `symmetric` W changes rows as little as can be.
    """
    values, vectors = torch.linalg.eigh(covariance)
    scaled = vectors / values.clamp(min=float(values.mean().clamp(min=0)) * LEAST + 1e-12).sqrt()
    return scaled @ vectors.T if symmetric else scaled


def principal(covariance: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """At most `most` principal directions (d, k), their variances (k,), and the mean variance of the others, ()."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = min(most, len(values))
    rest = values[: len(values) - kept]
    return (
        vectors[:, -kept:],
        values[-kept:].clamp(min=0),
        rest.clamp(min=0).mean() if len(rest) else values[-kept:].mean(),
    )


def chosen_rows(told: Told, look: Callable[[Evidence], Tensor], most: int, generator: torch.Generator) -> Tensor:
    """At most `most` rows drawn evenly from all that `look` gives, in the order they came: (m, d).

    Each row has a random number of its own, and those with the least are kept: every set of rows is as probable.
    """
    kept, keys = [], []
    for evidence in told():
        rows = rows_of(look(evidence))
        drawn = torch.rand(len(rows), generator=generator)
        keep = drawn.argsort()[: min(most, len(rows))].sort().values
        kept.append(rows[keep.to(rows.device)])
        keys.append(drawn[keep])
    rows, key = torch.cat(kept), torch.cat(keys)
    order = key.argsort()[: min(most, len(rows))].sort().values
    return rows[order.to(rows.device)]


def places(shape: tuple[int, ...]) -> int:
    """How many places a witness speaks of in one image, by the shape of what it says without the batch."""
    return math.prod(shape)
