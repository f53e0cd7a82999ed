"""The autoregressive prior: tokens of a quantised code, one after the other, each given those before it."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, scaled_dot_product_attention

from diabolo.errors import Mistake
from diabolo.options import option, part
from diabolo.priors.base import UNKNOWN, Space, embedded, embedding
from diabolo.priors.flow_matching import forgotten

HEAD = 32  # numbers of each attention head


@part
class Autoregressive:
    """A causal transformer over a code's tokens (van den Oord 2017, section 3.3; Vaswani 2017; Esser 2021).

    For latents whose codes are tokens. Guidance moves the odds of each token further in the direction in which the
    conditions move them.
    """

    discrete: ClassVar[bool] = True
    guided: ClassVar[bool] = True

    width: int = option(128, f"numbers of each place, a multiple of {HEAD}", at_least=HEAD, at_most=4096)
    depth: int = option(4, "transformer blocks", at_least=1, at_most=64)
    forget: float = option(0.1, "how often the conditions are forgotten in training", at_least=0, at_most=0.9)
    guidance: float = option(1.0, "guidance, unless another is asked for", at_least=0, at_most=20)
    steps: int = option(4000, "steps of training", at_least=1)
    batch_size: int = option(64, "codes in one step", at_least=1)
    learning_rate: float = option(1e-3, "the highest learning rate", above=0, at_most=10)
    optimizer: str = option("adamw", "how gradients become steps", choices=("adam", "adamw", "muon"))
    ema: float = option(0.999, "decay of the moving average of the weights that is used", at_least=0, below=1)

    def build(self, space: Space) -> AutoregressivePrior:
        if self.width % HEAD:
            raise Mistake("autoregressive.width is not allowed", str(self.width), f"multiples of {HEAD}")
        return AutoregressivePrior(self, space)


class AutoregressivePrior(nn.Module):
    """Tokens (n, positions[, levels]) are read position by position, and in each level by level."""

    def __init__(self, options: Autoregressive, space: Space) -> None:
        super().__init__()
        self.options, self.space = options, space
        width = options.width
        self.tables = embedding(space.counts, width)
        self.tokens = nn.Embedding(space.vocabulary, width)
        self.places = nn.Embedding(space.numbers, width)
        self.blocks = nn.ModuleList(Attention(width) for _ in range(options.depth))
        self.norm = nn.LayerNorm(width)
        self.odds = nn.Linear(width, space.vocabulary)
        nn.init.zeros_(self.odds.weight)

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        """Nothing is learned but by gradient."""

    def loss(self, codes: Tensor, conditions: Tensor, generator: Generator) -> Tensor:
        """The negative logarithm of the probability of each code, (n,), nats."""
        return -self.log_prob(codes, forgotten(conditions, self.options.forget, generator))

    def log_prob(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """The logarithm of the probability of tokens (n, positions[, levels]), (n,), nats."""
        sequence = codes.flatten(1)
        logits = self(sequence[:, :-1], conditions)
        return -cross_entropy(logits.transpose(1, 2), sequence, reduction="none").sum(1)

    def forward(self, before: Tensor, conditions: Tensor) -> Tensor:
        """Logits (n, t + 1, vocabulary) of the first t + 1 tokens, from the t (n, t) before the last of them."""
        start = embedded(self.tables, conditions, self.options.width)[:, None]
        values = torch.cat((start, self.tokens(before)), 1)
        values = values + self.places.weight[: values.shape[1]]
        for block in self.blocks:
            values = block(values)
        logits: Tensor = self.odds(self.norm(values))
        return logits

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        tokens = conditions.new_zeros(len(conditions), 0)
        nothing = torch.full_like(conditions, UNKNOWN)
        for _ in range(self.space.numbers):
            logits = self(tokens, conditions)[:, -1]
            if guidance != 1 and conditions.shape[1]:
                plain = self(tokens, nothing)[:, -1]
                logits = plain + guidance * (logits - plain)
            drawn = logits.softmax(1).multinomial(1, generator=generator)
            tokens = torch.cat((tokens, drawn), 1)
        return tokens.unflatten(1, self.space.shape)


class Attention(nn.Module):
    """A block of causal attention and a layer for each place, both added to their normalised input (Xiong 2020)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // HEAD
        self.norms = nn.ModuleList((nn.LayerNorm(width), nn.LayerNorm(width)))
        self.look, self.give = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, values: Tensor) -> Tensor:
        looks = self.look(self.norms[0](values)).unflatten(2, (3, self.heads, HEAD))
        query, key, value = looks.permute(2, 0, 3, 1, 4)
        seen = scaled_dot_product_attention(query, key, value, is_causal=True)
        values = values + self.give(seen.transpose(1, 2).flatten(2))
        changed: Tensor = values + self.layers(self.norms[1](values))
        return changed
