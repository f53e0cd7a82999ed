"""Is an explanation true of the model? Tests of it: deletion curves, randomised weights, known places, and sums."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from diabolo.judgement import scores
from diabolo.model import Model
from diabolo.network import Network
from diabolo.tasks.explain.needs import grid_cells
from diabolo.tasks.explain.reasons import Explanation

STEPS = 10  # places replaced one after the other, at most
MOST = 16  # explanations that are tested
EVEN = 1e-12  # a change of the score below this is none


@dataclasses.dataclass(frozen=True)
class Faithfulness:
    """Figures over the abnormal ones of the explained; NaN where there was none to measure on."""

    images: int
    curves: dict[str, np.ndarray]  # (steps + 1,) share of the repair's rise that is reached, by order of replacement
    areas: dict[str, float]  # the mean of each curve without its start, at most 1; higher = the right places first
    randomised: float  # rank correlation with the explanation of the same network with random weights; 0 = unrelated
    completeness: float  # greatest |sum of gains - rise of the score| / |rise|; 0 = the gains tell all of it

    def to_dict(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "recovery": {name: [_plain(v) for v in curve] for name, curve in self.curves.items()},
            "area": {name: _plain(area) for name, area in self.areas.items()},
            "rank_correlation_with_random_weights": _plain(self.randomised),
            "completeness_error": _plain(self.completeness),
        }


Again = Callable[[Sequence[Explanation], Model], Sequence[Explanation]]  # the same images explained by another model


def testable(found: Sequence[Explanation]) -> list[Explanation]:
    """Those that tests are made on: abnormal, with something that was changed, 16 at most."""
    return [one for one in found if one.abnormal and one.reasons][:MOST]


def faithfulness(
    model: Model,
    found: Sequence[Explanation],
    again: Again,
    others: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> Faithfulness:
    """Test explanations of a model, all of them testable; `others` are strengths of other methods, for the curves."""
    if not found:
        return Faithfulness(0, {}, {}, float("nan"), float("nan"))
    curves = deletion(model, found, others, seed)
    areas = {name: float(curve[1:].mean()) for name, curve in curves.items()}
    with np.errstate(all="ignore"):  # random weights may give anything
        pairs = list(zip(found, again(found, randomised(model, seed)), strict=True))
    worst = max(completeness_error(one) for one in found)
    return Faithfulness(len(found), curves, areas, agreement(pairs), worst)


def deletion(
    model: Model,
    found: Sequence[Explanation],
    others: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """Replace places one after the other by what repairs them, in several orders: the mean share of the rise reached.

    0 = the score as seen, 1 = that of what was repaired; places that the repair leaves alone become what the network
    makes of it. The orders: the explanation's, that of the squared residuals, one at random, and those of `others`.
    (Deletion: Petsiuk, Das and Saenko 2018, section 3.2, with the model's own repair in place of a grey square)
    """
    draw = np.random.default_rng(seed)
    total: dict[str, list[np.ndarray]] = {}
    for i, one in enumerate(found):
        cells, target = cells_of(one), _target(model, one)
        residual = np.square(one.image.astype(np.float64) - model.reconstruct(one.image[None])[0])
        strengths = {
            "explanation": by_cell(one.strength, cells),
            "residual": by_cell(residual.mean(2) if residual.ndim == 3 else residual, cells),
            "random": draw.random(int(cells.max()) + 1),
        } | {name: by_cell(values[i], cells) for name, values in (others or {}).items()}
        steps = min(STEPS, int(cells.max()) + 1)
        orders = [np.argsort(-strength, kind="stable")[:steps] for strength in strengths.values()]
        rows = np.concatenate([_replaced(one.image, target, cells, order) for order in orders])
        scored = scores(model, rows).reshape(len(strengths), steps)
        rise = one.repaired_score - one.score
        for name, after in zip(strengths, scored, strict=True):
            share = np.clip((after - one.score) / max(rise, EVEN), -1, 1)
            total.setdefault(name, []).append(np.concatenate(([0.0], share, np.full(STEPS - steps, share[-1]))))
    return {name: np.mean(curves, 0) for name, curves in total.items()}


def randomised(model: Model, seed: int = 0) -> Model:
    """The model with new random weights in its network, and all else as it was (Adebayo et al. 2018, section 3)."""
    network = Network(model.recipe, model.conversion.shape, seed + 1)
    other = copy.copy(model)
    other.network = network.to(model.device).to(model.dtype).eval()
    return other


def agreement(pairs: Sequence[tuple[Explanation, Explanation]]) -> float:
    """Mean rank correlation (Spearman) of the strengths of explanations of the same images, -1..1."""
    found = []
    for one, other in pairs:
        first, second = (by_cell(e.strength, cells_of(one)) for e in (one, other))
        if len(first) > 1 and first.std() > 0:  # nothing told at all agrees with nothing
            found.append(float(spearmanr(first, second).statistic) if second.std() > 0 else 0.0)
    return float(np.mean(found)) if found else float("nan")


def localisation(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> tuple[float, float]:
    """Whether maps (h, w) point at known places, masks that are not 0 there; two figures in 0..1, 1 = always.

    The share of maps whose greatest value lies in the mask (pointing game, Zhang et al. 2018, section 4.1), and the
    mean share of the mask's pixels among as many of the map's greatest values.
    """
    points, shares = [], []
    for heat, mask in zip(maps, masks, strict=True):
        truth = np.asarray(mask).reshape(-1) != 0
        if not truth.any():
            continue
        order = np.argsort(-np.asarray(heat).reshape(-1), kind="stable")
        points.append(bool(truth[order[0]]))
        shares.append(float(truth[order[: int(truth.sum())]].mean()))
    return (float(np.mean(points)), float(np.mean(shares))) if points else (float("nan"), float("nan"))


def completeness_error(one: Explanation) -> float:
    """|sum of the gains - (score of what is repaired - score)|, relative to the latter; 0 = nothing is left out."""
    rise = one.repaired_score - one.score
    return abs(sum(reason.gain for reason in one.reasons) - rise) / max(abs(rise), EVEN)


def _target(model: Model, one: Explanation) -> np.ndarray:
    """What was repaired, and the network's reconstruction of it where nothing was changed."""
    back = model.reconstruct(one.repaired[None])[0]
    same = one.repaired == one.image
    return np.where(same, back, one.repaired)


def cells_of(one: Explanation) -> np.ndarray:
    """The number of the cell of every place: features by themselves, pixels by an 8 x 8 grid."""
    if one.image.ndim == 1:
        return np.arange(len(one.image))
    return grid_cells(*one.image.shape[:2])


def by_cell(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The mean over each cell of values (d,) or (h, w); what is no number counts as 0."""
    sums = np.bincount(cells.reshape(-1), weights=np.nan_to_num(values.reshape(-1).astype(np.float64)))
    means: np.ndarray = sums / np.bincount(cells.reshape(-1))
    return means


def _replaced(image: np.ndarray, target: np.ndarray, cells: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(steps, *image): the cells of `order` replaced, one more each time."""
    present, rows = image.copy(), []
    for cell in order:
        present[cells == cell] = target[cells == cell]
        rows.append(present.copy())
    return np.stack(rows)


def _plain(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
