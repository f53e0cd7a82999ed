"""Priors of few codes: what is drawn from them is new."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from diabolo.architectures import Flat
from diabolo.events import Event, Note
from diabolo.latents import Plain, Variational
from diabolo.objectives import Gaussian
from diabolo.priors import PRIORS, Flow, FlowMatching, MaskedFlowMatching
from diabolo.recipe import Recipe, Training
from diabolo.sampler import Sampler
from diabolo.sources import open_source
from diabolo.training import fit, prior, prior_steps
from diabolo.training.prior_steps import FEWEST, OFTEN, Codes, learn, split

NUMBERS = 24
PARTS = {
    "flow-matching": FlowMatching(width=128, depth=2, steps=1200),
    "flow": Flow(width=64, depth=4, steps=1200),
    "masked-flow-matching": MaskedFlowMatching(width=128, depth=2, steps=1200),
}


def codes_of(count: int, seed: int) -> Codes:
    values = torch.randn(count, NUMBERS, generator=torch.Generator().manual_seed(seed))
    return Codes(values, torch.zeros(count, 0, dtype=torch.long))


def drawn(part: Any, codes: Codes) -> tuple[torch.Tensor, list[str]]:
    heard: list[Event] = []
    torch.manual_seed(0)
    sampler = Sampler([part], 0, (NUMBERS,))
    learn(sampler, codes, Training(), heard.append)
    with torch.no_grad():
        samples = sampler.eval().sample(codes.conditions[:1].expand(200, -1), torch.Generator().manual_seed(1))
    return samples, [event.text for event in heard if isinstance(event, Note)]


def nearest(rows: torch.Tensor, others: torch.Tensor) -> float:
    return float(torch.cdist(rows, others).min(1).values.median())


def test_every_prior_that_descends_on_numbers_is_tested_here() -> None:
    able = {name for name, cls in PRIORS.parts.items() if hasattr(cls(), "steps") and not cls.discrete}
    assert able == set(PARTS)


@pytest.mark.parametrize("name", PARTS)
def test_few_codes_are_not_learned_by_heart(name: str) -> None:
    codes, others = codes_of(80, 0), codes_of(200, 2)
    samples, notes = drawn(PARTS[name], codes)
    assert any("by heart" in note for note in notes)
    assert nearest(samples, codes.values) > 0.8 * nearest(others.values, codes.values)
    assert 0.4 < float(samples.std()) < 1.3


def test_without_that_they_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prior_steps, "OFTEN", float("inf"))
    codes, others = codes_of(80, 0), codes_of(200, 2)
    samples, notes = drawn(PARTS["flow-matching"], codes)
    assert not notes
    assert nearest(samples, codes.values) < 0.5 * nearest(others.values, codes.values)


@pytest.mark.parametrize(("count", "held"), [(1000, 100), (100, FEWEST), (40, 10), (3, 0)])
def test_how_many_are_held_out(count: int, held: int) -> None:
    learned, apart = split(codes_of(count, 0), OFTEN * count + 1, seed=0)
    assert (len(learned.values), len(apart.values)) == (count - held, held)
    rows = torch.cat((learned.values, apart.values))
    assert sorted(rows[:, 0].tolist()) == sorted(codes_of(count, 0).values[:, 0].tolist())
    assert len(learned.conditions) == count - held


def test_many_codes_are_all_learned_in_their_order() -> None:
    codes = codes_of(50, 0)
    learned, apart = split(codes, OFTEN * 50, seed=0)
    assert torch.equal(learned.values, codes.values)
    assert not len(apart.values)


class Seeing:
    """A prior that notes which codes it is given to learn."""

    discrete = guided = False
    learning_rate, optimizer, ema = 1e-3, "adam", 0.0

    def __init__(self, steps: int, batch_size: int) -> None:
        self.steps, self.batch_size, self.seen = steps, batch_size, list[torch.Tensor]()

    def build(self, space: Any) -> torch.nn.Module:
        return SeeingPrior(self)


class SeeingPrior(torch.nn.Module):
    def __init__(self, options: Seeing) -> None:
        super().__init__()
        self.options, self.layer = options, torch.nn.Linear(NUMBERS, 1)

    def learn(self, codes: torch.Tensor, conditions: torch.Tensor, generator: torch.Generator) -> None:
        pass

    def loss(self, codes: torch.Tensor, conditions: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if self.training:
            self.options.seen.append(codes)
        products: torch.Tensor = self.layer(codes)
        return products.square().sum(1)


@pytest.mark.parametrize(("steps", "often"), [(20, False), (300, True)])
def test_codes_that_were_drawn_are_drawn_anew_where_they_are_learned_often(steps: int, often: bool) -> None:
    one = codes_of(60, 0)
    means, deviations = one.values, torch.full_like(one.values, 0.1)
    codes = one._replace(means=means, deviations=deviations)
    part = Seeing(steps, 60)
    learn(Sampler([part], 0, (NUMBERS,)), codes, Training(), lambda event: None)
    learned = torch.cat(part.seen)
    assert bool(torch.isin(learned, one.values).all()) != often
    away = (learned - means[torch.cdist(learned, means).argmin(1)]) / 0.1
    assert float(away.std()) == pytest.approx(1.0 if often else 0.0, abs=0.05)


def test_a_latent_that_draws_tells_how(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Codes] = []
    monkeypatch.setattr(prior, "learn", lambda sampler, codes, *rest, **more: heard.append(codes))
    images = np.random.default_rng(0).random((40, 6, 6)).astype(np.float32)
    for latent in (Variational(3), Plain(3)):
        recipe = Recipe(Flat(1, 8), latent, Gaussian(), priors="normal", training=Training(epochs=1, batch_size=8))
        fit(open_source(images), recipe)
    drawn, plain = heard
    assert plain.means is None
    assert drawn.means is not None
    assert drawn.deviations is not None
    assert bool((drawn.deviations > 0).all())
    away = (drawn.values - drawn.means) / drawn.deviations
    assert float(away.std()) == pytest.approx(1, abs=0.3)
