"""Ways from one image to others: through the noise that codes come from, where the prior knows it."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from diabolo.model import Model
from diabolo.tasks.generate.drawing import Wish, decoded, drawn_codes


def between(wish: Wish, ends: Tensor) -> np.ndarray:
    """As many images as are wished for on the way from one code to another, both (2, *code) included.

    The noise that a code comes from is another one in every class: where the classes asked for are several, the way
    goes straight from code to code.
    """
    ways = Ways(wish.model, wish.rows if len(wish.rows) == 1 else None)
    start, end = ways.to_noise(ends)
    shares = torch.linspace(0, 1, wish.count, device=start.device)[:, None]
    noise = slerp(start, end, shares) if ways.known else start + shares * (end - start)
    return decoded(wish.model, ways.from_noise(noise))


def near(wish: Wish, code: Tensor, strength: float) -> np.ndarray:
    """As many images as are wished for near a code (1, *code), each of a class that was asked for, as these come."""
    rows = wish.conditions(0, wish.count)
    ways, generator = Ways(wish.model, rows), torch.Generator(wish.model.device).manual_seed(wish.seed)
    noise = ways.to_noise(code.expand(wish.count, *code.shape[1:]))
    if not ways.known:
        other = drawn_codes(wish.model, rows, generator, 1.0).flatten(1)
        return decoded(wish.model, ways.from_noise(noise.lerp(other, strength)))
    other = torch.randn(noise.shape, generator=generator, device=generator.device)
    return decoded(wish.model, ways.from_noise(math.sqrt(1 - strength**2) * noise + strength * other))


class Ways:
    """From codes to the noise they come from and back, where the model knows that; else codes are their own noise.

    `rows` (n, k) or (1, k) are the conditions of the images; None where there is no telling.
    """

    def __init__(self, model: Model, rows: Tensor | None) -> None:
        self.model, self.rows = model, None if rows is None else rows.to(model.device)
        self.prior = None if model.sampler is None else model.sampler.prior

    @property
    def known(self) -> bool:
        """Whether noise is standard normal: that of a prior that knows it, or the code under a latent's own prior."""
        return self.prior is None or (self.rows is not None and hasattr(self.prior, "to_noise"))

    def to_noise(self, codes: Tensor) -> Tensor:
        if self.prior is None or self.rows is None or not self.known:
            return codes.flatten(1)
        with torch.no_grad():
            noise: Tensor = self.prior.to_noise(codes, self.rows.expand(len(codes), -1))
        return noise

    def from_noise(self, noise: Tensor) -> Tensor:
        if self.prior is None or self.rows is None or not self.known:
            return noise.unflatten(1, self.model.code)
        with torch.no_grad():
            codes: Tensor = self.prior.from_noise(noise, self.rows.expand(len(noise), -1))
        return codes


def slerp(start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Places (n, d) on the great circle from `start` to `end`, whose lengths change evenly; `shares` (n, 1) in 0..1."""
    cosine = (start @ end / (start.norm() * end.norm()).clamp(min=1e-12)).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if angle.sin() < 1e-4:  # one direction, or opposite ones, between which every way is as good
        return start + shares * (end - start)
    return (((1 - shares) * angle).sin() * start + (shares * angle).sin() * end) / angle.sin()
