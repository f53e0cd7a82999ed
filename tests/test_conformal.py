"""Thresholds from normal scores: exact ranks, the promise over many draws, and Benjamini-Hochberg beside scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from diabolo.conformal import benjamini_hochberg, check_alpha, fewest, p_values, threshold
from diabolo.errors import Mistake


def test_p_values_count_the_normal_scores_that_are_as_low():
    normal = np.array([1.0, 2.0, 2.0, 5.0])
    assert p_values(np.array([0.0, 1.0, 2.0, 3.0, 9.0]), normal).tolist() == [0.2, 0.4, 0.8, 0.8, 1.0]


@pytest.mark.parametrize("size", [1e-3, 1.0, 4e3])
def test_a_copy_of_normal_data_counts_it_whatever_the_last_bits_say(size):
    normal = np.float32(size) * np.array([1.0, 2.0, 2.0, 5.0], np.float32)
    seen = normal.astype(np.float64) * (1 - 3e-7)  # as another batch may have it
    assert p_values(seen, normal.astype(np.float64)).tolist() == p_values(normal, normal.astype(np.float64)).tolist()
    assert not (seen < threshold(normal.astype(np.float64), 0.2)).any()


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=60),
    st.lists(st.integers(-6, 6), min_size=1, max_size=20),
    st.floats(0.001, 0.99),
)
def test_the_threshold_and_the_p_values_agree(normal, scores, alpha):
    sorted_scores = np.sort(np.array(normal, float))
    if len(normal) < fewest(alpha):
        with pytest.raises(Mistake, match="too few normal pictures"):
            threshold(sorted_scores, alpha)
        return
    below = np.array(scores) < threshold(sorted_scores, alpha)
    assert (below == (p_values(np.array(scores, float), sorted_scores) <= alpha + 1e-9)).all()


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1, 0.2])
def test_false_alarms_stay_below_what_was_promised(alpha):
    draw = np.random.default_rng(0)
    rates = [np.mean(draw.normal(size=500) < threshold(np.sort(draw.normal(size=150)), alpha)) for _ in range(400)]
    assert np.mean(rates) <= alpha + 2 * np.std(rates) / np.sqrt(len(rates))
    assert np.mean(rates) >= alpha - 1 / 151 - 0.005  # and not far below: the threshold would be of little use


@pytest.mark.parametrize(("alpha", "count"), [(0.01, 99), (0.05, 19), (0.1, 9), (0.2, 4), (0.001, 999), (0.5, 1)])
def test_the_fewest_normal_scores_are_told_exactly(alpha, count):
    assert fewest(alpha) == count
    check_alpha(alpha, count)
    with pytest.raises(Mistake, match="1 more normal pictures"):
        check_alpha(alpha, count - 1)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, 0.000001, float("nan"), True, "0.1"])
def test_an_alpha_that_is_no_rate_is_refused(alpha):
    with pytest.raises(Mistake, match="not a rate of false alarms"):
        check_alpha(alpha, 10**9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_discoveries_are_those_of_benjamini_and_hochberg(p, alpha):
    adjusted = false_discovery_control(np.array(p))
    near = np.abs(adjusted - alpha) < 1e-9  # equal but for rounding: either is right
    assert (benjamini_hochberg(np.array(p), alpha) == (adjusted <= alpha))[~near].all()


def test_false_discoveries_stay_below_what_was_promised():
    draw, shares = np.random.default_rng(1), []
    for _ in range(400):
        normal = np.sort(draw.normal(size=400))
        scores = np.concatenate((draw.normal(size=80), draw.normal(-4, 1, size=20)))
        found = benjamini_hochberg(p_values(scores, normal), 0.1)
        shares.append(found[:80].sum() / max(1, found.sum()))
    assert 0 < np.mean(shares) <= 0.1 + 2 * np.std(shares) / np.sqrt(len(shares))
