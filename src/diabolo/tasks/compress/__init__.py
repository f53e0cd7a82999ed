"""Compressing pictures with a coded latent: files that decode to the same symbols everywhere."""

from diabolo.tasks.compress.compressor import Compressor

__all__ = ["Compressor"]
