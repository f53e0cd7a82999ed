"""All there is to say of some images: their explanations, what the model needs, its code, and tests of it all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from diabolo import conformal
from diabolo.errors import Mistake
from diabolo.judgement import known
from diabolo.model import Model
from diabolo.tasks.explain import others
from diabolo.tasks.explain.explainer import Explainer, Given
from diabolo.tasks.explain.faithfulness import Faithfulness, faithfulness, testable
from diabolo.tasks.explain.guesses import Typical
from diabolo.tasks.explain.latents import Latents, latents
from diabolo.tasks.explain.needs import Needs, needs
from diabolo.tasks.explain.reasons import Explanation

MOST = 512  # images that needs and latents are looked at with


@dataclasses.dataclass(frozen=True)
class Study:
    """What was found; None where there were too few images to see it on, and the reason in `notes`."""

    explanations: list[Explanation]
    alpha: float
    columns: list[str] | None  # of a table
    beside: Given  # the images that needs and latents were looked at with
    needs: Needs | None
    latents: Latents | None
    faithfulness: Faithfulness
    tested: list[Explanation]
    others: dict[str, np.ndarray]  # strengths (tested, d) or (tested, h, w) by other methods
    peak: float  # above this a place of a map is abnormal
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "alpha": self.alpha,
            "abnormal": sum(one.abnormal for one in self.explanations),
            "explanations": [one.to_dict() for one in self.explanations],
            "needs": self.needs.to_dict() | {"columns": self.columns} if self.needs else None,
            "latents": self.latents.to_dict() if self.latents else None,
            "faithfulness": self.faithfulness.to_dict(),
            "notes": list(self.notes),
        }


def study(explainer: Explainer, X: Any, normal: Any = None, compare: bool = False) -> Study:
    """Explain X and look at the model; `compare` asks other methods as well, which takes much longer.

    `normal` are normal images to look at needs and latents with; without them a table's typical rows are taken, or X.
    """
    if compare:
        others.check_able()
    model = explainer.trained
    given = list(explainer.given(X))
    found = [one for some in given for one in explainer.explain_given(some)]
    beside = _beside(explainer, model, given, normal)
    notes: list[str] = []
    tested = testable(found)
    tested = [one for one in tested if one.image.shape == tested[0].image.shape]
    strengths = _others(model, tested) if compare and tested else {}
    if not tested:
        notes.append("no abnormal image could be repaired, so that nothing could be tested")
    return Study(
        explanations=found,
        alpha=explainer.alpha,
        columns=given[0].columns,
        beside=beside,
        needs=_or_note(lambda: needs(model, beside.images), notes),
        latents=_or_note(lambda: latents(model, beside.images), notes),
        faithfulness=faithfulness(model, tested, explainer.again, strengths),
        tested=tested,
        others=strengths,
        peak=-conformal.threshold(known(model).peaks.double().cpu().numpy(), explainer.alpha),
        notes=tuple(notes),
    )


def _beside(explainer: Explainer, model: Model, given: Sequence[Given], normal: Any) -> Given:
    """The most images of one size among the normal ones; of a table its typical rows, of pictures X itself."""
    if normal is None and given[0].images.ndim == 2:
        rows = Typical(model, given[0].images.dtype).rows
        return Given(rows, [f"typical row {i + 1}" for i in range(len(rows))], given[0].columns)
    runs = given if normal is None else list(explainer.given(normal))
    best = max(runs, key=lambda one: len(one.images))
    return Given(best.images[:MOST], best.names[:MOST], best.columns)


def _or_note(look: Any, notes: list[str]) -> Any:
    try:
        return look()
    except Mistake as mistake:
        notes.append(str(mistake))
        return None


def _others(model: Model, tested: Sequence[Explanation]) -> dict[str, np.ndarray]:
    images = np.stack([one.image for one in tested])
    if images.ndim == 2:
        typical = Typical(model, images.dtype)
        images = typical.complete(images)
        baselines = np.broadcast_to(np.median(typical.rows, 0).astype(images.dtype), images.shape).copy()
    else:
        flat = images.mean((1, 2), keepdims=True)
        baselines = np.broadcast_to(flat, images.shape).astype(images.dtype)
    return others.attributions(model, images, baselines)
