"""The plain latent: a code of a given size and nothing else."""

from __future__ import annotations

from torch import Generator, Tensor, nn

from diabolo.latents.base import ACTIVATIONS, Bottleneck, Code, Shape, free_of_charge
from diabolo.options import option, part


@part
class Plain:
    """`size` numbers that cost nothing; fewer than the image has force a summary, more allow a copy."""

    size: int = option(32, "numbers in the code, or channels where the code is a map", unit="numbers", at_least=1)
    activation: str = option("linear", "activation of the code", choices=tuple(ACTIVATIONS))

    def build(self, features: Shape) -> nn.Module:
        """The layers for features (d,) or (c, h, w)."""
        return PlainLatent(self, features)


class PlainLatent(nn.Module):
    """Features -> values by one layer with the activation; back by one linear layer. The penalty is 0."""

    def __init__(self, options: Plain, features: Shape) -> None:
        super().__init__()
        self.layer = Bottleneck(features, options.size, options.activation)
        self.code: Shape = self.layer.code

    def encode(self, features: Tensor, origin: Tensor | None = None, generator: Generator | None = None) -> Code:
        values = self.layer.encode(features)
        return Code(values, free_of_charge(values))

    def decode(self, values: Tensor) -> Tensor:
        return self.layer.decode(values)
