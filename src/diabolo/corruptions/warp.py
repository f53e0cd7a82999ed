"""Pictures bent out of shape: turned, enlarged or shrunk, sheared, moved, and stretched here and there."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from diabolo.corruptions.draws import Corrupted, chosen, need_images, precise, uniform
from diabolo.options import option, part

CELLS = 4  # along each side of the coarse grid whose corners are moved


@part
class Warp:
    """Turn, scale, shear and move a picture at random, and bend it; beyond its border it goes on as at the border."""

    turn: float = option(90.0, "the most that it is turned, either way", unit="degrees", at_least=0, at_most=180)
    scale: float = option(0.5, "the most that the logarithm of its size changes", at_least=0, at_most=2)
    shear: float = option(0.5, "the most that it is sheared", at_least=0, at_most=2)
    shift: float = option(0.15, "the most that it is moved", unit="share of the side", at_least=0, at_most=1)
    bend: float = option(
        0.2, "the most that a place is moved by itself", unit="share of the side", at_least=0, at_most=1
    )
    chance: float = option(0.5, "share of the images that are warped", at_least=0, at_most=1)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted:
        """Half of those that are warped are turned, scaled, sheared and moved, the others bent."""
        need_images(self, image)
        whole = precise(image)
        hit = chosen(self.chance, image, generator)
        bent = chosen(0.5, image, generator).flatten(1)[..., None, None]
        plain = torch.eye(2, 3, device=image.device, dtype=whole.dtype).expand(len(image), 2, 3)
        turned = affine_grid(self._matrices(whole, generator), list(image.shape), align_corners=False)
        still = affine_grid(plain, list(image.shape), align_corners=False)
        moves = 2 * uniform((len(image), 2, CELLS, CELLS), whole, generator) - 1
        moves = interpolate(2 * self.bend * moves, image.shape[2:], mode="bicubic", align_corners=True)
        grid = torch.where(bent, still + moves.movedim(1, -1), turned)
        warped = grid_sample(whole, grid.to(whole.dtype), padding_mode="border", align_corners=False)
        result = torch.where(hit, warped, whole)
        return Corrupted(
            result.to(image.dtype), (hit & torch.ones_like(image[:, :1], dtype=torch.bool)).to(image.dtype)
        )

    def _matrices(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """One affine map for each image, (n, 2, 3), as `affine_grid` takes them."""
        turn, scale, shear, across, down = (2 * uniform((5, len(image)), image, generator) - 1).unbind(0)
        angle, size = turn * math.radians(self.turn), (scale * self.scale).exp()
        cosine, sine = angle.cos() * size, angle.sin() * size
        first = torch.stack((cosine, shear * self.shear - sine, 2 * self.shift * across), 1)
        return torch.stack((first, torch.stack((sine, cosine, 2 * self.shift * down), 1)), 1).to(image.dtype)
