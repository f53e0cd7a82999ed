"""Figures of nearness are what their papers say: against closed forms, brute force, and explicit sums."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from diabolo import fidelity
from diabolo.errors import Mistake
from diabolo.fidelity import (
    Interval,
    auroc,
    auroc_interval,
    bootstrap,
    copying,
    exact_copies,
    frechet_distance,
    kernel_distance,
    membership,
    nearer_than,
    nearest,
    neighbourhoods,
    pair_errors,
    paired,
    shape_errors,
)

RANDOM = np.random.default_rng(0)
A, B = RANDOM.normal(size=(60, 3)), RANDOM.normal(size=(45, 3)) * 1.5 + 0.5


def with_moments(points: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """The points moved so that their mean and covariance are exactly these."""
    centred = points - points.mean(0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T)).T)
    return white @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_known_gaussians() -> None:
    """Covariances that commute: the distance is |m1 - m2|^2 + the sum of squared differences of standard deviations."""
    turn = np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    one, two = np.array([1.0, 4.0, 9.0]), np.array([4.0, 4.0, 0.25])
    a = with_moments(RANDOM.normal(size=(50, 3)), np.zeros(3), turn * one @ turn.T)
    b = with_moments(RANDOM.normal(size=(70, 3)), np.array([1.0, 2.0, 2.0]), turn * two @ turn.T)
    expected = 9 + np.square(np.sqrt(one) - np.sqrt(two)).sum()
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_distance_of_one_column() -> None:
    a, b = A[:, :1], B[:, :1]
    expected = (a.mean() - b.mean()) ** 2 + (a.std(ddof=1) - b.std(ddof=1)) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected)


def test_frechet_distance_bears_fewer_points_than_columns() -> None:
    wide = RANDOM.normal(size=(5, 40))
    assert frechet_distance(wide, wide) == pytest.approx(0, abs=1e-6)
    assert math.isfinite(frechet_distance(wide, wide[:3] + 1))


def test_kernel_distance_is_the_double_sum() -> None:
    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float((x @ y / 3 + 1) ** 3)

    within = [
        np.mean([kernel(points[i], points[j]) for i, j in itertools.permutations(range(len(points)), 2)])
        for points in (A, B)
    ]
    between = np.mean([kernel(x, y) for x in A for y in B])
    found = kernel_distance(A, B)
    assert found.value == pytest.approx(within[0] + within[1] - 2 * between, rel=1e-9)
    assert math.isnan(found.low)


def test_kernel_distance_in_blocks() -> None:
    halves = [kernel_distance(A[:30], B[:23]).value, kernel_distance(A[30:], B[23:]).value]
    found = kernel_distance(A, B, block=23)
    assert found.value == pytest.approx(np.mean(halves))
    assert found.low < found.value < found.high


@pytest.mark.parametrize("k", [1, 5])
def test_neighbourhoods_by_brute_force(k: int) -> None:
    def distance(x: np.ndarray, y: np.ndarray) -> float:
        return math.dist(x, y)

    def reach(points: np.ndarray) -> list[float]:
        return [sorted(distance(x, y) for j, y in enumerate(points) if j != i)[k - 1] for i, x in enumerate(points)]

    real, synthetic = reach(A), reach(B)
    held = [[distance(x, y) <= real[i] for i, x in enumerate(A)] for y in B]
    found = neighbourhoods(A, B, k)
    assert found.precision == pytest.approx(np.mean([any(row) for row in held]))
    assert found.recall == pytest.approx(
        np.mean([any(distance(x, y) <= synthetic[j] for j, y in enumerate(B)) for x in A])
    )
    assert found.density == pytest.approx(np.sum(held) / (k * len(B)))
    assert found.coverage == pytest.approx(np.mean(np.any(held, axis=0)))


def test_neighbourhoods_of_the_same_and_of_what_is_far() -> None:
    same, far = neighbourhoods(A, A), neighbourhoods(A, A + 100)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)


def test_neighbourhoods_of_rows_that_stand_many_times() -> None:
    few = np.repeat(RANDOM.normal(size=(4, 3)) * 50, 10, axis=0)
    assert neighbourhoods(few, few[::2]).precision == 1
    assert neighbourhoods(few, few[::2]).coverage == 1


def test_nearest_by_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diabolo.fidelity.neighbours.HELD", 100)  # several blocks
    distances, index = nearest(A, B)
    every = np.linalg.norm(A[:, None] - B[None], axis=2)
    assert np.array_equal(index, every.argmin(1))
    assert distances == pytest.approx(every.min(1))
    alone = nearest(A[7:12], A, leave_out=np.arange(7, 12))[1]
    assert not (alone == np.arange(7, 12)).any()


def test_a_copy_far_from_the_origin_is_at_no_distance() -> None:
    far = (A + 1000).astype(np.float32)
    distances, index = nearest(far[::-1].copy(), far)
    assert np.array_equal(index, np.arange(len(A))[::-1])
    assert not distances.any()


def test_copies_are_found_and_fresh_ones_are_not() -> None:
    learned, unseen, fresh = RANDOM.normal(size=(3, 600, 8))
    copied = learned[:300] + 1e-3 * RANDOM.normal(size=(300, 8))
    for held in (unseen, None):
        assert copying(copied, learned, held).share.value == 1
        found = copying(fresh, learned, held).share
        assert found.value < 0.03
    assert nearer_than(copied, learned, unseen[:200]).value > 0.95
    found = nearer_than(fresh, learned, unseen[:200])
    assert found.low < 0.75 < found.high
    assert membership(learned[:300] + 0.01, learned[:300], unseen[:300]).low > 0.9
    found = membership(fresh, learned, unseen)
    assert found.low < 0.5 < found.high
    assert np.array_equal(copying(copied, learned, unseen).index, np.arange(300))


def test_the_limit_without_held_out_ones_is_that_with_them() -> None:
    learned, unseen = RANDOM.normal(size=(2, 3000, 4))
    alone, held = copying(A[:, :1] * np.ones(4), learned).limit, copying(A[:, :1] * np.ones(4), learned, unseen).limit
    assert alone == pytest.approx(held, rel=0.25)


@pytest.mark.parametrize("with_unseen", [True, False])
def test_rows_that_stand_twice_hide_no_near_copies(with_unseen: bool) -> None:
    """More than 1 % of the real rows equal others: as many samples may, while near copies stand out."""
    rows = RANDOM.normal(size=(2000, 6))
    rows[:100] = rows[100:200]
    rows = rows[RANDOM.permutation(2000)]
    learned, unseen = rows[:1000], rows[1000:] if with_unseen else None
    near = copying(learned + 1e-4, learned, unseen)
    assert near.limit > 0.01
    assert near.share.value == 1
    assert near.chance == pytest.approx(0.01)
    fresh = np.concatenate((learned[:50], RANDOM.normal(size=(950, 6))))  # 5 % repeat, as real ones do
    honest = copying(fresh, learned, unseen)
    assert 0.03 < honest.chance < 0.07
    assert abs(honest.share.value - honest.chance) < 0.03


def test_copying_among_few_different_rows() -> None:
    """Of what only repeats nothing is suspicious, however many samples do."""
    learned, unseen, fresh = RANDOM.integers(0, 3, size=(3, 400, 2)).astype(float)
    found = copying(fresh, learned, unseen)
    assert found.share.value == pytest.approx(found.chance)


def test_auroc_is_scikit_learns() -> None:
    low, high = np.round(RANDOM.normal(size=80), 1), np.round(RANDOM.normal(0.5, size=50), 1)
    truth = np.repeat((0, 1), (80, 50))
    assert auroc(low, high) == pytest.approx(roc_auc_score(truth, np.concatenate((low, high))))


def test_a_perfect_auroc_is_not_quite_sure() -> None:
    low, high = RANDOM.random(40), 2 + RANDOM.random(25)
    for one, other, value in ((low, high, 1.0), (high, low, 0.0)):
        found = auroc_interval(one, other)
        assert found.value == value
        assert found.high - found.low == pytest.approx(1 - Interval.of_share(np.ones(25, bool)).low)
    mixed = auroc_interval(low, low + 0.2)
    assert mixed == bootstrap(auroc, low, low + 0.2)


def test_intervals() -> None:
    values = RANDOM.normal(3, 2, size=400)
    student, drawn = Interval.of_mean(values), bootstrap(lambda sample: float(sample.mean()), values)
    assert drawn.low == pytest.approx(student.low, abs=0.05)
    assert drawn.high == pytest.approx(student.high, abs=0.05)
    assert math.isnan(Interval.of_mean(values[:1]).low)
    assert Interval(0.5).to_dict() == {"value": 0.5, "low": None, "high": None}
    covered = [Interval.of_mean(RANDOM.normal(size=3)) for _ in range(400)]
    assert np.mean([one.low <= 0 <= one.high for one in covered]) == pytest.approx(0.95, abs=0.03)


def test_paired_differences_hold_for_other_seeds_and_other_images() -> None:
    """Trials that differ by seed and by image: the interval holds the true difference about as often as it says."""

    def trial() -> bool:
        by_seed, by_image = RANDOM.normal(0, 0.3, (3, 1)), RANDOM.normal(0, 2, (1, 100))
        found = paired(0.5 + by_seed + by_image + RANDOM.normal(size=(3, 100)), np.zeros((3, 100)))
        return found.low <= 0.5 <= found.high

    assert 0.93 <= np.mean([trial() for _ in range(400)]) <= 1
    found = paired(np.ones((3, 50)), np.zeros((3, 50)))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_shape_errors() -> None:
    numbers, other = RANDOM.normal(size=200), RANDOM.normal(0.4, size=150)
    names, others = np.repeat(("a", "b"), (150, 50)), np.repeat(("a", "c"), (60, 40))
    found = shape_errors([numbers, names], [other, others], [False, True])
    assert found == pytest.approx([ks_2samp(numbers, other).statistic, 0.4])  # half of |.75 - .6| + .25 + .4
    holes = np.where(np.arange(200) < 120, np.nan, numbers)
    assert shape_errors([numbers], [holes], [False])[0] == pytest.approx(0.6)


def test_pair_errors() -> None:
    x = RANDOM.normal(size=(300, 2))
    together = np.column_stack((x[:, 0], x[:, 0] + 0.5 * x[:, 1], np.ones(300)))
    found = pair_errors(together.T, np.column_stack((x, np.ones(300))).T, [False] * 3)
    expected = abs(np.corrcoef(together[:, :2].T)[0, 1] - np.corrcoef(x.T)[0, 1]) / 2
    assert found[0, 1] == pytest.approx(expected)
    assert found[0, 2] == 0  # what never changes goes with nothing
    assert np.isnan(np.diag(found)).all()
    assert np.array_equal(found, found.T, equal_nan=True)


def test_pair_errors_of_missing_values_use_the_rows_that_are_whole() -> None:
    x = RANDOM.normal(size=(300, 2)) @ np.array([[1, 0.8], [0, 0.6]])
    x[:100, 0] = np.nan
    fresh = RANDOM.normal(size=(300, 2))
    expected = abs(np.corrcoef(x[100:].T)[0, 1] - np.corrcoef(fresh.T)[0, 1]) / 2
    assert pair_errors(x.T, fresh.T, [False, False])[0, 1] == pytest.approx(expected)


def test_pair_errors_of_categories() -> None:
    names, size = np.tile(("a", "b"), 100), np.repeat((1.0, 2.0), 100)
    real, synthetic = [names, size], [names, np.tile((1.0, 2.0), 100)]  # independent; bound to each other
    assert pair_errors(real, synthetic, [True, True])[0, 1] == pytest.approx(0.5)
    assert pair_errors(real, synthetic, [True, False])[0, 1] == pytest.approx(0.5)
    assert pair_errors(real, real, [True, False])[0, 1] == 0


def test_exact_copies() -> None:
    learned = RANDOM.integers(0, 255, size=(20, 3, 3)).astype(np.uint8)
    samples = np.concatenate((learned[5:7], 255 - learned[:1]))
    assert exact_copies(samples, learned).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frechet_distance(A, B[:, :2]), "vectors of one length"),
        (lambda: frechet_distance(A[:1], B), "too few points to compare: got 1 and 45; allowed: 2 or more each"),
        (lambda: neighbourhoods(A[:5], B), "too few for neighbourhoods of 5: got 5 and 45; allowed: 6 or more each"),
        (lambda: shape_errors(A.T, B.T[:2], [False] * 3), "different numbers of columns"),
        (lambda: shape_errors([A[:0, 0]], [B[:, 0]], [False]), "no rows"),
    ],
)
def test_mistakes(call: object, message: str) -> None:
    with pytest.raises(Mistake, match=message):
        call()  # type: ignore[operator]


def test_public_names_are_there() -> None:
    assert all(hasattr(fidelity, name) for name in fidelity.__all__)
