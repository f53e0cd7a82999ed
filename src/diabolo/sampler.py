"""What a model draws new codes from: the prior that was kept, what its images may be of, and how often they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from diabolo.errors import Mistake, unknown
from diabolo.learned import give_shapes, shapes_of
from diabolo.options import name_of
from diabolo.priors import Space
from diabolo.priors.base import UNKNOWN, CanComplete
from diabolo.sources.conditions import MOST_ATTRIBUTES, MOST_VALUES, TAG, Attribute, text_of

STRONGEST = 20.0  # guidance
MOST_TOKENS = 2**20  # of one code


class Sampler(nn.Module):
    """A prior with the combinations of conditions that its training images have, and how many have each."""

    rows: Tensor  # (m, k), whole numbers; -1 = not known
    counts: Tensor  # (m,), whole numbers

    def __init__(
        self,
        parts: Sequence[Any],
        kept: int,
        shape: Sequence[int],
        attributes: Sequence[Attribute] = (),
        vocabulary: int = 0,
        widths: Sequence[int] = (),
    ) -> None:
        """`kept` is the place in the recipe's `parts` of the prior that is kept.

        `shape` is that of what it draws: of a code, or of its tokens where it speaks of these, with their `vocabulary`;
        or of a row of modalities, which have so many numbers as `widths` say.
        """
        super().__init__()
        self.kept, self.part, self.attributes = kept, parts[kept], tuple(attributes)
        self.space = Space(tuple(shape), tuple(len(a.values) for a in self.attributes), vocabulary, tuple(widths))
        self.prior = self.part.build(self.space)
        self.register_buffer("rows", torch.zeros(0, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(0, dtype=torch.long))

    @classmethod
    def shaped(cls, parts: Sequence[Any], latent: Any, told: Any, widths: Sequence[int] = ()) -> Sampler:
        """One without memory, as a file tells it; a `Mistake` where that cannot be."""
        if not isinstance(told, dict) or set(told) != {"kept", "shape", "attributes", "shapes"}:
            raise Mistake("its prior is not what it should be")
        if type(told["kept"]) is not int or not 0 <= told["kept"] < len(parts):
            raise Mistake("its prior is not one of its recipe", got=repr(told["kept"])[:40])
        shape, part = told["shape"], parts[told["kept"]]
        vocabulary = vocabulary_of(part, latent)
        fits = _is_shape(shape) if vocabulary else shape == ([sum(widths)] if widths else list(latent.code))
        if not fits:
            raise Mistake("its prior is not one of its codes", got=repr(shape)[:40])
        with torch.device("meta"):
            sampler = cls(parts, told["kept"], shape, _attributes(told["attributes"]), vocabulary, widths)
        if widths and not isinstance(sampler.prior, CanComplete):
            raise Mistake("its prior is not one of several modalities")
        give_shapes(sampler, told["shapes"], "statistics of codes", "its prior")
        if sampler.rows.shape != (len(sampler.counts), len(sampler.attributes)) or not len(sampler.counts):
            raise Mistake("its prior does not say how often its images are of what")
        return sampler

    def describe(self) -> dict[str, Any]:
        """What a file tells of it beside its weights."""
        attributes = {attribute.name: list(attribute.values) for attribute in self.attributes}
        shape, shapes = list(self.space.shape), shapes_of(self)
        return {"kept": self.kept, "shape": shape, "attributes": attributes, "shapes": shapes}

    def in_words(self) -> str:
        """The prior and what may be asked for, as `flow-matching (label: 10)`."""
        known = ", ".join(f"{attribute.name}: {len(attribute.values)}" for attribute in self.attributes)
        return f"{name_of(self.part)} ({known or 'no labels'})"

    def check(self) -> None:
        """A `Mistake` where numbers that were read cannot be conditions or counts, or where nothing can be drawn."""
        if not (self.counts > 0).all():
            raise Mistake("its counts of images are not positive")
        for values, attribute in zip(self.rows.T, self.attributes, strict=True):
            if not ((values >= UNKNOWN) & (values < len(attribute.values))).all():
                raise Mistake(f"its images are of values that {attribute.name!r:.40} does not have")
        if next(self.prior.buffers(), None) is None:  # weights have the shapes that the options say
            return
        generator = Generator(self.rows.device).manual_seed(0)
        try:
            with torch.no_grad():
                drawn = self.sample(self.rows, generator)
        except (RuntimeError, IndexError, ValueError) as error:
            raise Mistake("the statistics of its prior do not fit each other") from error
        if drawn.shape != (len(self.rows), *self.space.shape):
            raise Mistake("the statistics of its prior do not fit its codes")

    def meant(self, label: Any) -> tuple[int, ...]:
        """The place of each attribute's value that a label asks for, -1 where it does not say.

        A label is the value of the only attribute, a dictionary of attributes and their values, or tags, the names of
        attributes that are to be "yes"; None asks for nothing.
        """
        names = {attribute.name: i for i, attribute in enumerate(self.attributes)}
        if label is None:
            return (UNKNOWN,) * len(names)
        if not names:
            remedy = "--labels-from-folders, or labels= in Python, when the model is trained"
            raise Mistake("the model knows no labels", got=str(label), remedy=remedy)
        if not isinstance(label, Mapping):
            label = self._by_name(label)
        asked = [UNKNOWN] * len(names)
        for name, value in label.items():
            if name not in names:
                raise unknown("attribute", str(name), names)
            values = self.attributes[names[name]].values
            text = str(value) if str(value) in values else text_of(value, name)  # the cell of a table, or a label
            if text not in values:
                raise unknown(name, str(value), values)
            asked[names[name]] = values.index(text)
        return tuple(asked)

    def _by_name(self, label: Any) -> dict[str, Any]:
        """Tags, or a value without its attribute, as attributes and their values."""
        first, alone = self.attributes[0], len(self.attributes) == 1
        tags = tags_of({attribute.name: attribute.values for attribute in self.attributes})
        asked = [str(tag) for tag in (label if isinstance(label, list | tuple | set | frozenset) else [label])]
        wrong = [tag for tag in asked if tag not in tags]
        if not wrong and not (alone and label in first.values):
            return dict.fromkeys(asked, TAG[1])
        if alone:
            return {first.name: label}
        allowed = f"attributes with values: {', '.join(attribute.name for attribute in self.attributes)}"
        name, value = next(
            ((a.name, wrong[0]) for a in self.attributes if wrong[0] in a.values), (first.name, first.values[0])
        )
        raise Mistake("of which attribute?", wrong[0], allowed, f"{name}={value}")

    def mix(self, label: Any = None, balanced: bool = False) -> tuple[Tensor, Tensor]:
        """What to draw: conditions (m, k) and their shares (m,), which sum to 1.

        Those of the training images that have what the label asks for, as often as there, or `balanced`, each as often
        as the others; what no training image has is drawn as it was asked for.
        """
        if balanced and not self.attributes:
            raise Mistake("the model knows no labels", "balanced", remedy="labels, when the model is trained")
        asked = torch.tensor(self.meant(label), device=self.rows.device)
        fits = ((asked == UNKNOWN) | (self.rows == asked)).all(1)
        if balanced:
            fits &= (self.rows != UNKNOWN).all(1)
        if not fits.any():
            return asked[None], torch.ones(1)
        counts = torch.ones(int(fits.sum())) if balanced else self.counts[fits].double()
        return self.rows[fits], counts / counts.sum()

    def check_guidance(self, guidance: float) -> None:
        """Refuse a guidance that is out of range, or that the prior does not have."""
        check_guidance(guidance, [self.part], bool(self.attributes))

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        """A code, or the tokens of one, for each row of conditions (n, k): (n, *shape)."""
        drawn: Tensor = self.prior.sample(conditions, generator, guidance)
        return drawn

    def complete(self, codes: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        """Rows of modalities (n, d) with what is NaN in them drawn, given the rest."""
        drawn: Tensor = self.prior.complete(codes, self.rows[:1].expand(len(codes), -1), generator, guidance)
        return drawn

    def best(self, codes: Tensor, generator: Generator, guidance: float, shown: Callable[[Tensor], Tensor]) -> Tensor:
        """The same, of several drawn those rows that, as they are `shown`, fit best to what is given."""
        drawn: Tensor = self.prior.best(codes, self.rows[:1].expand(len(codes), -1), generator, guidance, shown)
        return drawn

    def likeliest(self, codes: Tensor) -> Tensor:
        """The same without chance."""
        found: Tensor = self.prior.likeliest(codes, self.rows[:1].expand(len(codes), -1))
        return found

    def words(self, row: Sequence[int]) -> str:
        """One row of conditions in words, values alone where there is one attribute; "" where nothing is known."""
        said = [(a.name, a.values[i]) for a, i in zip(self.attributes, row, strict=True) if i != UNKNOWN]
        return ", ".join(value if len(self.attributes) == 1 else f"{name}={value}" for name, value in said)


def tags_of(known: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The names of the attributes that are there or not, among all with their values."""
    return [name for name, values in known.items() if TAG[1] in values and {*values} <= {*TAG}]


