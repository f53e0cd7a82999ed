"""`Explainer`: images or rows in; of each why it has its score, and what would make it normal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from diabolo import conformal
from diabolo.errors import Mistake
from diabolo.events import Listener, Note, Passed, ignore
from diabolo.judgement import judge, known
from diabolo.model import Model
from diabolo.sources import open_source
from diabolo.tasks.explain.guesses import Typical
from diabolo.tasks.explain.reasons import Explanation, Reason
from diabolo.tasks.explain.regions import PictureRepair, Redrawn, region_in_words, repair_picture
from diabolo.tasks.explain.rows import Repair, repair_rows
from diabolo.tasks.models import held

AT_ONCE = 4096  # rows that are scored together
OTHERS = 5  # further reasons that are told of


@dataclasses.dataclass(frozen=True)
class Given:
    """Images of one size with their names; of a table, the names of its columns too."""

    images: np.ndarray  # (n, ...)
    names: list[str]
    columns: list[str] | None = None


class Explainer(BaseEstimator):  # type: ignore[misc]
    """Explains the scores of a model that knows normal data (`diabolo fit detect`), with scikit-learn's manners.

    An explanation is a repair: the fewest features of a row, or regions of a picture, that have to change for it to
    become normal, what to, and how much each brings. Of each it says what was seen and what was to be expected:

    - of a feature, `expected` is a guess from the row's other values once it is repaired: the mean of the five typical
      normal rows that are nearest without this feature, sent twice through the network. `spread` is one standard
      deviation of such guesses on the typical rows, raised by as much as the network's error is greater on held-out
      data.
    - of a region, `expected` is the mean of its redrawn pixels, and `spread` the root mean square error of the
      network at one pixel of the repaired picture, where nothing was redrawn.

    Parameters
    ----------
    model : path, starter's name, trained model, or estimator that holds one
        It must have witnesses.
    alpha : float
        The rate of false alarms: up to this p-value something is abnormal, above it is normal. More than 0, below 1.
    features : int
        The most features, or regions, that are changed in one image; 1 or more.
    device : str
        "cpu", "cuda", ...
    listen : callable or None
        Called with every event (`diabolo.events`).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from diabolo import AnomalyDetector
    >>> from diabolo.tasks.explain import Explainer
    >>> flowers = load_iris().data
    >>> detector = AnomalyDetector(alpha=0.1, options={"epochs": 30}).fit(flowers)
    >>> odd = flowers[:1] + [0, 0, 4, 0]
    >>> Explainer(detector, alpha=0.1).explain(odd)[0].reasons[0].where
    (2,)
    """

    def __init__(
        self,
        model: Any = None,
        *,
        alpha: float = 0.05,
        features: int = 3,
        device: str = "cpu",
        listen: Listener | None = None,
    ) -> None:
        self.model = model
        self.alpha = alpha
        self.features = features
        self.device = device
        self.listen = listen

    def explain(
        self, X: Any, names: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> list[Explanation]:
        """Explanations in the order of the images: of an array, a table, a folder or a picture.

        `names` are those of the images, `columns` those of a table; without them the source's own, or the model's.
        Raises `Mistake` for a model without witnesses, data of another shape, and what cannot be asked for.
        """
        return [one for given in self.given(X, names, columns) for one in self.explain_given(given)]

    def explain_given(self, given: Given, model: Model | None = None) -> list[Explanation]:
        """The same of images of one size; with another model in place of this explainer's."""
        model = dataclasses.replace(model or self.trained, batch_size=AT_ONCE)
        self.check(given.images.shape[1:])
        if given.images.ndim == 2:
            return self._of_rows(model, given)
        told = []
        for i, (picture, name) in enumerate(zip(given.images, given.names, strict=True)):
            told.append(self._of_picture(model, picture, name))
            (self.listen or ignore)(Passed(i + 1, len(given.images)))
        return told

    def again(self, found: Sequence[Explanation], model: Model) -> list[Explanation]:
        """The same images explained with another model in place of this explainer's."""
        columns = [str(j) for j in range(len(found[0].image))]
        if found[0].image.ndim == 1:
            return self.explain_given(
                Given(np.stack([e.image for e in found]), [e.name for e in found], columns), model
            )
        return [self.explain_given(Given(one.image[None], [one.name]), model)[0] for one in found]

    def given(
        self, X: Any, names: Sequence[str] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[Given]:
        """What `explain` takes, as arrays of one size each, brought to the model's side and channels."""
        model = self.trained
        known(model)
        source = open_source(X)
        if not len(source):
            raise Mistake("there is nothing to explain", source.description, "1 or more images or rows")
        told = list(names) if names is not None else [source.name(i) for i in range(len(source))]
        if len(told) != len(source):
            raise Mistake("as many names as images", got=f"{len(told)} for {len(source)}", allowed=str(len(source)))
        for name, reason in getattr(source, "unreadable", ()):
            (self.listen or ignore)(Note(f"left out {name}: {reason}", warning=True))
        array = getattr(source, "array", None)
        if array is None or array.ndim > 2:
            pictures = [model.bring(source.read(i)) for i in range(len(source))]
            for shape in dict.fromkeys(picture.shape for picture in pictures):
                same = [i for i, picture in enumerate(pictures) if picture.shape == shape]
                images = np.stack([pictures[i] for i in same])
                model.conversion.to_network(images)  # refuses what does not fit
                yield Given(images, [told[i] for i in same])
            return
        model.conversion.to_network(array)  # refuses what does not fit
        own = columns or getattr(source, "columns", None) or model.provenance.get("columns")
        labels = list(own) if own else [f"column {j + 1}" for j in range(array.shape[1])]
        if len(labels) != array.shape[1]:
            raise Mistake("as many names of columns as columns", str(len(labels)), str(array.shape[1]))
        yield Given(np.asarray(array), told, labels)

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse an `alpha` that cannot be promised, and a number of features that cannot be."""
        conformal.check_alpha(self.alpha, len(known(self.trained).scores))
        most = shape[0] if len(shape) == 1 else shape[0] * shape[1]
        whole = isinstance(self.features, int | np.integer) and not isinstance(self.features, bool)
        if not whole or not 1 <= self.features <= most:
            what = "features" if len(shape) == 1 else "pixels"
            allowed = f"1 to {most}, since there are {most} {what}"
            raise Mistake("not a number of features to change", f"--features {self.features}", allowed, "--features 3")

    @property
    def trained(self) -> Model:
        """The trained model; a `Mistake` where there is none."""
        return held(self)

    def _of_rows(self, model: Model, given: Given) -> list[Explanation]:
        normal = known(model).scores.double().cpu().numpy()
        typical = Typical(model, given.images.dtype)
        rows = typical.complete(given.images)
        limit = conformal.threshold(normal, self.alpha)
        repairs = repair_rows(model, typical, rows, self.features, limit)
        asked = [(i, j) for i, one in enumerate(repairs) for j in one.order[: len(one.changed) + OTHERS]]
        columns = np.array([j for _, j in asked])
        expected = typical.guess(np.stack([repairs[i].repaired for i, _ in asked]), columns)
        used = np.unique(columns)
        spreads = dict(zip(used.tolist(), typical.spread(used).tolist(), strict=True))
        guesses = {(i, int(j)): float(value) for (i, j), value in zip(asked, expected, strict=True)}
        labels = given.columns or [f"column {j + 1}" for j in range(rows.shape[1])]
        maps = judge(model, given.images).maps
        told = []
        for i, one in enumerate(repairs):
            gains = dict(zip(one.changed, one.gains, strict=True))
            reasons = []
            for j in (int(j) for j in one.order[: len(one.changed) + OTHERS]):
                to = float(one.repaired[j]) if j in gains else None
                gain, seen = gains.get(j, float(one.single[j])), float(given.images[i, j])
                reasons.append(Reason(labels[j], (j,), seen, guesses[i, j], spreads[j], gain, to))
            told.append(_explanation(given.names[i], given.images[i], one, self.alpha, normal, reasons, maps[i]))
        return told

    def _of_picture(self, model: Model, picture: np.ndarray, name: str) -> Explanation:
        normal = known(model)
        compared = normal.scores.double().cpu().numpy()
        limit = conformal.threshold(compared, self.alpha)
        peak = -conformal.threshold(normal.peaks.double().cpu().numpy(), self.alpha)
        one = repair_picture(model, picture, self.features, limit, peak)
        again = model.reconstruct(one.repaired[None])[0]
        spread = _spread(picture, one.repaired, again)
        reasons = [_region(picture, one.repaired, region, spread, True) for region in one.regions]
        reasons += [_region(picture, again, region, spread, False) for region in one.others[:OTHERS]]
        return _explanation(name, picture, one, self.alpha, compared, reasons, one.heat)


def _explanation(
    name: str,
    image: np.ndarray,
    repair: Repair | PictureRepair,
    alpha: float,
    normal: np.ndarray,
    reasons: list[Reason],
    heat: np.ndarray,
) -> Explanation:
    p, after = (float(conformal.p_values(np.array(s), normal)) for s in (repair.score, repair.repaired_score))
    strength = _of_columns(repair.order) if isinstance(repair, Repair) else _of_places(repair)
    count = len(repair.changed) if isinstance(repair, Repair) else len(repair.regions)
    made, others = tuple(reasons[:count]), tuple(reasons[count:])
    scores = repair.score, p, alpha, repair.repaired_score, after
    return Explanation(name, *scores, made, others, image, repair.repaired, strength, heat)


def _of_columns(order: np.ndarray) -> np.ndarray:
    """From 1 for the first to 1 / d for the last."""
    strength = np.empty(len(order))
    strength[order] = np.linspace(1, 1 / len(order), len(order))
    return strength


def _of_places(repair: PictureRepair) -> np.ndarray:
    """Each region's gain, shared out over its pixels; a thousandth of it for those left alone; the rest by heat."""
    size = repair.repaired.shape[:2]
    heat = repair.heat if repair.heat.shape == size else np.zeros(size)
    strength = 1e-9 * (heat - heat.min()) / max(float(np.ptp(heat)), 1e-12)
    for part, regions in ((1.0, repair.regions), (1e-3, repair.others)):
        strength = strength + sum((part * max(0.0, r.gain) * r.shares for r in regions), start=np.zeros(size))
    return np.asarray(strength / max(float(strength.max()), 1e-12))


def _spread(picture: np.ndarray, repaired: np.ndarray, again: np.ndarray) -> float:
    """Root mean square of what the network misses in the repaired picture, over the values that were left alone."""
    same = picture == repaired
    squares = np.square(repaired.astype(np.float64) - again)
    return float(np.sqrt(squares[same].mean() if same.any() else squares.mean()))


def _region(picture: np.ndarray, new: np.ndarray, region: Redrawn, spread: float, changed: bool) -> Reason:
    inside = region.mask >= 0.5
    seen, expected = (float(values[inside].astype(np.float64).mean()) for values in (picture, new))
    to = expected if changed else None
    return Reason(region_in_words(region.box), region.box, seen, expected, spread, region.gain, to)
