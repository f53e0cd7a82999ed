"""`AnomalyDetector`: verdicts that keep their promise, maps of every kind of image, and what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from diabolo import AnomalyDetector, artifact, conformal
from diabolo.errors import Mistake
from diabolo.pixels import Picture, write_picture
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit

QUICK = {"steps": 30, "calibration": 0.2}
TINY_UNET = {"steps": 4, "batch_size": 4, "architecture.widths": "4,8", "crop": 16}
CHECKS = {  # scikit-learn's checks that cannot hold here, and why
    "check_outliers_train": "alpha sets the threshold; contamination is what may be wrong in the training data",
    "check_outliers_fit_predict": "the same",
    "check_methods_subset_invariance": "scores are computed in single precision: their last bits differ",
    "check_fit2d_1sample": "the message speaks of images, not of samples",
}


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Trainings this short learn nothing, and say so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the model is no better|the code .* can copy")
        yield


def table(count: int = 200, seed: int = 0) -> np.ndarray:
    """Rows of eight numbers that go together in pairs."""
    draw = np.random.default_rng(seed)
    return (np.repeat(draw.normal(size=(count, 4)), 2, 1) + 0.1 * draw.normal(size=(count, 8))).astype(np.float32)


def wrong_table(count: int = 30, seed: int = 1) -> np.ndarray:
    """Each number is possible, but no pair goes together."""
    return np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)


def pictures(count: int, *shape: int, dtype: Any = np.uint8, seed: int = 0) -> np.ndarray:
    """Soft stripes; `shape` is (h, w) or (h, w, c)."""
    draw = np.random.default_rng(seed)
    across = np.arange(shape[1]).reshape(1, 1, -1, *(1,) * (len(shape) - 2))
    waves = 0.5 + 0.2 * np.sin(0.6 * across + 6 * draw.random((count, *(1,) * len(shape))))
    values = (waves + draw.normal(0, 0.02, (count, *shape))).clip(0, 1)
    top = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}.get(np.dtype(dtype), 1)
    return (values * top).astype(dtype)


@pytest.fixture(scope="module")
def detector() -> AnomalyDetector:
    """Of tables, with 40 rows kept; tests must not change it but by `changed`."""
    return AnomalyDetector(options=QUICK).fit(table())


@pytest.fixture
def changed(detector: AnomalyDetector) -> Callable[..., AnomalyDetector]:
    """The detector with other parameters and the same model."""

    def change(**parameters: Any) -> AnomalyDetector:
        return AnomalyDetector(detector.model_, **parameters)

    return change


# ------------------------------------------------------------------ verdicts


@pytest.mark.parametrize("alpha", [0.03, 0.05, 1 / 41, 2 / 41, 0.2, 0.5, 0.99])
def test_verdicts_scores_and_p_values_say_the_same(changed: Callable[..., AnomalyDetector], alpha: float) -> None:
    model = changed(alpha=alpha)
    kept = model._normal_scores.astype(np.float64)
    assert len(kept) == 40
    X = np.concatenate((table(60, 2), wrong_table()))
    scores, p = model.score_samples(X), model.p_values(X)
    assert scores.shape == p.shape == (90,)
    np.testing.assert_allclose(p, [(1 + (kept <= score).sum()) / 41 for score in scores], rtol=1e-12)
    np.testing.assert_allclose(conformal.p_values(kept, kept), np.arange(2, 42) / 41)  # a tie counts as normal
    verdict = model.predict(X)
    assert verdict.dtype.kind == "i"
    np.testing.assert_array_equal(verdict == -1, p <= alpha + 1e-12)
    np.testing.assert_array_equal(verdict == -1, model.decision_function(X) < 0)
    np.testing.assert_allclose(model.decision_function(X), scores - model.offset_)
    assert ((kept < model.offset_).sum() + 1) / 41 <= alpha + 1e-12
    assert p.min() >= 1 / 41


def test_what_does_not_go_together_is_found(changed: Callable[..., AnomalyDetector]) -> None:
    model = changed(alpha=0.05)
    assert (model.predict(wrong_table()) == -1).mean() > 0.8
    assert binom.sf((model.predict(table(300, 7)) == -1).sum(), 300, 0.12) > 1e-3  # 0.05, and luck in 40 rows


def test_alpha_can_be_changed_at_any_time(detector: AnomalyDetector) -> None:
    model, X = clone(detector).fit(table()), wrong_table()
    scores = model.score_samples(X)
    found = []
    for alpha in (0.5, 0.1, 0.03):
        model.set_params(alpha=alpha)
        found.append(int((model.predict(X) == -1).sum()))
        np.testing.assert_array_equal(model.score_samples(X), scores)
    assert found == sorted(found, reverse=True)
    model.alpha = 0.001
    with pytest.raises(Mistake, match="too few normal pictures for this rate"):
        model.predict(X)


def test_thresholds_rise_with_alpha(changed: Callable[..., AnomalyDetector]) -> None:
    models = [changed(alpha=alpha) for alpha in (0.03, 0.1, 0.3, 0.9)]
    assert np.all(np.diff([model.offset_ for model in models]) >= 0)
    assert np.all(np.diff([model.map_limit_ for model in models]) <= 0)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, 1e-6, float("nan"), True, "0.05", None])
def test_rates_that_are_none(changed: Callable[..., AnomalyDetector], alpha: Any) -> None:
    model = changed(alpha=alpha)
    for call in (model.predict, model.decision_function):
        with pytest.raises(Mistake, match=r"not a rate of false alarms: got alpha .*; allowed: 1e-05 to less than 1"):
            call(table(3))


@pytest.mark.parametrize(("alpha", "more"), [(0.02, 9), (0.01, 59), (1e-5, 99959), (0.0243, 1)])
def test_rates_that_so_few_pictures_cannot_promise(
    changed: Callable[..., AnomalyDetector], alpha: float, more: int
) -> None:
    with pytest.raises(Mistake) as caught:
        changed(alpha=alpha).predict(table(3))
    told = str(caught.value)
    assert f"got alpha {alpha:g} with 40 normal pictures kept for calibration" in told
    assert f"try: --alpha 0.0244, or {more} more normal pictures to calibrate with" in told
    assert 1 / (41 + more) <= alpha < 1 / (40 + more)  # neither more nor fewer than it takes
    assert changed(alpha=0.0244).predict(table(3)).shape == (3,)  # what the message says works


def test_false_discoveries_are_benjamini_and_hochbergs(changed: Callable[..., AnomalyDetector]) -> None:
    X = np.concatenate((table(40, 2), wrong_table(20)))
    least = false_discovery_control(changed().p_values(X), method="bh")
    for alpha in (0.05, 0.2, 0.5):
        model = changed(alpha=alpha, control="false-discoveries")
        expected = least <= alpha + 1e-12
        np.testing.assert_array_equal(model.predict(X) == -1, expected)
        for rate in (*np.unique(least), *(np.unique(least) - 1e-6)):
            found = conformal.benjamini_hochberg(changed().p_values(X), rate)
            np.testing.assert_array_equal(found, least <= rate + 1e-12)
        assert expected.any() == (alpha > 0.05)  # 1 / 41 is too much for 1 of 20 that are all found


def test_an_unknown_control(changed: Callable[..., AnomalyDetector]) -> None:
    with pytest.raises(Mistake, match=r"unknown control: got 'false-alarm'; .*did you mean false-alarms"):
        changed(control="false-alarm").predict(table(3))


def test_the_same_seed_gives_the_same_to_the_bit(detector: AnomalyDetector) -> None:
    X = wrong_table()
    again, other = (clone(detector).set_params(random_state=seed).fit(table()) for seed in (None, 7))
    np.testing.assert_array_equal(again.score_samples(X), detector.score_samples(X))
    np.testing.assert_array_equal(again.anomaly_map(X), detector.anomaly_map(X))
    assert not np.array_equal(other.score_samples(X), detector.score_samples(X))
    np.testing.assert_array_equal(detector.score_samples(X), detector.score_samples(X))


def test_scores_do_not_depend_on_what_is_beside(detector: AnomalyDetector) -> None:
    X = np.concatenate((table(20, 2), wrong_table(20)))
    alone = np.concatenate([detector.score_samples(x[None]) for x in X])
    np.testing.assert_allclose(detector.score_samples(X), alone, rtol=1e-5, atol=1e-5)
    order = np.random.default_rng(0).permutation(40)
    np.testing.assert_allclose(detector.score_samples(X[order]), alone[order], rtol=1e-5, atol=1e-5)
    maps = np.concatenate([detector.anomaly_map(x[None]) for x in X])
    np.testing.assert_allclose(detector.anomaly_map(X), maps, rtol=1e-5, atol=1e-5)


# ------------------------------------------------------------------ images of every kind


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((12, 10), np.uint8),
        ((12, 10, 3), np.uint8),
        ((9, 16, 5), np.float32),
        ((8, 8), np.uint16),
        ((70, 12), np.uint8),
        ((70, 20, 3), np.uint16),
    ],
    ids=str,
)
def test_pictures_of_every_kind(shape: tuple[int, ...], dtype: Any) -> None:
    options = QUICK if max(shape) <= 64 else TINY_UNET | {"crop": 8}
    model = AnomalyDetector(alpha=0.3, options=options).fit(pictures(30, *shape, dtype=dtype))
    X = pictures(4, *shape, dtype=dtype, seed=5)
    X[0, 3:6, 3:6] = 0
    maps = model.anomaly_map(X)
    assert maps.shape == (4, *shape[:2])
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert np.isfinite(model.map_limit_)
    assert model.score_samples(X).shape == (4,)
    assert model.score_samples(X).dtype == np.float64
    assert set(model.predict(X)) <= {1, -1}


def test_maps_of_vectors_point_at_the_value(detector: AnomalyDetector) -> None:
    X = table(50, 3)
    X[:, 5] += 4  # which goes with the number before it
    maps = detector.anomaly_map(X)
    assert maps.shape == X.shape
    assert (maps.mean(0).argsort()[-2:] // 2 == 2).all()


def test_few_maps_of_normal_images_reach_the_limit(changed: Callable[..., AnomalyDetector]) -> None:
    peaks = changed(alpha=0.2).anomaly_map(table(300, 7)).max(1)
    assert (peaks > changed(alpha=0.2).map_limit_).mean() < 0.35  # 0.2, and luck in 40 rows


def test_a_folder_of_pictures_of_different_sizes(tmp_path: Path) -> None:
    sizes = [(20, 24), (33, 18), (26, 26)]
    for i in range(24):
        write_picture(tmp_path / f"{i:02d}.png", Picture(pictures(1, *sizes[i % 3], seed=i)[0]))
    model = AnomalyDetector(alpha=0.3, options=TINY_UNET).fit(tmp_path)
    maps = model.anomaly_map(str(tmp_path))
    assert isinstance(maps, list)
    assert [one.shape for one in maps] == [sizes[i % 3] for i in range(24)]
    scores = model.score_samples(tmp_path)
    assert scores.shape == (24,)
    alone = model.score_samples(pictures(1, *sizes[4 % 3], seed=4))
    assert alone == pytest.approx(scores[4:5], rel=1e-5)  # an array is judged as the folder is
    assert model.anomaly_map(pictures(2, 40, 15)).shape == (2, 40, 15)


def test_a_place_of_pictures_of_one_size_and_of_colour(tmp_path: Path) -> None:
    images = pictures(50, 16, 16, 3)
    for i, image in enumerate(images):
        write_picture(tmp_path / f"{i:02d}.png", Picture(image))
    model = AnomalyDetector(alpha=0.3, options=QUICK).fit(tmp_path)
    np.testing.assert_allclose(model.score_samples(tmp_path), model.score_samples(images), rtol=1e-3, atol=2e-3)
    assert model.anomaly_map(tmp_path).shape == (50, 16, 16)
    grey = tmp_path / "grey"
    grey.mkdir()
    write_picture(grey / "a.png", Picture(images[0, :, :, 0]))
    assert model.score_samples(grey).shape == (1,)  # brought to colour, as in training


# ------------------------------------------------------------------ models


def test_a_file_judges_as_the_model_did(detector: AnomalyDetector, tmp_path: Path) -> None:
    path = tmp_path / "m.diabolo"
    detector.save(path)
    X = np.concatenate((table(20, 2), wrong_table()))
    for given in (path, str(path), detector, detector.model_):
        other = AnomalyDetector(given, alpha=0.1)
        np.testing.assert_array_equal(other.score_samples(X), detector.score_samples(X))
        np.testing.assert_array_equal(other.p_values(X), detector.p_values(X))
        np.testing.assert_array_equal(other.anomaly_map(X), detector.anomaly_map(X))
        assert other.map_limit_ == AnomalyDetector(detector.model_, alpha=0.1).map_limit_


def test_a_file_that_changes_is_read_anew(detector: AnomalyDetector, tmp_path: Path) -> None:
    path = tmp_path / "m.diabolo"
    detector.save(path)
    user = AnomalyDetector(path)
    before = user.score_samples(table(5))
    other = clone(detector).set_params(random_state=3).fit(table())
    other.save(path)
    assert not np.array_equal(user.score_samples(table(5)), before)


def test_fit_starts_from_a_given_model(detector: AnomalyDetector) -> None:
    other = AnomalyDetector(detector, options={"steps": 2, "learning_rate": 1e-8}).fit(table())
    np.testing.assert_allclose(other.score_samples(table(20, 2)), detector.score_samples(table(20, 2)), rtol=0.05)


def test_a_model_without_witnesses_is_refused(tmp_path: Path) -> None:
    model = fit(open_source(table()), with_options(named("deep"), {"epochs": 1, "architecture.width": 8}))
    artifact.save(model, tmp_path / "m.diabolo")
    for call in ("predict", "score_samples", "p_values", "decision_function", "anomaly_map"):
        with pytest.raises(Mistake, match=r"knows nothing of normal pictures.*try: diabolo fit detect"):
            getattr(AnomalyDetector(tmp_path / "m.diabolo"), call)(table(3))
    with pytest.raises(Mistake, match="knows nothing of normal"):
        _ = AnomalyDetector(model).map_limit_


# ------------------------------------------------------------------ training data that is not all normal


def test_planted_outliers_are_left_out_by_name() -> None:
    X = table(120)
    X[[5, 50, 100]] = wrong_table(3) * 8
    model = AnomalyDetector(contamination="auto", options=QUICK).fit(X)
    assert {"005", "050", "100"} <= set(model.left_out_)
    assert len(model.left_out_) < 10
    exact = AnomalyDetector(contamination=0.1, options=QUICK).fit(X)
    assert len(exact.left_out_) == 12
    assert {"005", "050", "100"} <= set(exact.left_out_)
    assert AnomalyDetector(options=QUICK).fit(X).left_out_ == []


@pytest.mark.parametrize("contamination", [0.6, -0.1, "some", True, None])
def test_no_contamination(contamination: Any) -> None:
    with pytest.raises(Mistake, match=r"no such contamination: .*allowed: none, auto, or a share from 0 to 0\.5"):
        AnomalyDetector(contamination=contamination, options=QUICK).fit(table())


# ------------------------------------------------------------------ scikit-learn's manners


def test_scikit_learns_own_checks() -> None:
    estimator = AnomalyDetector(alpha=0.5, options={"steps": 4, "calibration": 0.4})
    told = check_estimator(estimator, expected_failed_checks=CHECKS, on_skip=None, on_fail=None)
    failed = {row["check_name"]: row["exception"] for row in told if row["status"] == "failed"}
    assert not failed
    assert sum(row["status"] == "passed" for row in told) > 35
    assert {row["check_name"] for row in told if row["status"] == "xfail"} == set(CHECKS)


def test_parameters() -> None:
    model = AnomalyDetector("m.diabolo", alpha=0.1, control="false-discoveries", options={"steps": 3}, random_state=4)
    other = clone(model)
    assert other.get_params() == model.get_params()
    other.set_params(alpha=0.2, contamination="auto")
    assert (other.alpha, other.contamination, model.alpha) == (0.2, "auto", 0.1)
    assert not hasattr(AnomalyDetector(), "model_")


def test_fit_predict_and_attributes() -> None:
    model = AnomalyDetector(alpha=0.1, options=QUICK)
    assert model.fit_predict(table()).shape == (200,)
    assert model.n_features_in_ == 8
    assert model.n_iter_ >= 1


# ------------------------------------------------------------------ what cannot be


CANNOT_LEARN = {
    "empty": (np.zeros((0, 8), np.float32), "0 sample|no images"),
    "empty pictures": (np.zeros((0, 8, 8), np.uint8), "no images|0 sample"),
    "one row": (table(1), "too few normal pictures are kept for calibration: got 0 of 1 images"),
    "one picture": (pictures(1, 16, 16), "too few normal pictures|got 0 of 1"),
    "five rows": (table(5), r"got 2 of 5 images; allowed: 3 or more; try: .*--calibration 0\.2 with at least 15"),
    "three rows": (table(3), r"got 1 of 3 images; allowed: 3 or more; try: .*--calibration 0\.2 with at least 15"),
    "not a number": (np.full((30, 4), np.nan, np.float32), "NaN"),
    "text": (np.array([["a", "b"]] * 30), "arrays of bytes/strings"),
    "nothing": (None, "not a source of images"),
    "an empty list": ([], "no images"),
}


@pytest.mark.parametrize("name", CANNOT_LEARN)
def test_what_cannot_be_learned_from(name: str) -> None:
    data, message = CANNOT_LEARN[name]
    with pytest.raises(Mistake, match=message) as caught:
        AnomalyDetector(options=QUICK).fit(data)
    assert "\n" not in str(caught.value)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="there are no pictures in"):
        AnomalyDetector(options=QUICK).fit(tmp_path)


@pytest.mark.parametrize(
    "data",
    [np.full((30, 12, 12), 77, np.uint8), np.full((30, 6), 2.5, np.float32), np.full((30, 70, 70), 77, np.uint8)],
    ids=["pictures", "table", "large pictures"],
)
def test_images_that_are_all_the_same(data: np.ndarray) -> None:
    """They can be learned: what is different then is abnormal, and nothing is divided by 0."""
    options = QUICK if data.shape[1] < 70 else TINY_UNET
    model = AnomalyDetector(alpha=0.2, options=options).fit(data)
    assert np.isfinite(model.score_samples(data[:3])).all()
    assert (model.predict(data[:3]) == model.predict(data[3:6])).all()
    other = data[:3].copy()
    other[:, 2:5] = 200
    assert np.isfinite(model.score_samples(other)).all()
    if data.shape[1] < 70:  # four steps do not learn what is different
        assert (model.score_samples(other) < model.score_samples(data[:3])).all()


def test_a_column_that_never_changes() -> None:
    data = np.concatenate((table(), np.full((200, 1), 3.0, np.float32)), 1)
    model = AnomalyDetector(alpha=0.1, options=QUICK).fit(data)
    assert np.isfinite(model.score_samples(data)).all()
    off = data[:20].copy()
    off[:, 8] = 9
    assert (model.predict(off) == -1).all()


def test_training_data_that_is_all_abnormal() -> None:
    """Where nothing is like anything else, no image is left out for it; the share asked for is."""
    draw = np.random.default_rng(0)
    noise = draw.normal(size=(80, 8)).astype(np.float32)
    assert len(AnomalyDetector(contamination="auto", options=QUICK).fit(noise).left_out_) < 8
    assert len(AnomalyDetector(contamination=0.5, options=QUICK).fit(noise).left_out_) == 40


def test_pictures_of_another_size_or_other_channels() -> None:
    model = AnomalyDetector(alpha=0.3, options=QUICK).fit(pictures(30, 12, 12))
    for other in (pictures(2, 12, 13), pictures(2, 12, 12, 3), table(2)):
        with pytest.raises(Mistake, match=r"arrays of another (size|kind): got shape .*; allowed: .*\(n, 12, 12\)"):
            model.predict(other)


def test_rows_of_another_length(detector: AnomalyDetector) -> None:
    with pytest.raises(Mistake, match="7 features, but AnomalyDetector is expecting 8 features"):
        detector.predict(table()[:, :7])
    with pytest.raises(Mistake, match=r"arrays of another size: got shape \(5, 7\)"):
        AnomalyDetector(detector.model_).predict(table(5)[:, :7])
    with pytest.raises(Mistake, match="NaN"):
        detector.predict(np.full((2, 8), np.nan, np.float32))
    with pytest.raises(Mistake, match=r"0 sample|no images"):
        detector.predict(np.zeros((0, 8), np.float32))
