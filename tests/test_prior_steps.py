"""Priors of few codes: what is drawn from them is new."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from diabolo.events import Event, Note
from diabolo.priors import PRIORS, Flow, FlowMatching, MaskedFlowMatching
from diabolo.recipe import Training
from diabolo.sampler import Sampler
from diabolo.training import prior_steps
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
    assert any("pictures by heart" in note for note in notes)
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
