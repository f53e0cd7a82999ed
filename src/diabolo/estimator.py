"""`Autoencoder`: any recipe, with scikit-learn's manners."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from diabolo import artifact
from diabolo.errors import unknown
from diabolo.events import Event, Listener, Note
from diabolo.inputs import array_of, in_one_line, is_place, plain
from diabolo.options import fields, replace
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import named
from diabolo.sources import Arrays, open_source
from diabolo.training import fit

AXES = (
    "architecture",
    "latent",
    "likelihood",
    "corruption",
    "hint",
    "beta",
    "terms",
    "view",
    "witnesses",
    "priors",
    "preprocessing",
    "training",
)


class Autoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An autoencoder made of one part on each axis, given by name ("sparse") or described (`Sparse(size=64)`).

    Images are arrays `(n, h, w)` or `(n, h, w, c)`, vectors `(n, d)`; uint8 means 0..255, uint16 0..65535, floats are
    taken as they are. `fit` also takes whatever `diabolo.open_source` opens: a folder, a zip, a named set.

    Parameters
    ----------
    architecture, latent, likelihood, corruption, preprocessing, training : name, part or None
        See `Recipe` and the families' tables; None means the recipe's default. Options of parts are set as
        `set_params(latent__size=8)`, so that a grid search reaches them.
    hint : str
        What the encoder is told beside the corrupted image: "none", "noise-level" or "missing".
    beta : float
        Weight of the code's penalty.
    terms : name, part, list of these or None
        What else is minimised: "matching" makes codes normal, "adversarial" brings a critic that learns beside the
        network.
    view : name, part or None
        What of an image the network sees: "values", or "gradients" of pictures of one size.
    witnesses : name, part, list of these or None
        What tells normal images from others; `AnomalyDetector` uses what they say.
    priors : name, part, list of these or None
        What new codes are drawn from; `Generator` uses them, and knows labels.
    device : str
        "auto", "cpu", "cuda", "cuda:1", ...
    random_state : None, int or RandomState
        None takes `training.seed`, so that fitting repeats, on a processor to the bit.
    listen : callable or None
        Called with every event of the training (`diabolo.events`).

    Attributes
    ----------
    model_ : Model
        The trained model: recipe, weights, conversion, metrics.
    n_iter_ : int
        Epochs that were trained; 1 for an exact solution.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from diabolo import Autoencoder
    >>> digits = load_digits().data
    >>> Autoencoder.from_recipe("linear", latent__size=8).fit_transform(digits).shape
    (1797, 8)
    """

    def __init__(
        self,
        architecture: Any = "flat",
        latent: Any = "plain",
        likelihood: Any = "auto",
        corruption: Any = None,
        *,
        hint: str = "none",
        beta: float = 1.0,
        terms: Any = None,
        view: Any = None,
        witnesses: Any = None,
        priors: Any = None,
        preprocessing: Any = None,
        training: Any = None,
        device: str = "auto",
        random_state: Any = None,
        listen: Listener | None = None,
    ) -> None:
        self.architecture = architecture
        self.latent = latent
        self.likelihood = likelihood
        self.corruption = corruption
        self.hint = hint
        self.beta = beta
        self.terms = terms
        self.view = view
        self.witnesses = witnesses
        self.priors = priors
        self.preprocessing = preprocessing
        self.training = training
        self.device = device
        self.random_state = random_state
        self.listen = listen

    @classmethod
    def from_recipe(cls, recipe: str | Recipe, **options: Any) -> Autoencoder:
        """The estimator of a named recipe, with options changed: `from_recipe("deep", latent__size=16, epochs=5)`."""
        chosen = named(recipe) if isinstance(recipe, str) else recipe
        chosen = with_options(chosen, {key.replace("__", "."): value for key, value in options.items()})
        return cls(**{axis: getattr(chosen, axis) for axis in AXES})

    @property
    def recipe(self) -> Recipe:
        """The recipe that the parameters describe; a `Mistake` where they are not allowed."""
        given = {axis: getattr(self, axis) for axis in AXES}
        return Recipe(**{axis: value for axis, value in given.items() if value is not None})

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name; with `deep` also the options of described parts, as `latent__size`."""
        params = super().get_params(deep=False)
        if deep:
            for axis in AXES:
                if dataclasses.is_dataclass(params[axis]):
                    params |= {
                        f"{axis}__{name}": getattr(params[axis], name) for name, _, _ in fields(type(params[axis]))
                    }
        return params

    def set_params(self, **params: Any) -> Autoencoder:
        """Set parameters and, as `latent__size=8`, options of parts."""
        for key in sorted(params, key=lambda k: k.count("__")):
            axis, _, option = key.partition("__")
            if axis not in self.get_params(deep=False):
                raise unknown("parameter of Autoencoder", axis, self.get_params(deep=False))
            value = params[key]
            if option:
                value = getattr(replace(self.recipe, f"{axis}.{option.replace('__', '.')}", value), axis)
            setattr(self, axis, value)
        return self

    def fit(self, X: Any, y: Any = None) -> Autoencoder:
        """Learn from images or vectors; `y` is ignored. Raises `Mistake`, a ValueError, for unfit data."""
        recipe = self.recipe
        if self.random_state is not None:
            recipe = replace(recipe, "training.seed", int(check_random_state(self.random_state).randint(2**31 - 1)))
        for learned in ("n_features_in_", "feature_names_in_"):  # by an earlier fit to a table
            self.__dict__.pop(learned, None)
        source = open_source(X if is_place(X) else self._array(X, reset=True))
        if isinstance(source, Arrays) and hasattr(self, "feature_names_in_"):
            source.columns = list(self.feature_names_in_)
        self.model_ = fit(source, recipe, device=self.device, listen=self._hear)
        self.n_iter_ = max(1, len(self.model_.metrics.get("history", [])))
        if "interrupted" in self.model_.provenance:
            warnings.warn(f"training was interrupted at {self.model_.provenance['interrupted']}", stacklevel=2)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Codes (n, size), or (n, size, h, w) where the code is a map; the same for the same images, always."""
        return self._model.encode(self._array(X))

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Codes back to images, in the type of the training data."""
        model = self._model
        with in_one_line():
            codes = check_array(plain(X), allow_nd=True)
        return model.decode(codes)

    def reconstruct(self, X: Any) -> np.ndarray:
        """Images through the code and back: the same shape and type."""
        return self._model.reconstruct(self._array(X))

    def score_samples(self, X: Any) -> np.ndarray:
        """Log-likelihood of each image given its code, less the code's penalty, (n,), nats; higher is more normal."""
        return self._model.score_samples(self._array(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-likelihood, nats per image."""
        return float(self.score_samples(X).mean())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained model to one file, which `diabolo.load` and the command line read."""
        artifact.save(self._model, path)

    @property
    def _model(self) -> Any:
        check_is_fitted(self, "model_")
        return self.model_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = getattr(self.preprocessing, "impute", False)
        return tags

    @property
    def _n_features_out(self) -> int:
        return self._model.code[0]

    def _array(self, X: Any, reset: bool = False) -> np.ndarray:
        return array_of(self, X, None if reset else self._model, reset)

    def _hear(self, event: Event) -> None:
        if isinstance(event, Note) and event.warning:
            warnings.warn(event.text, stacklevel=3)
        if self.listen:
            self.listen(event)


def load(path: str | os.PathLike[str], known: Iterable[type] = (), device: str = "cpu") -> Autoencoder:
    """Read a trained model as a fitted `Autoencoder`; `known` are classes of your own parts.

    Raises `Mistake` for anything that is not a whole and sound model file.
    """
    model = artifact.load(path, known, device)
    estimator = Autoencoder(**{axis: getattr(model.recipe, axis) for axis in AXES}, device=device)
    estimator.model_ = model
    estimator.n_iter_ = max(1, len(model.metrics.get("history", [])))
    if model.conversion.layout == "vector":
        estimator.n_features_in_ = model.conversion.shape[0]
    return estimator
