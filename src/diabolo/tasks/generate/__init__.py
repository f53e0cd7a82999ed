"""Generate: new images like those that were learned from, of any class, and whole labelled sets."""

from diabolo.tasks.generate.generator import Generator

__all__ = ["Generator"]
