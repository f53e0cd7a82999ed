"""What each number of a code means: what changes when it is moved, who has most and least of it, how many are used."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.model import Model

FEWEST = 3  # images
SHOWN = 8  # latents, those whose traversals change the image most
STEPS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # standard deviations
ACTIVE = 0.1  # of the greatest deviation in an image's code: latents above count as active
MOST_VARIANCE = 0.9


@dataclasses.dataclass(frozen=True)
class Latents:
    """The code of n given images, (n, k): of a code that is a map, the mean of each channel."""

    codes: np.ndarray
    chosen: tuple[int, ...]  # the latents that are shown
    traversals: np.ndarray | None  # (chosen, steps, *raw image); None where no code alone can be decoded
    refusal: str  # why not
    lowest: np.ndarray  # (chosen, 3): numbers of the images with the least of each latent
    highest: np.ndarray
    active: np.ndarray  # (n,): share of the latents that are active in each image, 0..1
    enough: int  # so many latents hold 90 % of the code's variance

    def to_dict(self) -> dict[str, Any]:
        return {
            "latents": self.codes.shape[1],
            "images": len(self.codes),
            "shown": list(self.chosen),
            "lowest": self.lowest.tolist(),
            "highest": self.highest.tolist(),
            "mean_share_active": round(float(self.active.mean()), 6),
            "hold_90_percent_of_variance": self.enough,
            "traversals": self.refusal or [list(STEPS)] * len(self.chosen),
        }


def latents(model: Model, images: np.ndarray) -> Latents:
    """Look at the code of raw images (n, ...) of one size, n at least 3.

    Traversals decode the mean code with one latent moved by -2 to 2 of its standard deviations over these images
    (Higgins et al. 2017, section 4). A latent is active in an image if it lies further from its median than a tenth of
    what the image's furthest one does.
    """
    if len(images) < FEWEST:
        raise Mistake("too few images to look at the code", got=str(len(images)), allowed="3 or more")
    whole = model.encode(images)
    codes = whole.reshape(*whole.shape[:2], -1).mean(2)
    deviation = codes.std(0)
    moved, refusal, order = None, "", np.argsort(-deviation, kind="stable")
    try:
        moved = _moved(model, whole)
        effect = np.square(moved[:, -1].astype(np.float64) - moved[:, 0]).reshape(len(moved), -1).sum(1)
        order = np.argsort(-effect, kind="stable")
    except Mistake as mistake:
        refusal = str(mistake)
    chosen = order[:SHOWN]
    ranks = np.argsort(codes[:, chosen], 0, kind="stable").T
    away = np.abs(codes - np.median(codes, 0))
    active = (away > ACTIVE * away.max(1, keepdims=True)).mean(1)
    held = np.cumsum(np.sort(deviation**2)[::-1])
    enough = int(np.searchsorted(held, MOST_VARIANCE * held[-1])) + 1 if held[-1] > 0 else 0
    shown = None if moved is None else moved[chosen]
    numbers = tuple(int(i) for i in chosen)
    return Latents(codes, numbers, shown, refusal, ranks[:, :3], ranks[:, : -1 - 3 : -1], active, enough)


def _moved(model: Model, codes: np.ndarray) -> np.ndarray:
    """(k, steps, *raw image)."""
    mean, deviation = codes.mean(0), codes.std(0)
    places = deviation.reshape(len(mean), -1).mean(1)
    asked = np.repeat(mean[None, None], len(mean), 0).repeat(len(STEPS), 1)
    for k, step in enumerate(places):
        for s, times in enumerate(STEPS):
            asked[k, s, k] += times * step
    back = model.decode(asked.reshape(-1, *mean.shape))
    return back.reshape(len(mean), len(STEPS), *back.shape[1:])
