"""Players: what the loop trains. Each is a set of parameters and a loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from diabolo.corruptions import Corrupted, corrupt, hint
from diabolo.errors import Mistake
from diabolo.network import Network, Output
from diabolo.objectives import Companion, Step, importance_weighted
from diabolo.options import numbered
from diabolo.recipe import Recipe, Training
from diabolo.training.muon import Muon

# How fast Adam forgets: alone, its own default; in a game sooner, the first number as in Radford 2016 (DCGAN).
STEADY, RESTLESS = (0.9, 0.999), (0.5, 0.99)
Loss = Callable[..., dict[str, Tensor]]


class Player:
    """A module, the loss it lessens, and the optimiser's memory.

    `loss(images, targets, generator, share, beside)` gives named terms, each `(batch,)` in nats per image; the player
    minimises their sum. The targets are the images themselves, but where pairs are learned; of the weight of the code's
    penalty this `share` counts; `beside` (batch, d) is what is known beside the images, where a term is about that.
    `pace` multiplies the run's learning rate; who plays `against` another must not be carried on by old gradients.
    """

    def __init__(
        self, name: str, module: nn.Module, loss: Loss, training: Training, against: bool = False, pace: float = 1.0
    ) -> None:
        self.name, self.module, self.loss, self.training, self.pace = name, module, loss, training, pace
        self.against = against
        self.parameters = dict(module.named_parameters())
        self.optimizer = _optimizer(module, training, RESTLESS if against else STEADY)
        self.average = {n: p.detach().clone() for n, p in self.parameters.items()} if training.ema else {}

    def step(self, total: Tensor, learning_rate: float, steps_done: int) -> bool:
        """Descend one step along the gradient of `total`; False, and no step, if the gradient is not finite."""
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norm = nn.utils.get_total_norm([p.grad for p in self.parameters.values() if p.grad is not None])
        length = norm.item()
        if not math.isfinite(length):
            return False
        if 0 < self.training.clip < length:  # seldom; a product with 1 would pass over all gradients once more
            nn.utils.clip_grads_with_norm_(self.parameters.values(), self.training.clip, norm)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate * self.pace
        self.optimizer.step()
        if self.average:  # young averages follow faster, so that the first weights are soon forgotten
            decay = min(self.training.ema, (1 + steps_done) / (10 + steps_done))
            weights = [p.detach() for p in self.parameters.values()]
            torch._foreach_lerp_(list(self.average.values()), weights, 1 - decay)
        return True

    def swap_average(self) -> None:
        """Exchange the weights with their average, where one is kept."""
        for name, average in self.average.items():
            weight = self.parameters[name].data
            held = weight.clone()
            weight.copy_(average)
            average.copy_(held)


def _optimizer(module: nn.Module, training: Training, betas: tuple[float, float]) -> torch.optim.Optimizer:
    if training.optimizer == "muon":
        if training.shard:
            raise Mistake("muon needs whole matrices, which split weights are not", remedy="--optimizer adamw")
        return Muon(module.parameters(), training.learning_rate, training.weight_decay)
    kind = torch.optim.AdamW if training.optimizer == "adamw" else torch.optim.Adam
    # One fused kernel a step; not for split weights.
    fused = not training.shard
    rate, decay = training.learning_rate, training.weight_decay
    return kind(module.parameters(), rate, betas=betas, weight_decay=decay, fused=fused)


def autoencoder(network: Network, module: nn.Module, recipe: Recipe, others: Sequence[Player] = ()) -> Player:
    """The player every recipe has: distortion + beta * penalty + what the others find.

    `module` is the network as the processes share it, `others` the `companions` of `recipe.terms`, in their order.
    """

    copies = max((getattr(corruption, "copies", 1) for corruption in recipe.corruption), default=1)
    draws = getattr(recipe.latent, "draws", 1)
    accompanied = _accompanied(recipe)
    alone = {name: term for name, term in numbered(recipe.terms).items() if name not in accompanied}

    def loss(
        images: Tensor, targets: Tensor, generator: torch.Generator, share: float = 1.0, beside: Tensor | None = None
    ) -> dict[str, Tensor]:
        if copies > 1:
            images, targets = (torch.cat([batch] * copies) for batch in (images, targets))
            beside = None if beside is None else torch.cat([beside] * copies)
        corrupted, targets = _corrupted(recipe, images, targets, generator)
        drawn: Output = module(corrupted.image, generator, hint(recipe.hint, corrupted), draws)
        target = network.seen(targets if corrupted.target is None else corrupted.target)
        outputs = drawn.by_draw(draws)
        costs = [_costs(recipe, output, corrupted, target, recipe.beta * share) for output in outputs]
        output, (distortion, penalty) = outputs[0], costs[0]
        if draws > 1:
            distortion, penalty = importance_weighted(*(torch.stack(kind) for kind in zip(*costs, strict=True)))
        terms = {"distortion": distortion, "penalty": penalty}
        if not recipe.terms:
            return terms
        step = _step(recipe, output, corrupted, target, beside)
        terms |= {name: term.cost(step, generator) for name, term in alone.items()}
        for term, other in zip(accompanied.values(), others, strict=True) if torch.is_grad_enabled() else ():
            other.module.requires_grad_(False)
            terms[other.name] = term.price(other.module, step)
        return terms

    return Player("autoencoder", network, loss, recipe.training, against=any(other.against for other in others))


def _corrupted(recipe: Recipe, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Corrupted, Tensor]:
    """What the corruptions make of images, and the targets; both without the NaN that stand beyond pictures' edges."""
    if not recipe.training.margin:
        return corrupt(images, recipe.corruption, generator), targets
    inside = (~images[:, :1].isnan()).to(images.dtype)
    images, targets = images.nan_to_num(nan=0.0), targets.nan_to_num(nan=0.0)
    return corrupt(images, recipe.corruption, generator, inside), targets


