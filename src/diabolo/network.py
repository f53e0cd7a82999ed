"""The network: an architecture around a latent."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from diabolo.architectures import Features
from diabolo.errors import Mistake
from diabolo.interpolation import pull_push
from diabolo.options import name_of
from diabolo.recipe import Recipe
from diabolo.witnesses import Evidence


class Output(NamedTuple):
    """What one pass through the network gives."""

    parameters: Tensor  # (n, *shape), of the likelihood, unclipped
    values: Tensor  # (n, *code)
    penalty: Tensor  # (n,), nats, what the code costs
    weight: Tensor | None = None  # (n,), how much the distortion counts beside the penalty; None = 1
    marks: Tensor | None = None  # log-odds of being corrupted: of pixels (n, 1, h, w), or of whole images (n, 1)

    def by_draw(self, draws: int) -> list[Output]:
        """One output for each draw, of one that holds (draws * n)."""
        if draws == 1:
            return [self]
        held = (tensor.chunk(draws) for tensor in (self.parameters, self.values, self.penalty))
        return [Output(*drawn) for drawn in zip(*held, strict=True)]


class Network(nn.Module):
    """image -> view -> encoder -> latent -> decoder -> parameters of the likelihood of what is seen.

    `shape` is (c, h, w) or (d,). Weights are drawn from `seed` without touching the global random state.
    """

    def __init__(self, recipe: Recipe, shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__()
        self.shape, self.holes, self.marks = shape, recipe.hint == "missing", _marks(recipe)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.view = recipe.view.build(shape)
            self.encoder, self.decoder = _build(recipe, shape if self.view is None else self.view.shape)
            alone = self.marks and not getattr(recipe.architecture, "takes_hint", False)
            sides: Any = self.encoder.features
            self.marker = nn.Linear(math.prod(sides), 1) if alone else None
            self.latent = recipe.latent.build(self.encoder.features)

    def forward(
        self, image: Tensor, generator: torch.Generator | None = None, hint: Tensor | None = None, draws: int = 1
    ) -> Output:
        """Without a generator nothing is drawn: the same image gives the same output.

        With several `draws`, of networks without hint, skips and marks, all is of (draws * n): see `CanDraw`.

        `hint` (n, 1, h, w) is what the recipe's `hint` names; without it nothing is noisy and nothing missing. Missing
        pixels are filled in smoothly before the encoder sees them, so that it has a start to improve on, and the others
        come back as they were.
        """
        if getattr(self.latent, "needs_origin", False) and torch.is_grad_enabled():
            image = image.detach().requires_grad_()
        image, features = self._looked_at(image, hint)
        code = (
            self.latent.encode(features.values, origin=image, generator=generator)
            if draws == 1
            else self.latent.encode_draws(features.values, draws, generator)
        )
        parameters, marks = self._told(self._decoded(features, code.values), features)
        if hint is not None and self.holes:  # what is seen needs no guess, and no loss is spent on it
            parameters = torch.where(hint > 0, parameters, image.to(parameters.dtype))
        return Output(parameters, code.values, code.penalty, code.weight, marks)

    def evidence(self, image: Tensor, hint: Tensor | None = None) -> Evidence:
        """What witnesses are told of images (n, *shape): what was made of them on the way; parameters as restored."""
        image = self.seen(image)
        features = self.encoder(image) if hint is None else self.encoder(image, hint)
        code = self.latent.encode(features.values, origin=image)
        parameters, marks = self._told(self._decoded(features, code.values), features)
        placed = None if self.view is None else self.view.placed
        return Evidence(image, parameters, code.values, features.levels or (features.values,), placed, marks)

    def seen(self, image: Tensor) -> Tensor:
        """What the network sees of images (n, *shape): what it is to reproduce."""
        return image if self.view is None else self.view(image)

    def drawn(self, seen: Tensor) -> Tensor:
        """The images (n, *shape) that what is seen is likeliest of."""
        return seen if self.view is None else self.view.drawn(seen)

    def encode(self, image: Tensor, generator: torch.Generator | None = None, hint: Tensor | None = None) -> Tensor:
        """(n, *shape) to the code's values (n, *code): those that `forward` gives."""
        image, features = self._looked_at(image, hint)
        return self.latent.encode(features.values, origin=image, generator=generator).values

    def decode(self, values: Tensor, size: tuple[int, ...] = ()) -> Tensor:
        """The code's values (n, *code) to parameters (n, *shape), cropped to `size` (h, w) where it is given."""
        return self._told(self.decoder(self.latent.decode(values), (), size))[0]

    def _looked_at(self, image: Tensor, hint: Tensor | None) -> tuple[Tensor, Features]:
        """What is seen of images, holes filled in, and the features that the encoder finds there."""
        if hint is not None and self.holes:
            image = pull_push(image, hint)
        image = self.seen(image)
        return image, self.encoder(image) if hint is None else self.encoder(image, hint)

    def _decoded(self, features: Features, values: Tensor) -> Tensor:
        decoded: Tensor = self.decoder(self.latent.decode(values), features.skips, features.size)
        return decoded

    def _told(self, decoded: Tensor, features: Features | None = None) -> tuple[Tensor, Tensor | None]:
        """Parameters and marks: these in the decoder's last channel, or of whole images from the features."""
        if self.marker is not None:
            return decoded, None if features is None else self.marker(features.values.flatten(1))
        return (decoded[:, :-1], decoded[:, -1:]) if self.marks else (decoded, None)


def _marks(recipe: Recipe) -> bool:
    """Whether a term of the recipe has the decoder mark what was corrupted."""
    return any(term.needs == "marks" for term in recipe.terms)


def _build(recipe: Recipe, shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
    """The recipe's encoder and decoder: the one with room for the hint, the other for marks, if there are some."""
    built: tuple[nn.Module, nn.Module]
    hints, marks = int(recipe.hint != "none"), int(_marks(recipe))
    if not hints and not marks:
        built = recipe.architecture.build(shape)
    elif getattr(recipe.architecture, "takes_hint", False):
        built = recipe.architecture.build(shape, hints=hints, marks=marks, edges=recipe.hint == "inside")
    elif marks and recipe.architecture.spatial:
        wrong = f"{name_of(recipe.architecture)} marks whole images, of one size alone"
        raise Mistake(wrong, "the term marking", "unet, or architectures that take one size", "--architecture unet")
    elif not hints:
        built = recipe.architecture.build(shape)
    else:
        wrong = f"{name_of(recipe.architecture)} takes no hint"
        raise Mistake(wrong, got=recipe.hint, remedy="--hint none, or --architecture unet")
    return built
