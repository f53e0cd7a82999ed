"""How sure a restoration is: the intervals are those of a closed form, and hold what they promise on fresh pictures."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from diabolo.calibration import ErrorBounds, _table, conformal_quantile
from diabolo.errors import Mistake

NORMAL = 1.6449  # 90 % of a normal distribution lie within so many standard deviations
PLAIN = {"coverage": 0.9, "change_edges": [0.1, 1.0], "activity_edges": [0.2], "table": [[0, 1], [2, 3], [4, 5]]}


def pictures(seed, spreads, shape=(2, 96, 128)):
    """(before, restored, truth): errors of the spread of each picture, which is a tenth of what was changed."""
    generator = np.random.default_rng(seed)
    restored = [np.full(shape, 0.5) for _ in spreads]
    truth = [r + generator.normal(0, spread, shape) for r, spread in zip(restored, spreads, strict=True)]
    before = [r + 10 * spread for r, spread in zip(restored, spreads, strict=True)]
    return before, restored, truth


def covered(bounds, before, restored, truth, missing=None):
    width = bounds.map(before, restored, missing)
    return np.abs(restored - truth) <= width


def test_errors_of_one_spread():
    bounds = ErrorBounds.learn(*pictures(0, [0.02] * 4))
    width = bounds.map(*(kind[0] for kind in pictures(1, [0.02])[:2]))
    assert width.shape == (2, 96, 128)
    assert width.dtype == np.float32
    np.testing.assert_allclose(width, NORMAL * 0.02, rtol=0.03)


@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
def test_the_spread_is_told_by_the_change_and_fresh_pictures_are_covered(coverage):
    spreads = np.linspace(0.005, 0.05, 12)
    bounds = ErrorBounds.learn(*pictures(0, spreads), coverage=coverage)
    wide = {0.5: 0.6745, 0.9: NORMAL, 0.99: 2.5758}[coverage]
    for before, restored, truth in zip(*pictures(1, spreads), strict=True):
        spread = (before - restored).mean() / 10
        np.testing.assert_allclose(bounds.map(before, restored), wide * spread, rtol=0.08)
        assert covered(bounds, before, restored, truth).mean() == pytest.approx(coverage, abs=0.02)


def test_the_spread_is_told_by_the_activity():
    """Left half flat, right half busy and five times as wrong; nothing changed."""
    generator = np.random.default_rng(0)
    spread = np.where(np.arange(200) < 100, 0.01, 0.05)
    restored = [0.5 + (spread > 0.02) * generator.normal(0, 0.1, (1, 150, 200)) for _ in range(4)]
    truth = [r + generator.normal(0, 1, r.shape) * spread for r in restored]
    width = ErrorBounds.learn(restored[:3], restored[:3], truth[:3]).map(restored[3], restored[3])
    np.testing.assert_allclose(np.median(width[..., :94]), NORMAL * 0.01, rtol=0.05)
    np.testing.assert_allclose(np.median(width[..., 106:]), NORMAL * 0.05, rtol=0.05)


def test_the_spread_is_told_by_the_depth_in_a_hole_whatever_stands_there():
    """Errors that grow by 0.004 a pixel into a hole; seen pixels come back as they were."""
    hole = np.zeros((120, 120))
    hole[30:90, 30:90] = 1
    depth = np.where(hole == 1, np.minimum.reduce([*np.indices(hole.shape), *(119 - np.indices(hole.shape))]) - 29, 0)
    generator = np.random.default_rng(0)
    restored = [np.full((1, 120, 120), 0.5)] * 10
    truth = [r + generator.normal(0, 1, r.shape) * 0.004 * depth for r in restored]
    before = [np.where(hole == 1, math.nan, t) for t in truth]
    bounds = ErrorBounds.learn(before[:5], restored[:5], truth[:5], [hole] * 5)
    width = bounds.map(before[5], restored[5], hole)[0]
    assert np.isfinite(width).all()
    assert width[hole == 0].max() < 1e-6
    for place in (10, 20, 30):
        np.testing.assert_allclose(width[60, 29 + place], NORMAL * 0.004 * place, rtol=0.2)
    fresh = [
        covered(bounds, *each, hole)[:, hole == 1] for each in zip(before[5:], restored[5:], truth[5:], strict=True)
    ]
    assert np.mean(fresh) == pytest.approx(0.9, abs=0.02)


def test_colours_have_their_own_widths():
    generator = np.random.default_rng(0)
    busy = np.array([0.01, 0.2])[:, None, None] * generator.normal(size=(2, 150, 200))
    truth = busy + np.array([0.01, 0.03])[:, None, None] * generator.normal(size=(2, 150, 200))
    width = ErrorBounds.learn([busy], [busy], [truth]).map(busy, busy)
    np.testing.assert_allclose(width.mean((1, 2)), [NORMAL * 0.01, NORMAL * 0.03], rtol=0.05)


def test_the_conformal_quantile_is_a_rank():
    errors = np.random.default_rng(0).permutation(np.arange(1.0, 20))
    assert conformal_quantile(errors, 0.9) == 18  # ceil(20 * 0.9)
    assert conformal_quantile(errors, 0.91) == 19
    assert conformal_quantile(errors, 0.99) == 19  # 19 errors cannot promise it: the largest
    assert conformal_quantile(errors[:1], 0.1) == errors[0]


def test_a_cell_of_few_errors_borrows_from_its_neighbours():
    cells, errors = np.array([0] * 1000 + [1] + [2] * 1000), np.array([1.0] * 1000 + [100] + [2] * 1000)
    assert _table(cells, errors, (1, 3), 0.9).tolist() == [[1, 2, 2]]


def test_beside_a_hole_only_seen_pixels_tell_the_change_and_without_any_all_is_deep():
    bounds = ErrorBounds.from_plain(PLAIN | {"change_edges": [0.1, 40.0]})
    restored, hole = np.full((1, 30, 30), 0.5), np.zeros((30, 30))
    hole[:, 10:20] = 1
    assert (bounds.map(restored + 0.15, restored, hole) == 2).all()
    assert (bounds.map(restored, restored, np.ones((30, 30))) == 4).all()


def test_large_sets_are_thinned_evenly(monkeypatch):
    monkeypatch.setattr("diabolo.calibration.MOST", 20_000)
    bounds = ErrorBounds.learn(*pictures(0, [0.02, 0.03, 0.04]))
    width = [bounds.map(*each).mean() for each in zip(*pictures(1, [0.02, 0.03, 0.04])[:2], strict=True)]
    np.testing.assert_allclose(width, NORMAL * np.array([0.02, 0.03, 0.04]), rtol=0.08)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 40), (1, 5, 2)])
def test_tiny_pictures_and_full_and_empty_masks(shape):
    zeros, half = np.zeros(shape), np.full(shape, 0.5)
    for mask in (None, np.zeros(shape[1:]), np.ones(shape[1:])):
        masks = None if mask is None else [mask]
        bounds = ErrorBounds.learn([zeros], [half], [zeros], masks)
        np.testing.assert_array_equal(bounds.map(zeros, half, mask), half.astype(np.float32))


def test_plain_data_and_back():
    bounds = ErrorBounds.learn(*pictures(0, [0.01, 0.03]))
    again = ErrorBounds.from_plain(json.loads(json.dumps(bounds.to_plain())))
    assert again == bounds
    assert ErrorBounds.from_plain(PLAIN).to_plain() == PLAIN


def test_a_value_on_an_edge_belongs_above_it():
    bounds = ErrorBounds.from_plain(PLAIN)
    restored = np.full((1, 9, 9), 0.5)
    assert (bounds.map(restored + 0.05, restored) == 0).all()
    assert (bounds.map(restored + 5, restored) == 2).all()  # however much is changed, it is no missing pixel
    hole = np.zeros((9, 9))
    hole[4, 4] = 1
    assert bounds.map(restored, restored, hole)[0, 4, 4] == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"coverage": 0},
        {"coverage": 1.0},
        {"coverage": math.nan},
        {"coverage": "0.9"},
        {"change_edges": [1.0, 0.1]},
        {"change_edges": [0.1, 0.1]},
        {"change_edges": [0.1, math.nan]},
        {"change_edges": "ab"},
        {"activity_edges": [0.1, 0.2]},
        {"activity_edges": [10**400]},
        {"table": [[0, 1], [2, 3]]},
        {"table": [[0, 1], [2, 3], [4]]},
        {"table": [[0, 1], [2, 3], [4, math.inf]]},
        {"table": [[0, 1], [2, 3], [4, -1]]},
        {"table": [[0, 1], [2, 3], [4, True]]},
        {"table": None},
        {"more": 1},
    ],
)
def test_unsound_plain_data_is_refused(wrong):
    with pytest.raises(Mistake):
        ErrorBounds.from_plain(PLAIN | wrong)


@pytest.mark.parametrize("plain", [None, [], "bounds", {}, {"coverage": 0.9}])
def test_what_is_no_description_is_refused(plain):
    with pytest.raises(Mistake, match="not a description"):
        ErrorBounds.from_plain(plain)


def test_pictures_that_do_not_fit_are_refused():
    before, restored, truth = pictures(0, [0.1, 0.1])
    with pytest.raises(Mistake, match="got 2, 2, 1, 2"):
        ErrorBounds.learn(before, restored, truth[:1])
    with pytest.raises(Mistake, match="1 or more"):
        ErrorBounds.learn([], [], [])
    with pytest.raises(Mistake, match="its truth"):
        ErrorBounds.learn(before, restored, [t[..., 1:] for t in truth])
    with pytest.raises(Mistake, match="before and after"):
        ErrorBounds.learn([b[:1] for b in before], restored, truth)
    with pytest.raises(Mistake, match="mask"):
        ErrorBounds.learn(before, restored, truth, [np.zeros((3, 3))] * 2)
    with pytest.raises(Mistake, match="share"):
        ErrorBounds.learn(before, restored, truth, coverage=90)
