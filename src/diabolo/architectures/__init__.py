"""Architectures: an encoder net and a decoder net; they know nothing of latents, losses or tasks."""

from diabolo.architectures.base import Features, Shape, output_range
from diabolo.architectures.blocks import Blocks
from diabolo.architectures.conv import Conv
from diabolo.architectures.flat import Flat
from diabolo.architectures.unet import Unet
from diabolo.options import Family

ARCHITECTURES = Family("architecture", Flat, Conv, Unet, Blocks)

__all__ = ["ARCHITECTURES", "Blocks", "Conv", "Features", "Flat", "Shape", "Unet", "output_range"]
