"""Training data that may not be all normal: what does not fit the rest is found and left out.

Each half of the images is judged by a model that learned from the other half, so that no image vouches for itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Note
from diabolo.judgement import scores
from diabolo.model import Model
from diabolo.options import replace
from diabolo.recipe import Recipe
from diabolo.sources import Chosen, Source

FEWEST = 20  # images that can be halved
MOST = 0.5  # share that may be left out
WHISKER = 1.5  # of the adjusted boxplot
SAMPLE = 1000  # scores from which the skewness is measured, which takes the square of their number
NAMED = 200  # names that a model remembers


def trimmed(source: Source, recipe: Recipe, learn: Callable[[Source, Recipe], Model], listen: Listener) -> list[int]:
    """The places of the images that do not fit the others, upwards; `learn` trains a model on some of them.

    `training.contamination` says how many: a share, or "auto": scores beyond the lower whisker of the adjusted boxplot
    (Hubert and Vandervieren 2008), which holds for skew distributions too and leaves out 0.35 % of normal ones.
    """
    share = share_of(recipe.training.contamination)
    if not recipe.witnesses:
        raise Mistake("only a recipe with witnesses knows what does not fit", remedy="--contamination none")
    if len(source) < FEWEST:
        got = f"{len(source)} images"
        raise Mistake("too few images to tell which do not fit", got, f"{FEWEST} or more", "--contamination none")
    plain = replace(recipe, "training.contamination", "none")
    order = np.random.default_rng([recipe.training.seed, 1]).permutation(len(source))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    values = np.empty(len(source))
    for one, other in (halves, halves[::-1]):
        model = learn(Chosen(source, one.tolist()), plain)
        found = np.array([_score(model, source, int(i)) for i in other])
        middle = np.nanmedian(found)
        values[other] = (found - middle) / (np.nanmedian(np.abs(found - middle)) or 1.0)
    read = values[~np.isnan(values)]
    below = lower_whisker(read) if share is None else np.quantile(read, share)
    left = np.flatnonzero(values < below)
    listen(Note(f"{len(left)} of {len(source)} images do not fit the others and are left out"))
    return [int(i) for i in left]


def _score(model: Model, source: Source, index: int) -> float:
    """An image's score; NaN where it cannot be read, which the training leaves out and tells by itself."""
    try:
        image = source.read(index)
    except Mistake:
        return math.nan
    return float(scores(model, model.bring(image)[None])[0])


def share_of(contamination: str) -> float | None:
    """The share that is to be left out; None where it is to be found. A `Mistake` for anything else."""
    if contamination == "auto":
        return None
    try:
        share = float(contamination)
    except ValueError:
        share = math.nan
    if not 0 <= share <= MOST:
        raise Mistake("no such contamination", repr(contamination), f"none, auto, or a share from 0 to {MOST:g}")
    return share


def lower_whisker(values: np.ndarray) -> float:
    """Below this a value is an outlier by the adjusted boxplot, Q1 - 1.5 exp(-4 MC) IQR or exp(-3 MC) where MC < 0.

    (Hubert and Vandervieren 2008, equation 5, whose exponents for the lower end depend on the sign of MC)
    """
    sample = np.random.default_rng(0).choice(values, SAMPLE, replace=False) if len(values) > SAMPLE else values
    low, high = np.quantile(values, (0.25, 0.75))
    skew = medcouple(sample)
    return float(low - WHISKER * math.exp((-4 if skew >= 0 else -3) * skew) * (high - low))


def medcouple(values: np.ndarray) -> float:
    """A robust measure of skewness, -1..1, of (n,) (Brys, Hubert and Struyf 2004, equation 3); takes n^2 numbers."""
    centred = np.sort(values) - np.median(values)
    upper, lower = centred[centred >= 0][:, None], centred[centred <= 0][None, :]
    width = upper - lower
    kernel = np.where(width > 0, (upper + lower) / np.where(width > 0, width, 1), 0.0)
    ties = np.arange(np.count_nonzero(centred == 0))  # values that are the median: half of their pairs lean either way
    kernel[: len(ties), kernel.shape[1] - len(ties) :] = np.sign(ties[:, None] + ties - len(ties) + 1)
    return float(np.median(kernel))
