"""`AnomalyDetector`: normal images in; of each further one whether it is normal, how surely, and where it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from diabolo import artifact, conformal
from diabolo.errors import Mistake, unknown
from diabolo.events import Listener
from diabolo.inputs import array_of, is_place
from diabolo.judgement import judge, known, scores
from diabolo.model import Model
from diabolo.sources import Source, open_source
from diabolo.tasks.models import held, learn

CONTROLS = ("false-alarms", "false-discoveries")


class AnomalyDetector(OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Tells what is not like the normal images it learned from, with scikit-learn's manners for outliers.

    Nothing abnormal is needed: a part of the normal images, from which nothing else was learned, gives the threshold.

    Parameters
    ----------
    model : None, path, or trained model
        What `diabolo fit detect` wrote; None where `fit` is called. `fit` starts from it where both are given.
    alpha : float
        The rate that is allowed, more than 0 and less than 1; it can be changed at any time without a new fit.
    control : str
        What `alpha` is the rate of. "false-alarms": of normal images, those called abnormal. "false-discoveries": of
        the images called abnormal in one call of `predict`, those that are normal (Benjamini-Hochberg).
    contamination : str or float
        How much of what `fit` is given may be abnormal: "none", "auto" (found), or a share up to 0.5. The images that
        do not fit are left out, and listed in `left_out_`.
    options : dict or None
        Options of the recipe that `fit` trains: `{"epochs": 50, "training.calibration": 0.3}`.
    device : str
        "cpu", "cuda", ...
    random_state : None or int
        The seed; None takes the recipe's, so that fitting repeats, on a processor to the bit.
    listen : callable or None
        Called with every event (`diabolo.events`).

    Attributes
    ----------
    model_ : Model
        What `fit` learned.
    left_out_ : list of str
        Names of the images that did not fit the others, where `contamination` asked for it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from diabolo import AnomalyDetector
    >>> digits = load_digits()
    >>> zeros, others = digits.data[digits.target == 0], digits.data[digits.target != 0]
    >>> detector = AnomalyDetector(alpha=0.05, options={"epochs": 5}).fit(zeros)
    >>> bool((detector.predict(others) == -1).mean() > 0.9)
    True
    """

    def __init__(
        self,
        model: Any = None,
        *,
        alpha: float = 0.05,
        control: str = "false-alarms",
        contamination: str | float = "none",
        options: dict[str, Any] | None = None,
        device: str = "cpu",
        random_state: int | None = None,
        listen: Listener | None = None,
    ) -> None:
        self.model = model
        self.alpha = alpha
        self.control = control
        self.contamination = contamination
        self.options = options
        self.device = device
        self.random_state = random_state
        self.listen = listen

    def fit(self, X: Any, y: Any = None) -> AnomalyDetector:
        """Learn from normal images: an array, a folder, a table; `y` is ignored."""
        for learned in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(learned, None)
        seed = {} if self.random_state is None else {"training.seed": int(self.random_state)}
        given = {"training.contamination": str(self.contamination)} | seed
        source = X if is_place(X) else array_of(self, X, None, reset=True)
        self.model_ = learn("detect", self, source, options=given)
        self.left_out_ = list(self.model_.provenance.get("left_out", []))
        self.n_iter_ = max(1, len(self.model_.metrics.get("history", [])))
        return self

    def score_samples(self, X: Any) -> np.ndarray:
        """How normal each image is, (n,): minus the mean z-value of what the witnesses say; higher is more normal."""
        return np.concatenate([scores(self._model, images) for images in self._runs(X)])

    def p_values(self, X: Any) -> np.ndarray:
        """How probable it is that a normal image scores as low as this one, (n,), at least 1 / (kept + 1)."""
        return conformal.p_values(self.score_samples(X), self._normal_scores)

    @property
    def offset_(self) -> float:
        """The score below which an image is called abnormal, by the present `alpha`."""
        return conformal.threshold(self._normal_scores, self.alpha)

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores less the threshold of the present `alpha`, (n,): below 0 means abnormal."""
        offset = self.offset_  # first, since an alpha that cannot be promised needs no scores
        return self.score_samples(X) - offset

    def predict(self, X: Any) -> np.ndarray:
        """+1 for normal and -1 for abnormal, (n,), whole numbers."""
        self.check()
        if self.control == "false-discoveries":
            found = conformal.benjamini_hochberg(self.p_values(X), self.alpha)
        else:
            found = self.decision_function(X) < 0
        return np.where(found, -1, 1)

    def anomaly_map(self, X: Any) -> np.ndarray | list[np.ndarray]:
        """How abnormal each place is, float32: (n, h, w) of images, (n, d) of vectors; higher is more abnormal.

        The unit is standard deviations of places in normal images, the same for every image. A list of maps for a
        place whose pictures have different sizes.
        """
        maps = [judge(self._model, images).maps for images in self._runs(X)]
        shapes = {m.shape[1:] for m in maps}
        return np.concatenate(maps) if len(shapes) == 1 else [one for m in maps for one in m]

    @property
    def map_limit_(self) -> float:
        """Above this a place of a map is called abnormal.

        In a share `alpha` of normal images, at most, any place is: the greatest values of their maps are compared.
        """
        return -conformal.threshold(known(self._model).peaks.double().cpu().numpy(), self.alpha)

    def explain(self, X: Any, **options: Any) -> list[Any]:
        """Reasons for each image's score: `diabolo.tasks.explain.Explainer` tells what they are."""
        from diabolo.tasks.explain import Explainer

        return list(Explainer(self._model, **{"alpha": self.alpha} | options).explain(X))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trained model to one file, which `AnomalyDetector(path)` and the command line read."""
        artifact.save(self._model, path)

    def check(self) -> None:
        """Refuse an unknown `control`, an `alpha` that cannot be promised, or a model of another task."""
        if self.control not in CONTROLS:
            raise unknown("control", str(self.control), CONTROLS)
        conformal.check_alpha(self.alpha, len(self._normal_scores))

    @property
    def _normal_scores(self) -> np.ndarray:
        return known(self._model).scores.double().cpu().numpy()

    @property
    def _model(self) -> Model:
        if self.model is None:
            check_is_fitted(self, "model_")
        return held(self)

    def _runs(self, X: Any) -> Iterator[np.ndarray]:
        """Raw images, in runs of one size."""
        model = self._model
        known(model)
        if not is_place(X):
            yield array_of(self, X, model)
            return
        source: Source = open_source(X)
        array = getattr(source, "array", None)
        if array is not None:
            yield np.asarray(array)
            return
        if not len(source):
            raise Mistake("no images", got=source.description, allowed="1 or more")
        yield from (model.bring(source.read(i))[None] for i in range(len(source)))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_") or self.model is not None
