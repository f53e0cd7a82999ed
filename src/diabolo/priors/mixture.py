"""The mixture prior: the codes of each class are spread as several normal distributions."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from diabolo.options import option, part
from diabolo.priors.base import Groups, Measured, Space
from diabolo.priors.normal import factor, log_normal

FLAT = 1e-3  # of the unit's square, added to every variance: a component of few images stays a distribution


@part
class Mixture:
    """A mixture of normal distributions for each class, by expectation maximisation (scikit-learn).

    A class gets a component for every `fewest` of its images, up to `components`. One of few images may borrow, as in
    `normal`: its covariance is that of all components together, as if so many images as `borrowed` had shown it.
    """

    discrete: ClassVar[bool] = False
    guided: ClassVar[bool] = False

    components: int = option(10, "normal distributions of each class", at_least=1, at_most=1000)
    fewest: int = option(100, "images of each component", unit="images", at_least=1)
    borrowed: float = option(0.0, "images' worth of the covariance of all components", unit="images", at_least=0)
    most: int = option(20_000, "images of a class that are learned from", unit="images", at_least=10)

    def build(self, space: Space) -> MixturePrior:
        return MixturePrior(self, space)


class MixturePrior(Measured):
    """The components of all combinations of conditions one after the other; `owners` says whose each is."""

    NAMES = ("mean", "unit", "shares", "means", "factors")
    shares: Tensor  # (c,), of its class; the sum over a class is 1
    means: Tensor  # (c, d)
    factors: Tensor  # (c, d, d), lower triangular
    owners: Tensor  # (c,)

    def __init__(self, options: Mixture, space: Space) -> None:
        super().__init__()
        self.options, self.space = options, space
        self.groups = Groups()
        self.register_buffer("owners", torch.zeros(0, dtype=torch.long))

    def learn(self, codes: Tensor, conditions: Tensor, generator: Generator) -> None:
        rows = self.measure(codes).double().cpu()
        numbers = self.groups.learn(conditions).cpu()
        fits, counts = [], numbers.bincount(minlength=len(self.groups.seen))
        for number in range(len(counts)):
            seed = torch.randint(2**31, (), generator=generator, device=generator.device)
            fits.append(self._fitted(rows[numbers == number], int(seed)))
        shares = torch.cat([torch.as_tensor(fitted.weights_) for fitted in fits])
        means = torch.cat([torch.as_tensor(fitted.means_) for fitted in fits])
        covariances = torch.cat([torch.as_tensor(fitted.covariances_) for fitted in fits])
        owners = torch.arange(len(fits)).repeat_interleave(torch.tensor([len(fitted.weights_) for fitted in fits]))
        images, borrowed = (shares * counts[owners])[:, None, None], self.options.borrowed
        shared = (images * covariances).sum(0) / images.sum()
        covariances = (images * covariances + borrowed * shared) / (images + borrowed)
        factors = torch.stack([factor(covariance) for covariance in covariances])
        learned = {"shares": shares, "means": means, "factors": factors}
        self.keep(**{name: value.to(codes.device) for name, value in learned.items()})
        self.owners = owners.to(codes.device)

    def _fitted(self, rows: Tensor, seed: int) -> Any:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[: self.options.most]]
        rows = torch.cat((rows, rows)) if len(rows) == 1 else rows  # scikit-learn asks for two
        components = min(self.options.components, max(1, len(rows) // self.options.fewest))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # an unfinished mixture is one, too
            return GaussianMixture(components, reg_covar=FLAT, random_state=seed).fit(rows.numpy())

    def sample(self, conditions: Tensor, generator: Generator, guidance: float = 1.0) -> Tensor:
        numbers = self.groups.nearest(conditions)
        shares = torch.where(self.owners == numbers[:, None], self.shares, torch.zeros(()).to(self.shares))
        component = shares.multinomial(1, generator=generator)[:, 0]
        noise = torch.randn(len(numbers), self.space.numbers, generator=generator, device=generator.device)
        rows = torch.empty_like(noise)
        for number in component.unique():
            chosen = component == number
            rows[chosen] = self.means[number] + noise[chosen] @ self.factors[number].T
        return self.codes(rows, self.space)

    def log_prob(self, codes: Tensor, conditions: Tensor) -> Tensor:
        rows, numbers = self.rows(codes), self.groups.nearest(conditions)
        each = [log_normal(rows - mean, factor) for mean, factor in zip(self.means, self.factors, strict=True)]
        foreign = self.owners != numbers[:, None]
        density = (torch.stack(each, 1) + self.shares.log()).masked_fill(foreign, -torch.inf).logsumexp(1)
        return density - self.space.numbers * self.unit.log()
