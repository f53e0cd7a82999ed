"""Objectives: what training minimises; they know nothing of how the code was made or of the optimiser."""

from diabolo.objectives.adversarial import Adversarial, discernment
from diabolo.objectives.bernoulli import Bernoulli
from diabolo.objectives.choice import Likelihood, check_range, choose
from diabolo.objectives.gaussian import Gaussian
from diabolo.objectives.laplace import Laplace
from diabolo.objectives.marking import Marking
from diabolo.options import Family

LIKELIHOODS = Family("likelihood", Gaussian, Bernoulli, Laplace)

__all__ = [
    "LIKELIHOODS",
    "TERMS",
    "Adversarial",
    "Bernoulli",
    "Gaussian",
    "Laplace",
    "Likelihood",
    "Marking",
    "check_range",
    "choose",
    "discernment",
]

TERMS = Family("term", Adversarial, Marking)
