"""The normal prior: the codes of each class are normally distributed."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor

from diabolo.options import option, part
from diabolo.priors.base import Groups, Measured, Space

LEAST = 1e-4  # of the mean variance: the least that a direction has, so that densities stay finite


@part
class Normal:
    """A normal distribution for each class, with every covariance.

    A class of few images borrows: its covariance is that of all classes together, around their own means, as if so many
    images as `borrowed` had shown it (the mean of an inverse Wishart posterior, Gelman et al. 2013, section 3.6).
    """

    discrete: ClassVar[bool] = False  # it speaks of numbers, not of tokens
    guided: ClassVar[bool] = False

    borrowed: float = option(100.0, "images' worth of the covariance of all classes", unit="images", at_least=0)

    def build(self, space: Space) -> NormalPrior:
        return NormalPrior(self, space)


class NormalPrior(Measured):
    """Means and factors of covariances for each combination of conditions that was seen."""

    NAMES = ("mean", "unit", "means", "factors")
    means: Tensor  # (m, d)
    factors: Tensor  # (m, d, d), lower triangular

    def __init__(self, options: Normal, space: Space) -> None:
        super().__init__()
        self.options, self.space = options, space
        self.groups = Groups()

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        rows = self.measure(codes).double()
        numbers = self.groups.learn(conditions)
        groups = [rows[numbers == number] for number in range(len(self.groups.seen))]
        means = torch.stack([group.mean(0) for group in groups])
        scatters = [(group - mean).T @ (group - mean) for group, mean in zip(groups, means, strict=True)]
        shared = sum(scatters, start=torch.zeros(())) / len(rows)
        borrowed = self.options.borrowed
        covariances = [
            (scatter + borrowed * shared) / (len(group) + borrowed)
            for scatter, group in zip(scatters, groups, strict=True)
        ]
        self.keep(means=means, factors=torch.stack([factor(covariance) for covariance in covariances]))

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        noise = torch.randn(len(conditions), self.space.numbers, generator=generator, device=generator.device)
        return self.from_noise(noise, conditions)

    def from_noise(self, noise: Tensor, conditions: Tensor, guidance: float = 1.0) -> Tensor:
        """The codes (n, *shape) that rows of standard normal noise (n, d) stand for."""
        numbers, rows = self.groups.nearest(conditions), torch.empty_like(noise)
        for number in numbers.unique():
            chosen = numbers == number
            rows[chosen] = self.means[number] + noise[chosen] @ self.factors[number].T
        return self.codes(rows, self.space)

    def to_noise(self, codes: Tensor, conditions: Tensor) -> Tensor:
        """The noise (n, d) that codes stand for."""
        numbers, noise = self.groups.nearest(conditions), self.rows(codes)
        for number in numbers.unique():
            chosen = numbers == number
            noise[chosen] = whitened(noise[chosen] - self.means[number], self.factors[number])
        return noise

    def log_prob(self, codes: Tensor, conditions: Tensor) -> Tensor:
        rows, numbers = self.rows(codes), self.groups.nearest(conditions)
        density = torch.empty(len(rows), device=rows.device)
        for number in numbers.unique():
            chosen = numbers == number
            density[chosen] = log_normal(rows[chosen] - self.means[number], self.factors[number])
        return density - self.space.numbers * self.unit.log()


def factor(covariance: Tensor) -> Tensor:
    """The lower triangular factor (d, d) of a covariance, widened where it is flat."""
    level = covariance.diagonal().mean().clamp(min=1e-12)
    eye = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    return torch.linalg.cholesky(covariance + LEAST * level * eye)


def log_normal(offsets: Tensor, factor: Tensor) -> Tensor:
    """The logarithm of a normal density (n,) at offsets (n, d) from its mean, nats."""
    constant = offsets.shape[1] * math.log(2 * math.pi) / 2 + factor.diagonal().log().sum()
    return -whitened(offsets, factor).square().sum(1) / 2 - constant


def whitened(offsets: Tensor, factor: Tensor) -> Tensor:
    """Offsets (n, d) from a mean as what a standard normal distribution gives, by a covariance's factor."""
    return torch.linalg.solve_triangular(factor, offsets.T, upper=False).T
