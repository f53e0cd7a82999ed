"""The estimator has scikit-learn's manners: its own checks, its tools, and pictures beside tables."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import diabolo
from diabolo import Autoencoder, Mistake
from diabolo.architectures import Conv, Flat
from diabolo.corruptions import Blur, Noise
from diabolo.estimator import load
from diabolo.latents import Plain, Sparse, Variational
from diabolo.pixels import Picture, write_picture
from diabolo.preprocessing import Preprocessing
from diabolo.recipe import Training
from diabolo.sources import open_source

SHORT = Training(epochs=2, batch_size=64)
CONFIGURATIONS = {
    "linear": Autoencoder(Flat(depth=0), diabolo.Linear(size=1), "gaussian"),
    "deep": Autoencoder(Flat(width=8), Plain(size=2), training=SHORT),
    "variational": Autoencoder(Flat(width=8), Variational(size=2), training=SHORT, random_state=0),
    "denoising": Autoencoder(Flat(width=8), Sparse(size=3, active=1), corruption=Noise(), training=SHORT),
    "imputing": Autoencoder(
        Flat(depth=0), diabolo.Linear(size=1), "gaussian", preprocessing=Preprocessing(impute=True)
    ),
    "by name": Autoencoder("flat", "contractive", training=Training(epochs=1, batch_size=64)),
}
# scikit-learn's checks that cannot hold here, and why.
EXCEPTIONS: dict[str, str] = {}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return open_source("digits").array[:150]


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Trainings this short learn nothing, and say so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the model is no better|the code .* can copy")
        yield


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_scikit_learns_own_checks(name: str) -> None:
    told = check_estimator(clone(CONFIGURATIONS[name]), expected_failed_checks=EXCEPTIONS, on_skip=None, on_fail=None)
    failed = {row["check_name"]: row["exception"] for row in told if row["status"] == "failed"}
    assert not failed
    assert sum(row["status"] == "passed" for row in told) > 40
    assert {row["check_name"] for row in told if row["status"] == "xfail"} <= set(EXCEPTIONS)


def short(**options: Any) -> Autoencoder:
    return Autoencoder(Flat(width=16), Plain(size=4), training=SHORT).set_params(**options)


def test_every_verb_on_pictures(images: np.ndarray) -> None:
    estimator = short().fit(images)
    codes = estimator.transform(images)
    assert codes.shape == (150, 4)
    assert codes.dtype == np.float32
    assert estimator.reconstruct(images).shape == images.shape
    assert estimator.reconstruct(images).dtype == np.uint8
    assert estimator.inverse_transform(codes).dtype == np.uint8
    assert np.array_equal(estimator.inverse_transform(codes), estimator.reconstruct(images))
    scores = estimator.score_samples(images)
    assert scores.shape == (150,)
    assert estimator.score(images) == pytest.approx(scores.mean())
    noise = np.random.default_rng(0).integers(0, 256, images.shape, np.uint8)
    assert estimator.score(noise) < estimator.score(images)
    assert estimator.n_iter_ == 2


def test_log_likelihood_is_that_of_the_normal_density(images: np.ndarray) -> None:
    from scipy.stats import norm

    estimator = short().fit(images)
    unit = images.astype(np.float32) / 255
    centre = estimator.reconstruct(unit)
    expected = norm.logpdf(unit, centre, estimator.model_.scale).sum((1, 2))
    np.testing.assert_allclose(estimator.score_samples(unit), expected, rtol=1e-4)


def test_doubles_stay_doubles() -> None:
    data = np.random.default_rng(0).random((60, 6))
    for kind in (np.float64, np.float32):
        estimator = short().fit(data.astype(kind))
        assert estimator.transform(data.astype(kind)).dtype == kind
        assert estimator.reconstruct(data.astype(kind)).dtype == kind


def test_parameters_of_parts(images: np.ndarray) -> None:
    estimator = Autoencoder(Conv(), Plain(), corruption=(Noise(), Blur()), training=SHORT)
    assert estimator.get_params()["latent__size"] == 32
    assert estimator.get_params()["training__epochs"] == 2
    assert "latent__size" not in estimator.get_params(deep=False)
    estimator.set_params(latent="sparse", latent__size=9, training__epochs=1, corruption__noise__sigma=(5, 10))
    assert estimator.latent == Sparse(size=9)
    assert estimator.corruption == (Noise(sigma=(5.0, 10.0)), Blur())
    assert Autoencoder(**estimator.get_params(deep=False)).recipe == estimator.recipe
    for name, value in estimator.get_params().items():
        if name != "listen":
            estimator.set_params(**{name: value})
    assert clone(estimator).recipe == estimator.recipe


def test_two_corruptions_of_a_kind_are_both_kept() -> None:
    estimator = Autoencoder(corruption=(Noise(), Noise())).set_params(corruption__noise__sigma=3)
    assert estimator.corruption == (Noise(sigma=(3.0,)), Noise())
    estimator.set_params(**{"corruption__noise-2__sigma": 4})
    assert estimator.corruption == (Noise(sigma=(3.0,)), Noise(sigma=(4.0,)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"latnt": 3}, "did you mean latent"),
        ({"latent__sise": 3}, "did you mean size"),
        ({"latent__size": 0}, "at least 1"),
        ({"latent__size": -3}, "at least 1"),
        ({"latent__size": 2.5}, "not a whole number"),
        ({"latent": "spars"}, "did you mean sparse"),
        ({"architecture": "convolutional"}, "unknown architecture"),
        ({"corruption": "nose"}, "did you mean noise"),
        ({"corruption__noise__sigma": 3}, "unknown part of corruption"),
        ({"beta": -1}, "at least 0"),
        ({"beta": float("nan")}, "beta"),
        ({"training__epochs": "many"}, "not a whole number"),
        ({"training": 7}, "not a training"),
    ],
)
def test_parameters_that_cannot_be(params: dict[str, Any], message: str, images: np.ndarray) -> None:
    with pytest.raises(Mistake, match=message) as caught:
        short(**params).fit(images)
    assert "\n" not in str(caught.value)


def test_the_constructor_only_stores(images: np.ndarray) -> None:
    estimator = Autoencoder("no such", latent=-7)
    assert estimator.architecture == "no such"
    with pytest.raises(Mistake, match="unknown architecture"):
        estimator.fit(images)


def test_pipeline_and_grid_search() -> None:
    data = open_source("digits").array[:200].reshape(200, 64).astype(float)
    pipe = make_pipeline(StandardScaler(), short())
    assert pipe.fit_transform(data).shape == (200, 4)
    search = GridSearchCV(
        Autoencoder(Flat(depth=0), diabolo.Linear(), "gaussian"), {"latent__size": [1, 30]}, cv=2, refit=True
    )
    search.fit(data)
    assert search.best_params_ == {"latent__size": 30}
    assert search.best_estimator_.transform(data).shape == (200, 30)


def test_names_and_tables_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(np.random.default_rng(0).random((40, 5)), columns=list("abcde"))
    estimator = short().set_output(transform="pandas").fit(table)
    assert list(estimator.feature_names_in_) == list("abcde")
    codes = estimator.transform(table)
    assert list(codes.columns) == [f"autoencoder{i}" for i in range(4)]
    assert list(estimator.get_feature_names_out()) == list(codes.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.transform(table[list("edcba")])


def test_fitting_again_forgets() -> None:
    estimator = short().fit(np.random.default_rng(0).random((40, 5)))
    assert estimator.n_features_in_ == 5
    estimator.fit(np.random.default_rng(0).random((40, 6, 7)))
    assert not hasattr(estimator, "n_features_in_")
    assert estimator.transform(np.zeros((2, 6, 7))).shape == (2, 4)
    estimator.fit(np.random.default_rng(0).random((40, 3)))
    assert estimator.n_features_in_ == 3


def test_random_state(images: np.ndarray) -> None:
    one, same, other = (short(random_state=seed).fit(images).transform(images) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    drawn = np.random.RandomState(0)
    assert not np.array_equal(*(short(random_state=drawn).fit(images).transform(images) for _ in range(2)))


def test_every_source_is_taken(images: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", images)
    expected = short().fit(images).transform(images)
    for source in (str(tmp_path / "x.npy"), tmp_path / "x.npy", list(images), iter(images), open_source(images)):
        estimator = short().fit(source)
        assert np.array_equal(estimator.transform(images), expected)
        if not hasattr(source, "__next__"):
            assert np.array_equal(estimator.transform(source), expected)


def test_a_folder_of_pictures_of_different_sizes(images: np.ndarray, tmp_path: Path) -> None:
    for i, image in enumerate(images[:20]):
        write_picture(tmp_path / f"{i:02}.png", Picture(np.kron(image, np.ones((1 + i % 3, 1 + i % 2), np.uint8))))
    estimator = short(preprocessing=Preprocessing(side=8, channels=3)).fit(tmp_path)
    codes = estimator.transform(tmp_path)
    assert codes.shape == (20, 4)
    np.testing.assert_allclose(codes[0], estimator.transform(np.repeat(images[:1, ..., None], 3, 3))[0], atol=1e-6)
    with pytest.raises(Mistake, match="different sizes"):
        short().fit(tmp_path)
    with pytest.raises(Mistake, match="different sizes"):
        short().fit(images).transform(tmp_path)


def test_saved_and_loaded(images: np.ndarray, tmp_path: Path) -> None:
    estimator = short().fit(images)
    estimator.save(tmp_path / "m.diabolo")
    again = load(tmp_path / "m.diabolo")
    assert isinstance(again, Autoencoder)
    assert np.array_equal(again.transform(images), estimator.transform(images))
    assert again.score(images) == estimator.score(images)
    assert again.n_iter_ == 2
    assert clone(again).recipe == again.recipe
    assert np.array_equal(clone(again).fit(images).transform(images), estimator.transform(images))
    table = images.reshape(150, 64)
    short().fit(table).save(tmp_path / "t.diabolo")
    assert load(tmp_path / "t.diabolo").n_features_in_ == 64


def test_nothing_before_it_is_fitted(images: np.ndarray, tmp_path: Path) -> None:
    for verb in ("transform", "reconstruct", "score_samples", "score", "inverse_transform"):
        with pytest.raises(NotFittedError):
            getattr(short(), verb)(images if verb != "inverse_transform" else np.zeros((1, 4)))
    with pytest.raises(NotFittedError):
        short().save(tmp_path / "m.diabolo")
    assert not list(tmp_path.iterdir())


def test_named_recipes_with_options() -> None:
    estimator = Autoencoder.from_recipe("deep", latent__size=16, epochs=5, corruption="noise")
    assert estimator.latent == Plain(size=16)
    assert estimator.training.epochs == 5
    assert estimator.corruption == (Noise(),)
    with pytest.raises(Mistake, match="did you mean deep"):
        Autoencoder.from_recipe("deeep")
    with pytest.raises(Mistake, match="did you mean epochs"):
        Autoencoder.from_recipe("deep", epoch=5)
