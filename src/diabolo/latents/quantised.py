"""The quantised latent: each number of the code is rounded to one of a few levels (FSQ); nothing else is learned."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from diabolo.errors import Mistake
from diabolo.latents.base import Code, Shape, at_least_float32, projection
from diabolo.latents.tokens import check_tokens, flat_cost, values_of, words_of
from diabolo.options import option, part

MARGIN = 1e-3  # of the outermost levels, that no feature reaches, so that rounding never passes them
MOST_WORDS = 2**20  # a prior learns a probability of each


@part
class Quantised:
    """Finite scalar quantisation (Mentzer et al. 2023, FSQ): a code word is a few numbers, each of a few levels.

    There are as many words as the levels' product: 8,5,5,5 are 1000, 4,4,4,4,4 are 1024. Gradients pass the rounding
    as if it were not there. At each position of a map, or in the vector, stand so many `words`.
    """

    levels: tuple[int, ...] = option(
        (8, 5, 5, 5), "levels of each number of a word", at_least=3, at_most=64, longest=16
    )
    words: int = option(1, "code words at each position of a map, or of the vector", unit="words", at_least=1)

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w); a `Mistake` for more words than a prior could learn."""
        if math.prod(self.levels) > MOST_WORDS:
            remedy = "fewer --latent.levels, and more --latent.words"
            raise Mistake("too many code words", f"{math.prod(self.levels):,}", f"at most {MOST_WORDS:,}", remedy)
        return QuantisedLatent(self, features)


class QuantisedLatent(nn.Module):
    """Features -> numbers within -1..1 that are rounded to levels, and back by one linear layer.

    `vocabulary`: how many code words there are. The penalty is what the words cost where all are equally likely.
    """

    def __init__(self, options: Quantised, features: Shape) -> None:
        super().__init__()
        self.levels = options.levels
        self.vocabulary = math.prod(options.levels)
        self.code: Shape = (options.words * len(options.levels), *features[1:])
        self.encoder = projection(features, self.code[0])
        self.decoder = projection(self.code, features[0])

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        words = bounded(words_of(at_least_float32(self.encoder(features)), len(self.levels)), self.levels)
        whole = words.detach().round() + (words - words.detach())  # in this order the sum is whole, to the bit
        values = values_of(whole / self._halves(words), self.code[0], features.shape[2:])
        return Code(values, flat_cost(words, self.vocabulary))

    def decode(self, values: Tensor) -> Tensor:
        return self.decoder(values.to(self.decoder.weight.dtype))

    def tokens(self, values: Tensor) -> Tensor:
        """Values (n, *code) as numbers of code words (n, positions), each below `vocabulary`.

        A word's number is that of its levels, counted from 0, with the first as the lowest digit.
        """
        words = words_of(at_least_float32(values), len(self.levels)) + 1
        digits = (words * self._halves(words)).round().long()
        highest = torch.tensor(self.levels, device=values.device) - 1
        return (digits.clamp(min=0).minimum(highest) * self._places(values.device)).sum(-1)

    def from_tokens(self, tokens: Tensor, places: Shape = ()) -> Tensor:
        """Tokens (n, positions) as values (n, *code); `places` (h, w) where a map is not of the usual size."""
        places = tuple(places or self.code[1:])
        check_tokens(tokens, math.prod(places) * self.code[0] // len(self.levels), self.vocabulary)
        levels = torch.tensor(self.levels, device=tokens.device)
        digits = tokens[..., None] // self._places(tokens.device) % levels
        dtype = torch.promote_types(self.decoder.weight.dtype, torch.float32)
        halves = self._halves(torch.ones((), dtype=dtype, device=tokens.device))
        return values_of((digits - halves) / halves, self.code[0], places)

    def _halves(self, like: Tensor) -> Tensor:
        """Half of the levels of each number, rounded down: the step from one level to the next is one part of it."""
        return like.new_tensor([level // 2 for level in self.levels])

    def _places(self, device: torch.device) -> Tensor:
        """What a step of each digit counts: 1, then the product of all levels before."""
        return torch.tensor([math.prod(self.levels[:i]) for i in range(len(self.levels))], device=device)


def bounded(numbers: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Numbers (..., len(levels)) within what rounds to as many levels, around 0 (Mentzer 2023, appendix A).

    An even number of levels lies half a step off, from -level / 2 to level / 2 - 1; 0 stays 0.

    >>> bounded(torch.tensor([[-9.0, 9.0], [0.0, 0.0]]), (8, 5)).round() + 0
    tensor([[-4.,  2.],
            [ 0.,  0.]])
    """
    half = numbers.new_tensor([(level - 1) * (1 - MARGIN) / 2 for level in levels])
    offset = numbers.new_tensor([0.0 if level % 2 else 0.5 for level in levels])
    return torch.tanh(numbers + torch.atanh(offset / half)) * half - offset