def _costs(recipe: Recipe, output: Output, corrupted: Corrupted, target: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """The distortion (n,) and beta times the penalty (n,) of one draw of each image's code."""
    parameters = output.parameters
    if corrupted.counted is not None:  # elsewhere nothing is wrong, whatever comes out
        parameters = torch.where(corrupted.counted > 0, parameters, target.to(parameters.dtype))
    distortion = recipe.likelihood.distortion(parameters, target)
    if output.weight is not None:
        distortion = distortion * output.weight
    return distortion, beta * output.penalty


def companions(
    network: Network, recipe: Recipe, share: Callable[[nn.Module], nn.Module], device: Any, beside: int = 0
) -> list[Player]:
    """The player of each term that has one; it sees what the network makes, which learns nothing by that."""
    return [
        _companion(name, term, network, recipe, share, device, beside) for name, term in _accompanied(recipe).items()
    ]


def _accompanied(recipe: Recipe) -> dict[str, Companion]:
    """The terms that bring a player of their own, by name."""
    return {name: term for name, term in numbered(recipe.terms).items() if hasattr(term, "lesson")}


def _companion(
    name: str, term: Companion, network: Network, recipe: Recipe, share: Any, device: Any, beside: int
) -> Player:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(recipe.training.seed + 1)
        companion = term.build(network.shape, tuple(network.latent.code), beside).to(device)
    module = share(companion)

    def loss(
        images: Tensor, targets: Tensor, generator: torch.Generator, share: float = 1.0, beside: Tensor | None = None
    ) -> dict[str, Tensor]:
        corrupted, targets = _corrupted(recipe, images, targets, generator)
        told = hint(recipe.hint, corrupted)
        with torch.no_grad():
            if term.needs == "images":
                step = _step(recipe, network(corrupted.image, generator, told), corrupted, targets, beside)
            else:
                codes = network.encode(corrupted.image, generator, told)
                step = Step(targets, targets[:0], None, codes, beside=beside)
        companion.requires_grad_(True)
        return {"lesson": term.lesson(module, step, generator)}

    return Player(name, companion, loss, recipe.training, against=term.against, pace=term.pace)


def _step(recipe: Recipe, output: Output, corrupted: Corrupted, target: Tensor, beside: Tensor | None) -> Step:
    made = recipe.likelihood.mean(output.parameters)
    return Step(target, made, corrupted.missing, output.values, output.marks, corrupted.inside, beside)
