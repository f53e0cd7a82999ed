"""Tokens: codes of whole numbers, each the number of a code word, as a prior over them wants them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.latents.base import Shape


def words_of(values: Tensor, size: int) -> Tensor:
    """Values (n, words * size) or (n, words * size, h, w), word by word: (n, positions, size).

    Places come row by row, and of each place all words before the next one.
    """
    if values.dim() == 2:
        return values.unflatten(1, (-1, size))
    return values.flatten(2).mT.reshape(values.shape[0], -1, size)


def values_of(words: Tensor, channels: int, places: Shape) -> Tensor:
    """What `words_of` took apart: words (n, positions, size) as values (n, channels, *places)."""
    if not places:
        return words.flatten(1)
    return words.reshape(words.shape[0], -1, channels).mT.reshape(words.shape[0], channels, *places)


def flat_cost(words: Tensor, choices: float) -> Tensor:
    """What words (n, positions, ...) cost where each is one of so many, all equally likely: (n,), nats.

    The divergence of a code without doubt from the uniform prior (van den Oord 2017, section 3.1).
    """
    nats = words.shape[1] * math.log(choices)
    return torch.full((words.shape[0],), nats, dtype=torch.float32, device=words.device)


def check_tokens(tokens: Tensor, positions: int, vocabulary: int | tuple[int, ...]) -> None:
    """Refuse what is not (n, positions), or (n, positions, levels) where there are several, of numbers of words."""
    wanted = (positions, len(vocabulary)) if isinstance(vocabulary, tuple) else (positions,)
    most = max(vocabulary) if isinstance(vocabulary, tuple) else vocabulary
    if tuple(tokens.shape[1:]) != wanted or tokens.is_floating_point():
        got, allowed = f"{tuple(tokens.shape)} {tokens.dtype}", f"(n, {', '.join(map(str, wanted))}), whole numbers"
        raise Mistake("not the tokens of this latent", got, allowed)
    if tokens.numel() and (int(tokens.min()) < 0 or int(tokens.max()) >= most):
        raise Mistake("a token that is no code word", f"{int(tokens.min())} to {int(tokens.max())}", f"0 to {most - 1}")


class Usage:
    """How often each code word is chosen, of each level by itself."""

    def __init__(self, vocabulary: int | tuple[int, ...]) -> None:
        levels = vocabulary if isinstance(vocabulary, tuple) else (vocabulary,)
        self.counts = [torch.zeros(size, dtype=torch.int64) for size in levels]

    def add(self, tokens: Tensor) -> None:
        """Count tokens (n, positions) or (n, positions, levels)."""
        for counts, chosen in zip(self.counts, tokens.cpu().reshape(-1, len(self.counts)).T, strict=True):
            counts += torch.bincount(chosen, minlength=len(counts))

    def shares(self) -> list[float]:
        """The share of the words that were chosen at all, 0..1."""
        return [float((counts > 0).double().mean()) for counts in self.counts]

    def perplexities(self) -> list[float]:
        """How many words, were all chosen equally often, would be as hard to guess: exp of the entropy."""
        chances = (counts / max(1, int(counts.sum())) for counts in self.counts)
        return [float(torch.special.entr(chance.double()).sum().exp()) for chance in chances]
