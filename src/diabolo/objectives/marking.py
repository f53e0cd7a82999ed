"""The marking term: beside the image the decoder tells where it was corrupted."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from diabolo.objectives.step import Step
from diabolo.options import option, part

SHARPNESS = 2.0  # of the mean that makes one number of a whole image's marks: 0 the plain mean, infinite the greatest
USUAL = 2.0  # added to it, so that an image without a mark is at even odds where training begins


@part
class Marking:
    """Cross-entropy of every pixel, corrupted or not, and of the image as a whole (Zavrtanik et al. 2021, DRAEM)."""

    needs: ClassVar[str] = "marks"

    weight: float = option(1.0, "nats that one nat of a pixel's cross-entropy is worth", at_least=0)
    seldom: float = option(3.0, "how many times more a corrupted pixel counts than another", above=0, at_most=1000)
    whole: float = option(0.1, "the image as a whole, beside the mean of its pixels", at_least=0)

    def cost(self, step: Step, generator: Generator) -> Tensor:
        """What the marks cost beside what is missing: (n,), nats, in proportion to the numbers of an image.

        Pixels beyond a picture's edges do not count.
        """
        if step.marks is None:
            raise TypeError("a network without marks")
        numbers, marks = step.target[0].numel(), step.marks.float()
        wrong = torch.zeros_like(marks) if step.missing is None else step.missing.float()
        if marks.dim() == 2:
            any_wrong = wrong.flatten(1).amax(1, keepdim=True)
            alone = binary_cross_entropy_with_logits(marks, any_wrong, reduction="none")
            return self.weight * numbers * alone[:, 0] / 2  # beside half of the squares
        rare = torch.full((), self.seldom, device=marks.device)
        pixels = binary_cross_entropy_with_logits(marks, wrong, pos_weight=rare, reduction="none").flatten(1)
        counted = torch.ones_like(pixels) if step.inside is None else step.inside.float().flatten(1)
        any_wrong = wrong.flatten(1).amax(1)
        image = binary_cross_entropy_with_logits(summary(marks, step.inside) + USUAL, any_wrong, reduction="none")
        return self.weight * numbers * ((pixels * counted).sum(1) / counted.sum(1) + self.whole * image)


def summary(marks: Tensor, inside: Tensor | None = None) -> Tensor:
    """One log-odds for each image, (n,): the logarithm of the mean of exponentials, between mean and greatest.

    Of marks (n, 1, h, w) those count where `inside` is not 0.
    """
    out = torch.zeros_like(marks, dtype=torch.bool) if inside is None else inside == 0
    flat = (SHARPNESS * marks).masked_fill(out, -math.inf).flatten(1)
    return (flat.logsumexp(1) - (~out).flatten(1).sum(1).log()) / SHARPNESS