def check_guidance(guidance: float, parts: Sequence[Any], labels: bool) -> None:
    """Refuse a guidance that is out of range, or that one of the priors lacks; `labels`: whether any are known."""
    if not (isinstance(guidance, int | float) and 0 <= guidance <= STRONGEST):
        allowed = f"0 to {STRONGEST:g}; 1 draws what was learned, above 1 is more typical of the class"
        raise Mistake("the guidance is out of range", got=str(guidance), allowed=allowed)
    without = [part for part in parts if not getattr(part, "guided", True)]  # among those that "auto" tries, some are
    if guidance != 1 and (without or not labels):
        why = f"the prior {' or '.join(map(name_of, without))} has none" if labels else "the model knows no labels"
        raise Mistake("there is nothing to guide by", got=why, allowed="guidance 1")


def vocabulary_of(part: Any, latent: nn.Module) -> int:
    """How many different tokens a prior draws from, 0 where it draws numbers; a `Mistake` where codes are no tokens."""
    if not part.discrete:
        return 0
    vocabulary = getattr(latent, "vocabulary", 0)
    if not vocabulary:
        wrong = f"the prior {name_of(part)} draws tokens, and the codes of this latent are numbers"
        raise Mistake(wrong, allowed="a quantised latent", remedy="--priors flow-matching")
    return int(vocabulary)


