"""Training: one loop over players, from a source and a recipe to a model."""

from diabolo.training.fit import fit
from diabolo.training.other_priors import each_prior, with_priors
from diabolo.training.processes import find_device, leave

__all__ = ["each_prior", "find_device", "fit", "leave", "with_priors"]
