"""Training: one loop over players, from a source and a recipe to a model."""

from diabolo.training.fit import fit
from diabolo.training.processes import find_device, leave

__all__ = ["find_device", "fit", "leave"]