def _is_shape(shape: Any) -> bool:
    sound = isinstance(shape, list) and 0 < len(shape) <= 3 and all(type(side) is int and side > 0 for side in shape)
    return sound and math.prod(shape) <= MOST_TOKENS


def _attributes(told: Any) -> list[Attribute]:
    if not isinstance(told, dict) or len(told) > MOST_ATTRIBUTES:
        raise Mistake("its attributes are not what they should be")
    for values in told.values():
        texts = isinstance(values, list) and 0 < len(values) <= MOST_VALUES and all(isinstance(v, str) for v in values)
        if not texts or len(set(values)) < len(values):
            raise Mistake("the values of an attribute are not what they should be", got=repr(values)[:40])
    return [Attribute(name, tuple(values)) for name, values in told.items()]


def even(shares: Tensor, start: int, stop: int, count: int) -> Tensor:
    """Which of several things the draws `start` to `stop` of `count` are, so that all together have these shares.

    Exact but for rounding, and well mixed in every run of draws: the places i * step mod count, with a step near the
    golden section of the count and prime to it, fall evenly on the sum of the shares.
    """
    step = max(1, round(count * (math.sqrt(5) - 1) / 2))
    while math.gcd(step, count) > 1:
        step += 1
    whole = start * step % count + torch.arange(stop - start) * step  # so that no product passes 64 bits
    places = ((whole % count).double() + 0.5) / count
    ends = shares.double().cpu().cumsum(0)
    return torch.searchsorted(ends / ends[-1], places).clamp(max=len(shares) - 1)
