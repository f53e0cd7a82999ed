"""How sure a restoration is: the intervals are those of a closed form, and hold what they promise on fresh pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from diabolo.calibration import BINS, DILATIONS, FOLD, ErrorBounds
from diabolo.conformal import conformal_quantile
from diabolo.errors import Mistake

QUANTILES = {0.5: 0.6745, 0.9: 1.6449, 0.99: 2.5758}  # a normal |error| stays below, in standard deviations


def seeded(channels=1, hint="none", coverage=0.9):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ErrorBounds(channels, hint, coverage)


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def told(seed, n=8):
    """(before, restored, truth, spread): errors whose spread is a tenth of what was changed, another in each half."""
    generator = torch.Generator().manual_seed(seed)
    spread = 0.005 + 0.045 * torch.rand(n, 1, 1, 2, generator=generator).repeat_interleave(16, 3)
    restored = torch.full((n, 1, 32, 32), 0.5)
    truth = restored + spread * torch.randn(n, 1, 32, 32, generator=generator)
    return restored + 10 * spread, restored, truth, spread.expand(n, 1, 32, 32)


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_what_is_learned_is_the_quantile_and_holds_on_fresh_pictures(coverage):
    bounds = seeded(coverage=coverage)
    optimizer = torch.optim.Adam(bounds.parameters(), 3e-3)
    for step in range(150):
        loss = bounds.loss(*told(step)[:3])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        before, restored, truth, _ = told(1000, 64)
        widths = bounds.log_quantile(before, restored).exp()
        bounds.calibrate(widths.flatten().numpy(), (restored - truth).abs().flatten().numpy())
        before, restored, truth, spread = told(1001, 64)
        width = bounds(before, restored)
    inside = torch.ones(32, dtype=torch.bool)
    inside[12:20] = False  # where one half passes into the other
    assert float(((restored - truth).abs() <= width).float().mean()) == pytest.approx(coverage, abs=0.01)
    apart = (width / (QUANTILES[coverage] * spread))[..., inside]
    assert float(apart.median()) == pytest.approx(1, abs=0.08)
    assert float((apart - 1).abs().mean()) < 0.15


@pytest.mark.parametrize("coverage", QUANTILES)
def test_calibration_gives_every_bin_the_closed_form(coverage):
    """Half-widths that are half of the spread, but for the largest, which are twice as wide as it."""
    generator = np.random.default_rng(0)
    widths = np.linspace(0.01, 0.1, 240_000)
    spreads = np.where(widths < np.quantile(widths, 1 - 1 / BINS), 2 * widths, widths / 2)
    bounds = ErrorBounds(1, coverage=coverage)
    bounds.calibrate(widths, np.abs(generator.normal(0, spreads)))
    expected = np.full(BINS, 2 * QUANTILES[coverage])
    expected[-1] = QUANTILES[coverage] / 2
    np.testing.assert_allclose(bounds.factors, expected, rtol=0.05)
    np.testing.assert_allclose(bounds.middles, np.linspace(0.01, 0.1, 2 * BINS + 1)[1::2], rtol=1e-3)


def test_few_and_equal_values_are_enough_to_calibrate():
    bounds = ErrorBounds(1)
    for widths, errors in ((np.ones(1), np.zeros(1)), (np.full(50, 0.05), np.full(50, 0.1))):
        bounds.calibrate(widths, errors)
        expected = errors[0] / widths[0]
        np.testing.assert_allclose(bounds.factors, expected)
        restored = torch.full((1, 1, 8, 8), 0.5)
        np.testing.assert_allclose(bounds(restored, restored).detach(), 0.05 * expected, rtol=1e-5)


def test_the_conformal_quantile_is_a_rank():
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 20))
    assert conformal_quantile(errors, 0.9) == 18  # ceil(20 * 0.9)
    assert conformal_quantile(errors, 0.91) == 19
    assert conformal_quantile(errors, 0.99) == 19  # 19 errors cannot promise it: the largest
    assert conformal_quantile(errors[:1], 0.1) == errors[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 3), (64, 64)])
@pytest.mark.parametrize("hint", ["none", "noise-level", "missing"])
def test_every_size_has_its_widths(size, hint):
    bounds, picture = seeded(3, hint), random(2, 3, *size)
    width = bounds(picture, picture / 2)
    assert width.shape == picture.shape
    assert (width > 0).all()
    assert torch.equal(width, bounds(picture, picture / 2, torch.zeros(2, 1, *size)))


def trained_a_little(hint):
    """The last layer starts at zero: give it weights, so that what it is told matters."""
    bounds = seeded(1, hint)
    torch.nn.init.normal_(bounds.last.weight, std=0.05, generator=torch.Generator().manual_seed(0))
    return bounds


def test_what_stands_in_a_hole_does_not_matter_and_only_holes_are_learned():
    bounds, seen, restored = trained_a_little("missing"), random(1, 1, 32, 32), random(1, 1, 32, 32, seed=1)
    hole = torch.zeros(1, 1, 32, 32)
    hole[..., 8:20, 8:20] = 1
    other = torch.where(hole > 0, 9.0, seen)
    assert torch.equal(bounds(seen, restored, hole), bounds(other, restored, hole))
    assert not torch.equal(bounds(seen, restored), bounds(other, restored))
    truth = restored + 0.1
    elsewhere = torch.where(hole > 0, truth, 5.0)
    assert torch.equal(bounds.loss(seen, restored, truth, hole), bounds.loss(seen, restored, elsewhere, hole))
    assert torch.equal(bounds.loss(seen, restored, truth, torch.zeros_like(hole)), torch.zeros(()))


def test_a_value_depends_on_what_is_near():
    bounds, picture = trained_a_little("none"), random(1, 1, 64, 64)
    reach = FOLD * (2 + sum(DILATIONS))
    for away, same in ((reach + FOLD, True), (reach - FOLD, False)):
        changed = picture.clone()
        changed[..., 32 + away :] += 1
        assert torch.equal(bounds(picture, picture)[..., 31], bounds(changed, changed)[..., 31]) == same


@pytest.mark.parametrize("coverage", [0, 1.0, 90, math.nan, "0.9", True, None, [0.9]])
def test_what_is_no_share_is_refused(coverage):
    with pytest.raises(Mistake, match="no share"):
        ErrorBounds(1, coverage=coverage)
