"""Which likelihood fits the data: the automatic choice, and the check of a choice made by hand."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from diabolo.errors import Mistake
from diabolo.objectives.bernoulli import Bernoulli
from diabolo.objectives.gaussian import Gaussian
from diabolo.options import name_of


class Likelihood(Protocol):
    """What a likelihood offers; `low` and `high` are the range of the data it can fit."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    def mean(self, parameters: Tensor) -> Tensor: ...
    def distortion(self, parameters: Tensor, image: Tensor) -> Tensor: ...
    def error(self, parameters: Tensor, image: Tensor) -> Tensor: ...
    def scale_from(self, total_error: float, count: int) -> float: ...
    def log_likelihood(self, parameters: Tensor, image: Tensor, scale: float) -> Tensor: ...


def choose(two_valued: bool) -> tuple[Bernoulli | Gaussian, str]:
    """The likelihood that "auto" means, and why, in one sentence.

    >>> choose(two_valued=False)
    (Gaussian(scale='unit'), 'gaussian likelihood, because the data has more than two values')
    """
    if two_valued:
        return Bernoulli(), "bernoulli likelihood, because the data has only two values"
    return Gaussian(), "gaussian likelihood, because the data has more than two values"


def check_range(
    likelihood: Likelihood, output: str, output_range: tuple[float, float], data_range: tuple[float, float]
) -> None:
    """Raise a `Mistake` where the data lies outside what the likelihood or the decoder's output can give.

    `output` is the name of the decoder's output activation, `output_range` and `data_range` the lowest and highest
    value that it can give and that the data holds.
    """
    name, low, high = name_of(likelihood), *data_range
    got = f"data from {low:g} to {high:g}"
    if low < likelihood.low or high > likelihood.high:
        allowed = f"data from {likelihood.low:g} to {likelihood.high:g}"
        raise Mistake(f"the {name} likelihood cannot fit this data", got, allowed, "--likelihood gaussian")
    if isinstance(likelihood, Bernoulli):
        if output != "linear":
            wrong = f"the bernoulli likelihood has a sigmoid of its own and cannot stand behind a {output} output"
            raise Mistake(wrong, remedy="--architecture.output linear, or --likelihood gaussian")
        return  # its linear output is a logit, which is not on the data's scale
    if low < output_range[0] or high > output_range[1]:
        allowed = f"data from {output_range[0]:g} to {output_range[1]:g}"
        wrong = f"a {output} output cannot reach this data (likelihood {name})"
        raise Mistake(wrong, got, allowed, "--architecture.output linear")
