"""The variational latent: the code is a normal distribution, and costs the nats that it tells beyond the prior."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from diabolo.errors import Mistake
from diabolo.latents.base import Code, Shape, at_least_float32, per_image, projection
from diabolo.options import option, part

LARGEST_LOG_VARIANCE = 15.0  # standard deviations from 0.0006 to 1800: no exp overflows, and no code needs more


@part
class Variational:
    """A diagonal normal posterior under a standard normal prior (Kingma & Welling 2014).

    `free_bits`: nats that each number of the code may tell free of charge, on average over the batch, so that it is
    not given up early in training (Kingma 2016, section 2.4 and appendix C.8). With several `draws` of each
    image's code training raises the importance-weighted bound of its likelihood, which is tighter (Burda 2016, IWAE).
    """

    size: int = option(32, "numbers in the code, or channels where the code is a map", unit="numbers", at_least=1)
    free_bits: float = option(0.0, "information each number may carry free of charge", unit="nats", at_least=0.0)
    draws: int = option(1, "codes drawn of each image in a training step", at_least=1, at_most=1000)

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w); a `Mistake` for several draws with free bits."""
        if self.draws > 1 and self.free_bits:
            raise Mistake("free bits are for a single draw", f"{self.draws} draws", remedy="--latent.free-bits 0")
        return VariationalLatent(self, features)


class VariationalLatent(nn.Module):
    """Features -> the posterior's mean, or with a `generator` a draw from the posterior; the penalty is its KL.

    While training, numbers below their free bits cost exactly those; in `eval` the penalty is the KL itself.
    """

    def __init__(self, options: Variational, features: Shape) -> None:
        super().__init__()
        self.free_bits = options.free_bits
        self.code: Shape = (options.size, *features[1:])
        self.encoder = projection(features, 2 * options.size)
        self.decoder = projection(self.code, features[0])

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance, each (n, *code), the latter softly within +-LARGEST_LOG_VARIANCE."""
        mean, raw = at_least_float32(self.encoder(features)).chunk(2, dim=1)
        return mean, LARGEST_LOG_VARIANCE * torch.tanh(raw / LARGEST_LOG_VARIANCE)

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        mean, log_variance = self.posterior(features)
        costs = divergence(mean, log_variance)
        if self.training and self.free_bits:
            costs = above_free_bits(costs, self.free_bits)
        return Code(mean if generator is None else draw(mean, log_variance, generator), per_image(costs))

    def encode_draws(self, features: Tensor, draws: int, generator: Generator) -> Code:
        """Draws of the posterior (draws * n, *code) and, as the penalty of each, log posterior less log prior."""
        mean, log_variance = (torch.cat([moment] * draws) for moment in self.posterior(features))
        values = draw(mean, log_variance, generator)
        surprise = (values - mean).square() / log_variance.exp() + log_variance  # 2 pi cancels
        return Code(values, per_image(values.square() - surprise) / 2)

    def decode(self, values: Tensor) -> Tensor:
        return self.decoder(values)

    def sample_prior(self, n: int, generator: Generator) -> Tensor:
        """n codes (n, *code) from the standard normal prior, on the generator's device."""
        return torch.randn(n, *self.code, generator=generator, device=generator.device)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(normal(mean, variance) || normal(0, 1)) of each number, nats (Kingma & Welling 2014, appendix B).

    `expm1` keeps it exact, and not negative, where the posterior is close to the prior.
    """
    return (mean.square() + (log_variance.expm1() - log_variance).clamp(min=0)) / 2


def above_free_bits(costs: Tensor, free: float) -> Tensor:
    """Costs (n, size, ...) where numbers whose mean cost is below `free` cost `free` in every image.

    The batch's mean is then the maximum of `free` and the mean cost, as in Kingma 2016.
    """
    axes = [axis for axis in range(costs.dim()) if axis != 1]
    return torch.where(costs.mean(axes, keepdim=True) > free, costs, torch.full_like(costs, free))


def draw(mean: Tensor, log_variance: Tensor, generator: Generator) -> Tensor:
    """A draw from the posterior that gradients pass through (Kingma & Welling 2014, equation 10)."""
    noise = torch.randn(mean.shape, generator=generator, device=generator.device, dtype=mean.dtype)
    return mean + (log_variance / 2).exp() * noise.to(mean.device)
