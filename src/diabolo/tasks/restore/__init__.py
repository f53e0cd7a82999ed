"""Restore: noise, holes, blocks and blur undone by a trained model; denoising and inpainting are one path."""

from diabolo.tasks.restore.blind import Deblocker, Deblurrer, Enlarger
from diabolo.tasks.restore.denoiser import Denoiser
from diabolo.tasks.restore.inpainter import Inpainter
from diabolo.tasks.restore.restorer import Restored, Restorer

__all__ = ["Deblocker", "Deblurrer", "Denoiser", "Enlarger", "Inpainter", "Restored", "Restorer"]
