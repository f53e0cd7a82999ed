"""One picture of any size, type and number of channels through a restoring model, tile by tile."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.interpolation import COARSEST
from diabolo.model import Model
from diabolo.options import name_of
from diabolo.preprocessing import UNIT
from diabolo.tiles import JPEG_GRID, by_tiles

# What each verb undoes: the corruptions that a model was trained with.
UNDOES = {
    "inpaint": ("missing-pixels", "strokes", "boxes"),
    "enlarge": ("downscale",),
    "deblur": ("blur",),
    "denoise": ("noise", "shot", "poisson", "speckle", "salt-and-pepper", "recorrupt", "blind-spot"),
    "deblock": ("jpeg",),
}
BESIDE = ("denoise", "deblock")  # what models of the other verbs may have learned too
SHOWN = 2  # in a mask: was missing, but has been filled in and is shown to the model
Hint = Callable[[Tensor], Tensor]  # (n, c, h, w) as the network sees it -> (n, 1, h, w)


class Restored(NamedTuple):
    """A restored picture, and how sure it is.

    `values` has the shape and type of the picture. `bounds`, of the same shape, is half the width of the interval that
    holds nine in ten of the true values, in the picture's units, float32; None where it was not asked for.
    """

    values: np.ndarray
    bounds: np.ndarray | None = None


def check_purpose(model: Model, verb: str) -> None:
    """Refuse a model that was trained for something else; the mistake says for what, and what to type."""
    undone = {name_of(corruption) for corruption in model.recipe.corruption}
    fitting = [other for other, names in UNDOES.items() if undone & set(names)]
    main = [other for other in fitting if other not in BESIDE] or fitting
    if verb in main or (not undone and "target" in model.provenance):
        return _check_any_size(model)
    other = main[0] if main else "reconstruct"
    got = f"one for {other} ({', '.join(sorted(undone)) or 'no corruption'})"
    remedy = f"diabolo {other} ..., or a model of diabolo fit {verb} FOLDER -o MODEL"
    raise Mistake(f"this is no model for {verb}", got, f"trained with {' or '.join(UNDOES[verb])}", remedy)


def _check_any_size(model: Model) -> None:
    if not model.conversion.any_size:
        got = f"one for arrays {model.conversion.describe()}"
        remedy = "diabolo reconstruct ..., or a model trained with --architecture unet"
        raise Mistake("this model does not take pictures of any size", got=got, remedy=remedy)


@dataclasses.dataclass(frozen=True)
class Restorer:
    """A model that restores pictures. A grey model takes colour channel by channel; a colour one takes grey as colour.

    Pictures larger than `tile` pixels a side go through in overlapping tiles, so that memory does not grow with them.
    """

    model: Model
    tile: int = 512
    overlap: int = 96  # pixels; nothing is seen of a quarter of them along each edge

    def restore(
        self,
        values: np.ndarray,
        hint: Hint | None = None,
        missing: np.ndarray | None = None,
        bounds: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> Restored:
        """Restore a picture (h, w) or (h, w, c), uint8, uint16 or float.

        `hint` makes what the encoder is told, if it is told anything. `missing` (h, w), not 0 = missing, hides pixels
        (but those that are `SHOWN`) and is told to an encoder that wants to know. `progress` is called with (tiles
        done, tiles in all). A `Mistake` where `bounds` are asked of a model that has none.
        """
        if bounds:
            self.check_bounds()
        picture = values if values.ndim == 3 else values[..., None]
        planes = picture if missing is None else np.concatenate((picture, missing[..., None].astype(values.dtype)), 2)
        multiple = int(getattr(self.model.network.encoder, "multiple", 1))
        align = COARSEST if self.model.network.holes else 1  # a hole is filled alike whatever tile it lies in
        grid = math.lcm(multiple, JPEG_GRID, align)
        tile = max(self.tile, 2 * grid)
        out = [np.empty(picture.shape, values.dtype), *([np.empty(picture.shape, np.float32)] if bounds else [])]
        by_tiles(
            planes,
            lambda piece: self._piece(piece, picture.shape[2], hint, bounds),
            multiple=multiple,
            align=align,
            tile=tile,
            overlap=min(self.overlap, tile // grid * grid // 2),
            out=out,
            progress=progress,
        )
        return Restored(*(part.reshape(values.shape) for part in out))

    def check_bounds(self) -> None:
        """Refuse a model that does not know how sure it is."""
        if self.model.bounds is None:
            raise Mistake("this model does not know how sure it is", remedy="train it anew on clean pictures")

    def as_images(self, values: np.ndarray) -> np.ndarray:
        """A picture in the numbers that the network sees, 0..1 for what it learned from; the same where they are."""
        offset, scale = self.model.conversion.offset[0], self.model.conversion.scale[0]
        if (offset, scale) == (0.0, 1.0):
            return values
        return ((values / UNIT.get(values.dtype.name, 1.0) - offset) / scale).astype(np.float32)

    def _piece(self, piece: np.ndarray, channels: int, hint: Hint | None, bounds: bool) -> np.ndarray:
        """A piece (h, w, channels and perhaps the mask) to (h, w, channels, twice with bounds), the picture's units."""
        model = self.model
        images = _as_images(piece[..., :channels], model.conversion.shape[0])
        if model.conversion.layout == "channels" and images.ndim == 3:
            images = images[..., None]
        x = model.conversion.to_network(images, model.dtype).to(model.device)
        missing, told = None, hint(x) if hint else None
        if piece.shape[2] > channels:
            mask = torch.from_numpy(piece[..., channels].astype(np.uint8)).expand(len(x), 1, -1, -1).to(x)
            missing, hidden = (mask > 0).to(x), ((mask > 0) & (mask != SHOWN)).to(x)
            x = torch.where(hidden > 0, self._fill, x)
            told = hidden if model.recipe.hint == "missing" else told
        with torch.no_grad():
            y = model.recipe.likelihood.mean(model.network(x, hint=told).parameters)
            results = [y]
            if bounds and model.bounds:
                results.append(model.bounds(x, y, missing if model.recipe.hint == "missing" else told))
        unit = UNIT.get(piece.dtype.name, 1.0)
        scale, offset = model.conversion.scale[0], model.conversion.offset[0]
        in_units = [r.cpu().float() * scale * unit + (offset * unit if r is y else 0.0) for r in results]
        return np.concatenate([_as_piece(r.numpy(), channels) for r in in_units], 2)

    @property
    def _fill(self) -> float:
        """What the missing pixels were hidden under in training, in network units."""
        fills = [mask.fill for mask in self.model.recipe.corruption if hasattr(mask, "fill")]
        return (fills[0] / 255.0 if fills else 0.0) / self.model.conversion.scale[0]


def _as_images(raw: np.ndarray, wanted: int) -> np.ndarray:
    """(h, w, c) as the batch that a model of `wanted` channels takes: (n, h, w) or (n, h, w, wanted)."""
    has = raw.shape[2]
    if wanted == 1:
        return np.ascontiguousarray(np.moveaxis(raw, 2, 0))
    if has == 1:
        return np.repeat(raw, wanted, axis=2)[None]
    if has != wanted:
        raise Mistake("a picture of another kind", got=f"{has} channels", allowed=f"1 or {wanted}")
    return raw[None]


def _as_piece(images: np.ndarray, channels: int) -> np.ndarray:
    """Network images (n, c, h, w) as one piece (h, w, channels)."""
    if images.shape[1] == 1:
        return np.moveaxis(images[:, 0], 0, 2)
    return images[0].mean(0)[..., None] if channels == 1 else np.moveaxis(images[0], 0, 2)
