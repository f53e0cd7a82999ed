"""Objectives: what training minimises; they know nothing of how the code was made or of the optimiser."""

from diabolo.objectives.adversarial import Adversarial
from diabolo.objectives.adversarial_code import AdversarialCode
from diabolo.objectives.bernoulli import Bernoulli
from diabolo.objectives.choice import Likelihood, check_range, choose
from diabolo.objectives.gaussian import Gaussian
from diabolo.objectives.importance import importance_bound, importance_weighted
from diabolo.objectives.laplace import Laplace
from diabolo.objectives.marking import Marking
from diabolo.objectives.matching import Matching
from diabolo.objectives.pyramid import Pyramid
from diabolo.objectives.step import Companion, Step, Term
from diabolo.objectives.telling import Telling
from diabolo.options import Family

LIKELIHOODS = Family("likelihood", Gaussian, Bernoulli, Laplace)

__all__ = [
    "LIKELIHOODS",
    "TERMS",
    "Adversarial",
    "AdversarialCode",
    "Bernoulli",
    "Companion",
    "Gaussian",
    "Laplace",
    "Likelihood",
    "Marking",
    "Matching",
    "Pyramid",
    "Step",
    "Telling",
    "Term",
    "check_range",
    "choose",
    "importance_bound",
    "importance_weighted",
]

TERMS = Family("term", Adversarial, Marking, Matching, AdversarialCode, Pyramid, Telling)
