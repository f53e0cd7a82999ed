"""A model's judgement of images: how normal each is, and which of its places are not. Large pictures go by tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.model import Model, chunks
from diabolo.normal import Normal, refuse_wholes
from diabolo.tiles import by_tiles
from diabolo.witnesses import Evidence

TILE = 1024  # pixels; more than most pictures have, since every tile is seen in its own light
OVERLAP = 192  # pixels; nothing is seen of a quarter of it along an edge
AT_ONCE = 2**21  # values of images that go through the network together, about


class Judged(NamedTuple):
    """Scores (n,) float64, higher = more normal, and maps (n, h, w) or (n, d) float32, higher = more abnormal."""

    scores: np.ndarray
    maps: np.ndarray


def judge(model: Model, images: np.ndarray) -> Judged:
    """Judge raw images (n, ...) of one size. A `Mistake` for a model that knows nothing of normal images."""
    normal = known(model)
    parts = [_judged(normal, said) for said in witnessed(model, images)]
    scores, maps = zip(*parts, strict=True)
    return Judged(np.concatenate(scores), np.concatenate(maps))


def scores(model: Model, images: np.ndarray) -> np.ndarray:
    """The scores alone, (n,) float64, of raw images of one size."""
    normal = known(model)
    return np.concatenate([normal.score(said).double().cpu().numpy() for said in witnessed(model, images)])


def known(model: Model) -> Normal:
    """What the model knows of normal images; a `Mistake` where it knows nothing."""
    if model.normal is None:
        remedy = "diabolo fit detect GOOD/ -o m.diabolo"
        raise Mistake("this model knows nothing of normal pictures", "one without witnesses", "detect models", remedy)
    return model.normal


def witnessed(model: Model, images: np.ndarray) -> Iterator[list[Tensor]]:
    """What the witnesses say of raw images of one size, some images at a time."""
    if not len(images):
        raise Mistake("no images", got="0", allowed="1 or more")
    normal = known(model)
    if model.conversion.any_size and max(images.shape[1:3]) > TILE:
        yield from (_by_tiles(model, normal, image) for image in images)
        return
    at_once = max(1, min(model.batch_size, AT_ONCE // images[0].size))
    yield from (normal.said(evidence(model, chunk)) for chunk in chunks(images, at_once))


def evidence(model: Model, images: np.ndarray, inside: np.ndarray | None = None) -> Evidence:
    """What the network makes of raw images (n, ...) of one size, or of pieces that are `inside` (n, h, w) where 1."""
    model.network.eval()
    with torch.no_grad():
        x = model.conversion.to_network(images, model.dtype).to(model.device)
        hint = None if inside is None else torch.from_numpy(inside[:, None]).to(x)
        seen = model.network.evidence(x, hint)
        return seen._replace(restored=model.recipe.likelihood.mean(seen.restored))


def _judged(normal: Normal, said: list[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    return normal.score(said).double().cpu().numpy(), normal.heat(said).cpu().numpy()


def _by_tiles(model: Model, normal: Normal, image: np.ndarray) -> list[Tensor]:
    """What the witnesses say of one large picture: one (1, h, w) for each."""
    grey = image.ndim == 2
    frame = int(getattr(model.network.encoder, "frame", 0))
    planes = image[..., None] if grey else image
    if frame:  # a tile ends where the picture goes on: the network is told where the picture itself ends
        planes = np.concatenate((planes, np.ones_like(planes[..., :1])), 2)
        planes = np.pad(planes, [(frame, frame), (frame, frame), (0, 0)])

    def look(piece: np.ndarray) -> np.ndarray:
        piece, inside = (piece[..., :-1], piece[None, ..., -1]) if frame else (piece, None)
        said = normal.said(evidence(model, piece[..., 0][None] if grey else piece[None], inside))
        refuse_wholes(normal.parts, said)
        return torch.cat(said).movedim(0, -1).cpu().numpy()

    multiple = int(getattr(model.network.encoder, "multiple", 1))
    maps = by_tiles(planes, look, multiple=multiple, tile=TILE, overlap=OVERLAP, dtype=np.float32)
    height, width = image.shape[:2]
    maps = maps[frame : frame + height, frame : frame + width]
    return list(torch.from_numpy(maps).to(model.device).movedim(-1, 0)[:, None])


Score = Callable[[np.ndarray], np.ndarray]  # raw images of one size (n, ...) -> scores (n,), higher = more normal
