"""The contractive latent: the code must change little when the image changes a little."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from diabolo.latents.base import ACTIVATIONS, Bottleneck, Code, Shape, free_of_charge, per_image
from diabolo.options import option, part


@part
class Contractive:
    """A code whose penalty is `weight` times the squared Frobenius norm of its Jacobian (Rifai 2011, equation 5)."""

    size: int = option(64, "numbers in the code, or channels where the code is a map", unit="numbers", at_least=1)
    weight: float = option(0.1, "strength of the penalty", unit="nats", at_least=0.0)
    activation: str = option("sigmoid", "activation of the code", choices=tuple(ACTIVATIONS))

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w)."""
        return ContractiveLatent(self, features)


class ContractiveLatent(nn.Module):
    """Features -> values by one layer, and back by one linear layer.

    The penalty is exact where this layer is the whole encoder. With layers before it, it is an unbiased estimate
    from one random direction of `generator`, and exact without a generator, at one backward pass per number of the
    code. It is 0 where the way back to `origin` is not recorded, as in plain inference.
    """

    needs_origin = True  # the network then records the way from the image

    def __init__(self, options: Contractive, features: Shape) -> None:
        super().__init__()
        self.weight = options.weight
        self.layer = Bottleneck(features, options.size, options.activation)
        self.code: Shape = self.layer.code

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        values = self.layer.encode(features)
        if origin is None or torch.compiler.is_compiling():  # for export, which asks no penalty
            return Code(values, free_of_charge(values))
        if _same_numbers(features, origin):
            return Code(values, self.weight * self._one_layer(values))
        if not (torch.is_grad_enabled() and origin.requires_grad):
            return Code(values, free_of_charge(values))
        norm = jacobian_norm(values, origin) if generator is None else jacobian_estimate(values, origin, generator)
        return Code(values, self.weight * norm)

    def decode(self, values: Tensor) -> Tensor:
        return self.layer.decode(values)

    def _one_layer(self, values: Tensor) -> Tensor:
        """The sum of slope^2 times the squared length of each number's weights (Rifai 2011, section 5.1)."""
        lengths = self.layer.encoder.weight.flatten(1).square().sum(1)
        return per_image((self.layer.slope(values).square().movedim(1, -1) * lengths).movedim(-1, 1))


def _same_numbers(features: Tensor, origin: Tensor) -> bool:
    """Whether the features are the origin itself, or only another shape of it."""
    return features is origin or (features.data_ptr() == origin.data_ptr() and features.numel() == origin.numel())


def jacobian_estimate(values: Tensor, origin: Tensor, generator: Generator) -> Tensor:
    """An unbiased estimate of `jacobian_norm` from one random sign per number of the code (Hutchinson 1990): (n,)."""
    bits = torch.randint(0, 2, values.shape, generator=generator, device=generator.device)
    signs = (2 * bits - 1).to(values)
    (slopes,) = torch.autograd.grad(values, origin, signs, create_graph=True)
    return per_image(slopes.square())


def jacobian_norm(values: Tensor, origin: Tensor) -> Tensor:
    """The squared Frobenius norm of d values / d origin of each image, (n,), row by row.

    Each image's values may depend on that image only, so a sum over the batch keeps the images apart.
    """
    rows = values.flatten(1).sum(0)
    slopes = (torch.autograd.grad(row, origin, create_graph=True)[0] for row in rows)
    return torch.stack([per_image(slope.square()) for slope in slopes]).sum(0)
