"""The latent of learned code words: the nearest vector of a codebook (VQ), and of others what is left (residual VQ)."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn

from diabolo.latents.base import Code, Shape, at_least_float32, per_image, projection
from diabolo.latents.tokens import check_tokens, flat_cost, values_of, words_of
from diabolo.options import option, part

AT_ONCE = 2**24  # distances that are held in memory at one time


@part
class Codebook:
    """The nearest of so many learned vectors (van den Oord 2017, VQ-VAE).

    With a `depth` above 1 a second codebook tells what the first left over, and so on; the decoder gets the sum
    (Zeghidour 2021, residual VQ; Lee 2022). Gradients pass the choice as if it were not there. The vectors of a
    codebook are one learned linear map of fixed random ones: a step moves them all, so that none is left behind where
    no feature comes (Zhu 2024, SimVQ), and neither averages nor revivals are needed.
    """

    codes: int = option(1024, "vectors in each codebook", unit="vectors", at_least=2, at_most=65536)
    size: int = option(4, "numbers in each vector", unit="numbers", at_least=1, at_most=1024)
    words: int = option(1, "code words at each position of a map, or of the vector", unit="words", at_least=1)
    depth: int = option(1, "codebooks, each for what those before it left over", at_least=1, at_most=16)
    commitment: float = option(
        0.25, "what a squared distance of 1 from the chosen vector costs the encoder", unit="nats", at_least=0.0
    )

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w)."""
        return CodebookLatent(self, features)


class CodebookLatent(nn.Module):
    """Features -> words (n, positions, size) -> the nearest vectors, whose sum goes back by one linear layer.

    `draws` (depth, codes, size) are fixed, `maps` (depth, size, size) learned. Values hold the vectors of all levels
    of a word, one after the other. `vocabulary`: the number of vectors, or with several levels that of each. The
    penalty is what the words cost where all are equally likely, and while training what draws vectors and words to
    each other (van den Oord 2017, equation 3).
    """

    draws: Tensor

    def __init__(self, options: Codebook, features: Shape) -> None:
        super().__init__()
        self.commitment, self.depth, self.size = options.commitment, options.depth, options.size
        self.vocabulary = options.codes if options.depth == 1 else (options.codes,) * options.depth
        self.code: Shape = (options.words * options.depth * options.size, *features[1:])
        self.total: Shape = (options.words * options.size, *features[1:])
        self.encoder = projection(features, self.total[0])
        self.decoder = projection(self.total, features[0])
        self.register_buffer("draws", torch.randn(options.depth, options.codes, options.size))
        self.maps = nn.Parameter(torch.eye(options.size).repeat(options.depth, 1, 1) / math.sqrt(options.size))

    def codebooks(self) -> Tensor:
        """The vectors (depth, codes, size)."""
        with torch.autocast(self.draws.device.type, enabled=False):
            return at_least_float32(self.draws) @ at_least_float32(self.maps)

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        words = words_of(at_least_float32(self.encoder(features)), self.size)
        penalty = flat_cost(words, float(self.draws.shape[1]) ** self.depth)
        left, chosen = words.detach(), []
        for vectors in self.codebooks().to(words.dtype):
            picked = vectors[nearest(left, vectors)]
            if self.training:
                penalty = penalty + per_image((picked - left).square())
            chosen.append(picked.detach())
            left = left - chosen[-1]
        if self.training:
            penalty = penalty + self.commitment * per_image((words - sum(chosen)).square())
        chosen[0] = chosen[0] + (words - words.detach())  # the sum's gradient goes to the words
        return Code(values_of(torch.cat(chosen, -1), self.code[0], features.shape[2:]), penalty)

    def decode(self, values: Tensor) -> Tensor:
        words = values_of(self._levels(values).sum(-2), self.total[0], values.shape[2:])
        return self.decoder(words.to(self.decoder.weight.dtype))

    def tokens(self, values: Tensor) -> Tensor:
        """Values (n, *code) as numbers of vectors, (n, positions), or (n, positions, depth) with several codebooks."""
        levels = self._levels(at_least_float32(values)).unbind(-2)
        pairs = zip(levels, self.codebooks().to(levels[0].dtype), strict=True)
        numbers = torch.stack([nearest(level, vectors) for level, vectors in pairs], -1)
        return numbers[..., 0] if self.depth == 1 else numbers

    def from_tokens(self, tokens: Tensor, places: Shape = ()) -> Tensor:
        """Tokens as `tokens` gives them as values (n, *code); `places` (h, w) where a map is not of the usual size."""
        places = tuple(places or self.code[1:])
        check_tokens(tokens, math.prod(places) * self.total[0] // self.size, self.vocabulary)
        levels = tokens.reshape(*tokens.shape[:2], self.depth).unbind(-1)
        words = [vectors[numbers] for vectors, numbers in zip(self.codebooks(), levels, strict=True)]
        return values_of(torch.cat(words, -1), self.code[0], places)

    def _levels(self, values: Tensor) -> Tensor:
        """Values by word and level: (n, positions, depth, size)."""
        return words_of(values, self.depth * self.size).unflatten(-1, (self.depth, self.size))


@torch.no_grad()
def nearest(words: Tensor, vectors: Tensor) -> Tensor:
    """The number of the nearest of vectors (codes, size) to each of words (..., size): (...), the first of equals."""
    flat = words.reshape(-1, words.shape[-1])
    few = (flat,) if torch.compiler.is_compiling() else flat.split(max(1, AT_ONCE // len(vectors)))
    with torch.autocast(words.device.type, enabled=False):
        # Half of the squared distance, less what is the same for all vectors.
        half = vectors.square().sum(1) / 2
        return torch.cat([(half - some @ vectors.T).argmin(1) for some in few]).reshape(words.shape[:-1])
