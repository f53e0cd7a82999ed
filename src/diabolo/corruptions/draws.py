"""What the corruptions share: their contract and result, and the drawing of strengths from a range."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.options import name_of

FULL_SCALE = 255.0  # 8-bit units in the image range 0..1
ON_VECTORS = (
    "noise",
    "shot",
    "salt-and-pepper",
    "poisson",
    "speckle",
    "missing-pixels",
    "swap",
    "recorrupt",
)  # the others need an image's rows


class Corrupted(NamedTuple):
    """A corrupted batch, and what is known of how it was corrupted.

    `image` has the shape, dtype and device of the input. `missing` is (n, 1, h, w) for images and (n, d) for
    vectors, of the image's dtype, 1 = missing and 0 = seen; None where nothing was hidden. `noise` (n, 2) is the
    variance that was added: the same everywhere, and per unit of brightness; None where none was.

    What only noisy pictures are there for: `target` is what the output is measured against, where that is not the
    image before the corruption, and `counted`, shaped as `missing`, is 1 where the loss counts; None = everywhere.

    `inside` (n, 1, h, w) is 1 where the picture is and 0 beyond its edges; None = everywhere is the picture.
    """

    image: Tensor
    missing: Tensor | None = None
    noise: Tensor | None = None
    target: Tensor | None = None
    counted: Tensor | None = None
    inside: Tensor | None = None


class Corruption(Protocol):
    """What every corruption does: a batch (n, c, h, w) or (n, d) in, the same shape out; the input stays as it is.

    One with `minds_edges` is also told what is `inside`, as `Corrupted` has it, where that is not everything.
    """

    def __call__(self, image: Tensor, generator: torch.Generator) -> Corrupted: ...


def need_images(corruption: object, image: Tensor) -> None:
    """Refuse vectors for a corruption that needs rows and columns."""
    if image.dim() != 4:
        raise Mistake(
            f"{name_of(corruption)} needs images",
            got=f"an array of shape {tuple(image.shape)}",
            allowed=f"on vectors: {', '.join(ON_VECTORS)}",
        )


def precise(image: Tensor) -> Tensor:
    """The batch in single precision or better, so that half precision neither rounds the draws nor overflows."""
    return image.to(torch.promote_types(image.dtype, torch.float32))


def uniform(shape: tuple[int, ...], image: Tensor, generator: torch.Generator) -> Tensor:
    """Numbers drawn evenly from [0, 1), single precision, on the image's device."""
    return torch.rand(shape, generator=generator, device=image.device)


def between(
    name: str, bounds: tuple[float, ...], shape: tuple[int, ...], image: Tensor, generator: torch.Generator
) -> Tensor:
    """A tensor of strengths: all the one value of `bounds`, or drawn evenly from its (low, high).

    Whole bounds give whole numbers, both ends included. `name` is the option's, for the error.
    """
    if len(bounds) not in (1, 2) or bounds[0] > bounds[-1]:
        raise Mistake(f"{name} is neither a value nor a range", got=repr(bounds), allowed="one value, or low,high")
    low, high = bounds[0], bounds[-1]
    if low == high:
        return torch.full(shape, float(low), device=image.device)
    drawn = uniform(shape, image, generator)
    if isinstance(low, int):
        return (low + drawn * (high - low + 1)).floor().clamp(max=high)
    return low + drawn * (high - low)


def per_image(name: str, bounds: tuple[float, ...], image: Tensor, generator: torch.Generator) -> Tensor:
    """One strength for each image, shaped (n, 1, ...) to multiply the batch; see `between`."""
    return between(name, bounds, (len(image),) + (1,) * (image.dim() - 1), image, generator)


def chosen(chance: float, image: Tensor, generator: torch.Generator) -> Tensor:
    """Which images of a batch a corruption is for, (n, 1, ...): True with the given chance; nothing is drawn for 1."""
    shape = (len(image),) + (1,) * (image.dim() - 1)
    if chance == 1:
        return torch.ones(shape, dtype=torch.bool, device=image.device)
    return uniform(shape, image, generator) < chance
