"""The telling term: what is known beside an image can be read off its code."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Generator, Tensor, nn

from diabolo.objectives.step import Shape, Step
from diabolo.options import option, part


@part
class Telling:
    """The squared error of the best linear guess from the code of what stands beside an image: labels, or cells.

    A reader, one linear layer, learns to guess it; the encoder learns to be read (the classifier of Kingma 2014, M2,
    made linear, and of codes that the decoder needs, too). What else an image is may then be told from its code
    by whoever learns from codes, and be asked for where codes are drawn.
    """

    needs: ClassVar[str] = "beside"
    against: ClassVar[bool] = False

    weight: float = option(
        0.08, "nats per value made for half the squared error of each column, in its variances", at_least=0
    )
    pace: float = option(1.0, "the reader's learning rate over the autoencoder's", above=0, at_most=100)

    def build(self, image: Shape, code: Shape, beside: int = 0) -> nn.Module:
        """The reader of codes (n, *code): so many numbers (n, beside)."""
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(code), beside))

    def price(self, reader: nn.Module, step: Step) -> Tensor:
        """What the network pays for what cannot be read off its codes, (n,), nats; what is not known costs nothing."""
        if step.beside is None:
            raise TypeError("nothing stands beside the images")
        missed = (reader(step.values).float() - step.beside).nan_to_num(nan=0.0)
        return self.weight / 2 * step.target[0].numel() * missed.square().sum(1)

    def lesson(self, reader: nn.Module, step: Step, generator: Generator) -> Tensor:
        """The reader's own loss, (n,): the same."""
        return self.price(reader, step)
