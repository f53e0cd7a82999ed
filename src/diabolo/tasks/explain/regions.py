"""The repair of a picture: the fewest regions to redraw so that it becomes normal."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from scipy.ndimage import find_objects, gaussian_filter, label

from diabolo.interpolation import pull_push
from diabolo.judgement import judge, scores
from diabolo.model import Model

LARGEST = 0.15  # of a picture, what all regions of one look cover at most
FALLBACK = 0.05  # of a picture without a place that is too hot: the hottest are looked at
TRIED = 6  # regions at a time, those with the most heat
SOFT = 40  # the edge of a region is a 40th of the picture's shorter side, at least 1 pixel
EIGHT = np.ones((3, 3), int)  # pixels that touch at a corner belong together


@dataclasses.dataclass(frozen=True)
class Redrawn:
    """A region that was redrawn."""

    mask: np.ndarray  # (h, w), 0..1, soft at its edge: the share of the new picture
    box: tuple[int, int, int, int]  # top, left, bottom, right; the last two beyond it
    gain: float  # how much the score rose
    shares: np.ndarray  # (h, w), of each pixel in the squared change: what it has of the gain; their sum is 1


@dataclasses.dataclass(frozen=True)
class PictureRepair:
    """A picture, what it becomes, and which regions were redrawn, in this order."""

    repaired: np.ndarray
    regions: tuple[Redrawn, ...]
    others: tuple[Redrawn, ...]  # what redrawing one more region would bring; nothing of it is in `repaired`
    heat: np.ndarray  # (h, w) of the picture as seen, higher = more abnormal; (,) where no witness knows places
    score: float
    repaired_score: float


def repair_picture(model: Model, picture: np.ndarray, features: int, limit: float, peak: float) -> PictureRepair:
    """Redraw up to `features` regions of a picture until its score is `limit` or more.

    Regions are connected places whose heat reaches `peak`, the normal pictures' limit, or else the hottest twentieth;
    where no witness knows places, their residual stands for heat. Each is tried with the network's reconstruction of
    the picture, and of the picture with the region smoothly filled first, blended in at a soft edge. The one that
    raises the score most is kept, and the picture is looked at anew; the search ends where it is normal or nothing
    helps.
    """
    judged = judge(model, picture[None])
    heat, score = judged.maps[0], float(judged.scores[0])
    present, height, regions = picture, score, []
    others: list[Redrawn] = []
    for step in range(features + 1):
        masks = _regions(_heat(model, present), peak)
        after, drawn = _tried(model, present, masks)
        order = np.argsort(-after, kind="stable")
        found = [Redrawn(masks[i], _box(masks[i]), float(after[i]) - height, _shares(present, drawn[i])) for i in order]
        if step == features or height >= limit or not found or found[0].gain <= 0:
            others = found
            break
        present, height = drawn[order[0]], float(after[order[0]])
        regions.append(found[0])
    return PictureRepair(present, tuple(regions), tuple(others), heat, score, height)


def _heat(model: Model, picture: np.ndarray) -> np.ndarray:
    heat = judge(model, picture[None]).maps[0]
    if heat.ndim == 2:
        return heat
    residual = np.square(picture.astype(np.float64) - model.reconstruct(picture[None])[0])
    return (residual if residual.ndim == 2 else residual.mean(2)).astype(np.float32)


def _regions(heat: np.ndarray, peak: float) -> list[np.ndarray]:
    """Soft masks (h, w), the one with the most heat first.

    A region reaches as far as the heat is above half of `peak`, if it is above `peak` somewhere (Canny 1986).
    """
    named, count = label(heat > peak / 2, EIGHT)
    hottest = np.bincount(named[heat > peak], minlength=count + 1) > 0
    above = hottest[named] & (named > 0)
    if not 0 < above.mean() <= LARGEST:
        above = heat >= np.quantile(heat, 1 - (LARGEST if above.any() else FALLBACK))
    named, count = label(above, EIGHT)
    excess = np.bincount(named.reshape(-1), weights=(heat - heat.min()).reshape(-1), minlength=count + 1)[1:]
    edge = max(1.0, min(heat.shape) / SOFT)
    return [_soft(named == 1 + i, edge) for i in np.argsort(-excess, kind="stable")[:TRIED]]


def _soft(mask: np.ndarray, edge: float) -> np.ndarray:
    """1 inside the mask and on its rim, falling to 0 over about `edge` pixels."""
    grown = gaussian_filter(mask.astype(np.float32), edge, mode="nearest")
    return np.maximum(mask, np.clip(2 * grown, 0, 1) * (grown > 0.05)).astype(np.float32)


def _tried(model: Model, picture: np.ndarray, masks: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The best score with each region redrawn, and the picture that has it."""
    if not masks:
        return np.zeros(0), []
    plain = model.reconstruct(picture[None])[0]
    filled = np.stack([_blended(picture, _filled(picture, mask), mask) for mask in masks])
    again = [_blended(picture, new, mask) for new, mask in zip(model.reconstruct(filled), masks, strict=True)]
    again = list(model.reconstruct(np.stack(again)))
    pairs = [(_blended(picture, plain, m), _blended(picture, a, m)) for a, m in zip(again, masks, strict=True)]
    scored = scores(model, np.stack([one for pair in pairs for one in pair])).reshape(-1, 2)
    which = scored.argmax(1)
    return scored.max(1), [pair[i] for pair, i in zip(pairs, which, strict=True)]


def _filled(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    planes = picture[..., None] if picture.ndim == 2 else picture
    image = torch.from_numpy(planes.astype(np.float32)).permute(2, 0, 1)[None]
    smooth = pull_push(image, torch.from_numpy((mask > 0).astype(np.float32))[None, None])[0].permute(1, 2, 0).numpy()
    return smooth.reshape(picture.shape)


def _blended(picture: np.ndarray, new: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture with `new` where the mask says so, in the picture's own type."""
    share = mask if picture.ndim == 2 else mask[..., None]
    wide = picture.astype(np.float64)
    mixed = wide + share * (new.astype(np.float64) - wide)
    mixed = np.rint(mixed) if picture.dtype.kind in "biu" else mixed
    result = mixed.astype(picture.dtype)
    result[mask == 0] = picture[mask == 0]
    return result


def _shares(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    squares = np.square(after.astype(np.float64) - before.astype(np.float64))
    squares = squares.mean(2) if squares.ndim == 3 else squares
    shares: np.ndarray = squares / max(float(squares.sum()), 1e-300)
    return shares


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = find_objects((mask >= 0.5).astype(int))[0]
    return rows.start, columns.start, rows.stop, columns.stop


def region_in_words(box: tuple[int, int, int, int]) -> str:
    """A box of pixels, counted from 1.

    >>> region_in_words((2, 4, 8, 9)), region_in_words((2, 4, 3, 5))
    ('rows 3-8, columns 5-9', 'row 3, column 5')
    """
    top, left, bottom, right = box
    rows = f"rows {top + 1}-{bottom}" if bottom > top + 1 else f"row {top + 1}"
    return f"{rows}, columns {left + 1}-{right}" if right > left + 1 else f"{rows}, column {left + 1}"
