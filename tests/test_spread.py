"""What is drawn is spread as what was learned, along every direction and about the mean of its own class."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor

from diabolo.priors import spread
from diabolo.priors.spread import Spread

CLASSES = torch.tensor([[-3.0, 0.0, 1.0], [3.0, 2.0, 1.0]])
SHORT = torch.tensor([0.95, 0.8, 0.6])  # of what the spread should be, along each direction
TURN = torch.linalg.qr(torch.tensor([[1.0, 2.0, 0.5], [0.3, -1.0, 1.0], [2.0, 0.1, 1.0]])).Q
WIDTHS = torch.tensor([2.0, 0.7, 0.3])


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def true(conditions: Tensor, generator: Generator, short: Tensor | float = 1.0) -> Tensor:
    noise = torch.randn(len(conditions), 3, generator=generator)
    return CLASSES[conditions[:, 0]] + noise * WIDTHS * short @ TURN


def narrow(conditions: Tensor, generator: Generator) -> Tensor:
    return true(conditions, generator, SHORT)


def conditions_of(count: int, second: int) -> Tensor:
    return (torch.arange(count) < second).long()[:, None]


def learned(conditions: Tensor) -> Spread:
    module = Spread()
    module.learn(true(conditions, seeded(1)), conditions, narrow, seeded(2))
    return module


def test_each_direction_is_stretched_by_what_it_lacks() -> None:
    conditions = conditions_of(40_000, 10_000)
    module = learned(conditions)
    torch.testing.assert_close(module.stretch, (TURN.T / SHORT) @ TURN, rtol=0, atol=0.05)
    made = module(narrow(conditions, seeded(3)), conditions)
    for label in (0, 1):
        there = conditions[:, 0] == label
        torch.testing.assert_close(made[there].mean(0), CLASSES[label], rtol=0, atol=0.05)
        wanted = (TURN.T * WIDTHS.square()) @ TURN
        torch.testing.assert_close(torch.cov(made[there].T), wanted, rtol=0, atol=0.15)


def test_what_is_stretched_comes_back() -> None:
    conditions = conditions_of(2000, 1000)
    module, rows = learned(conditions), true(conditions, seeded(4))
    assert (module(rows, conditions) - rows).abs().max() > 0.1
    torch.testing.assert_close(module.back(module(rows, conditions), conditions), rows, rtol=1e-4, atol=1e-4)


def test_classes_of_few_share_one_mean() -> None:
    conditions = conditions_of(2000, spread.FEWEST_EACH - 1)
    assert learned(conditions).means.shape == (1, 3)
    assert learned(conditions_of(2000, spread.FEWEST_EACH)).means.shape == (2, 3)


def test_a_direction_that_is_flat_stays_finite() -> None:
    conditions, flat = conditions_of(2000, 1000), torch.tensor([1.0, 1.0, 0.0])
    module = Spread()
    module.learn(true(conditions, seeded(1)) * flat, conditions, lambda c, g: narrow(c, g) * flat, seeded(2))
    assert module.stretch.isfinite().all()
    assert module.stretch.det().abs() > 0.1


@pytest.mark.parametrize("few", [True, False], ids=["few rows", "many numbers"])
def test_where_chance_would_tell_more_rows_stay_as_they_are(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    conditions = conditions_of(spread.FEWEST - 1 if few else 2000, 500)
    if not few:
        monkeypatch.setattr(spread, "WIDEST", 2)
    module, rows = learned(conditions), true(conditions, seeded(5))
    assert module(rows, conditions) is rows
    assert module.back(rows, conditions) is rows
