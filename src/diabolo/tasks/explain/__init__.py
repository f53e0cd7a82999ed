"""Explaining: why a score is what it is, what would make it normal, what the model needs, and what its code means."""

from diabolo.tasks.explain.explainer import Explainer
from diabolo.tasks.explain.reasons import Explanation, Reason

__all__ = ["Explainer", "Explanation", "Reason"]
