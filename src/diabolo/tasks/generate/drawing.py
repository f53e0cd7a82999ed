"""New images from a model: codes drawn from what it learned of them, then decoded, a run at a time."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.latents import LATENTS
from diabolo.model import Model
from diabolo.options import name_of
from diabolo.priors import PRIORS
from diabolo.sampler import check_guidance, even

AT_ONCE = 256  # images that are drawn together; another number would draw others from the same seed
MOST = 10**12  # images


class Drawn(NamedTuple):
    """A run of new images, and the place of the value that each has of each attribute, -1 = none."""

    images: np.ndarray  # (n, *raw image)
    conditions: np.ndarray  # (n, k)


class Wish:
    """What is to be drawn from a model; a `Mistake` where it cannot be."""

    def __init__(
        self,
        model: Model,
        count: int,
        label: Any = None,
        *,
        balanced: bool = False,
        guidance: float | None = None,
        seed: int = 0,
    ) -> None:
        check_able(model)
        self.model, self.count, self.seed = model, checked_count(count), checked_seed(seed)
        sampler = model.sampler
        self.guidance = 1.0 if guidance is None else guidance
        if sampler is None:
            check_guidance(self.guidance, (), labels=False)
            if label is not None or balanced:
                remedy = "diabolo fit generate SOURCE -o MODEL --labels-from-folders"
                raise Mistake("the model knows no labels", str(label or "balanced"), "no label", remedy)
            self.rows, self.shares = torch.zeros(1, 0, dtype=torch.long), torch.ones(1)
            return
        if guidance is None and sampler.part.guided and sampler.attributes:
            self.guidance = sampler.part.guidance
        sampler.check_guidance(self.guidance)
        self.rows, self.shares = sampler.mix(label, balanced)

    def runs(self, first: int = 0) -> Iterator[Drawn]:
        """All that is wished for, from image `first` on; the same wish draws the same images, to the bit."""
        for start in range(first - first % AT_ONCE, self.count, AT_ONCE):
            stop = min(start + AT_ONCE, self.count)
            yield self.drawn(self.conditions(start, stop), start // AT_ONCE)

    def drawn(self, conditions: Tensor, *place: int) -> Drawn:
        """Images of these conditions (n, k); each `place`, one or more numbers, has others for the same seed."""
        mixed = np.random.SeedSequence([self.seed, *place]).generate_state(1, np.uint64)
        generator = torch.Generator(self.model.device).manual_seed(int(mixed[0] >> 1))
        codes = drawn_codes(self.model, conditions, generator, self.guidance)
        return Drawn(decoded(self.model, codes), conditions.cpu().numpy())

    def conditions(self, start: int, stop: int) -> Tensor:
        """What the images `start` to `stop` are of, (n, k)."""
        return self.rows[even(self.shares, start, stop, self.count).to(self.rows.device)]

    def words(self, conditions: np.ndarray) -> str:
        """What one image is of, in words; "" where the model knows no labels."""
        return "" if self.model.sampler is None else self.model.sampler.words(conditions.tolist())


def check_able(model: Model) -> None:
    """Refuse a model that nothing new can be drawn from, with those that can."""
    if model.network.decoder.needs_skips:
        wrong = f"a {name_of(model.recipe.architecture)} model sees the picture while it decodes, and makes no new ones"
        raise Mistake(wrong, allowed="flat or conv architectures", remedy="diabolo fit generate SOURCE -o MODEL")
    if model.sampler is None and not hasattr(model.network.latent, "sample_prior"):
        able = ", ".join(name for name, cls in LATENTS.parts.items() if _has_prior(cls))
        allowed = f"the latents {able}, or any with one of the priors {', '.join(PRIORS.names())}"
        remedy = "diabolo fit generate SOURCE -o MODEL, or --priors flow-matching with your recipe"
        if model.recipe.priors:  # the training did not come so far
            remedy = "the command that trained it, with --resume"
        raise Mistake("this model cannot make new pictures", name_of(model.recipe.latent), allowed, remedy)


def drawn_codes(model: Model, conditions: Tensor, generator: torch.Generator, guidance: float) -> Tensor:
    """A new code for each row of conditions, (n, *code)."""
    with torch.no_grad():
        if model.sampler is None:
            codes: Tensor = model.network.latent.sample_prior(len(conditions), generator)
            return codes
        codes = model.sampler.sample(conditions.to(model.device), generator, guidance)
        if model.modalities is not None:  # the pictures of records alone
            rows = model.modalities.decode(codes.cpu().numpy())[1]
            return torch.from_numpy(rows).to(codes).unflatten(1, model.code)
        return model.network.latent.from_tokens(codes) if model.sampler.part.discrete else codes


def decoded(model: Model, codes: Tensor) -> np.ndarray:
    return model.decode(codes.cpu().numpy())


def _has_prior(cls: type) -> bool:
    with contextlib.suppress(Mistake, ValueError, IndexError):
        return hasattr(cls().build((64,)), "sample_prior")
    return False


def checked_count(count: Any) -> int:
    try:
        number = operator.index(count)
    except TypeError:
        number = 0
    if not 1 <= number <= MOST:
        raise Mistake("that many pictures cannot be made", got=str(count), allowed=f"1 to {MOST:.0e}".replace("+", ""))
    return number


def checked_seed(seed: Any) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**31:
        raise Mistake("not a seed", got=str(seed), allowed="0 to 2147483647")
    return number
