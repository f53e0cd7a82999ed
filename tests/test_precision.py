"""In which numbers a network and its priors compute while they learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from diabolo.recipe import Training
from diabolo.sampler import Sampler
from diabolo.training.precision import AT_HOME, computing, precision_of
from diabolo.training.prior_steps import LEAST_STEPS, MOST_TIMES, Codes, learn

CPU = torch.device("cpu")


@pytest.mark.parametrize("home", [*AT_HOME, ""])
@pytest.mark.parametrize("name", ["auto", "float32", "bfloat16"])
def test_bfloat16_only_where_it_is_wanted_and_the_processor_has_it(
    monkeypatch: pytest.MonkeyPatch, name: str, home: str
) -> None:
    monkeypatch.setattr(
        torch.cpu, "get_capabilities", lambda: {"avx2": True, home: True, AT_HOME[0]: home == AT_HOME[0]}
    )
    wanted = torch.bfloat16 if name == "bfloat16" and home else torch.float32
    assert precision_of(name, CPU) == wanted


def test_a_torch_that_cannot_be_asked_computes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert precision_of("bfloat16", CPU) == torch.float32


@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
def test_products_are_of_this_precision(wanted: torch.dtype) -> None:
    with computing(CPU, wanted):
        assert torch.nn.Linear(2, 3)(torch.zeros(1, 2)).dtype == wanted


class Counting:
    """A prior that notes what its loss was given, and the type that products had there."""

    discrete = guided = False
    steps, batch_size, learning_rate, optimizer, ema = 10 * LEAST_STEPS, 32, 1e-3, "adam", 0.0

    def __init__(self) -> None:
        self.losses: list[torch.dtype] = []

    def build(self, space: Any) -> torch.nn.Module:
        return CountingPrior(self)


class CountingPrior(torch.nn.Module):
    def __init__(self, options: Counting) -> None:
        super().__init__()
        self.options, self.layer = options, torch.nn.Linear(2, 1)

    def learn(self, codes: torch.Tensor, conditions: torch.Tensor, generator: torch.Generator) -> None:
        pass

    def loss(self, codes: torch.Tensor, conditions: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        products: torch.Tensor = self.layer(codes)
        if self.training:  # not where held-out codes are looked at
            self.options.losses.append(products.dtype)
        return products.square().sum(1)


def learned(count: int, precision: str = "float32", steps: int = 0) -> list[torch.dtype]:
    """The types of the products in each step of a prior that learned so many codes."""
    part = Counting()
    part.steps = steps or part.steps
    codes = Codes(torch.randn(count, 2, generator=torch.Generator().manual_seed(0)), torch.zeros(count, 0).long())
    learn(Sampler([part], 0, (2,), ()), codes, Training(precision=precision), lambda event: None)
    return part.losses


def test_few_codes_are_learned_in_fewer_steps() -> None:
    assert len(learned(40)) == LEAST_STEPS
    assert len(learned(400)) == MOST_TIMES * 400 // Counting.batch_size
    assert len(learned(400, steps=50)) == 50


def test_a_prior_learns_in_the_precision_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {AT_HOME[0]: True})
    assert set(learned(40, "bfloat16", steps=3)) == {torch.bfloat16}
    assert set(learned(40, "auto", steps=3)) == {torch.float32}
