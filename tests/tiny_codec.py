"""Codecs to test with: the starter, and one that is too small to be good but has every part, stirred."""

from __future__ import annotations

import contextlib
import copy
import functools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from diabolo.model import Model
from diabolo.network import Network
from diabolo.preprocessing import Conversion
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.starters import starter
from diabolo.tasks.compress import Compressor
from diabolo.tasks.compress.codec import Codec

TINY = {"latent.width": 8, "latent.state": 16, "latent.hyper": 4, "latent.blocks": 1}
WAYS = ("two threads", "without oneDNN", "channels last", "float64", "cuda")  # to compute, all to the same
STIRRED = {"before.last": 0.02, "after.last": 0.02, "anchors": 0.2, "logits": 0.3, "tails": 0.3, "bias": 0.3}


@functools.cache
def photo() -> Model:
    """The starter codec."""
    return starter("photo")


@functools.cache
def photo_codec() -> Codec:
    return Codec(photo())


def tiny_codec(channels: int = 3, seed: int = 0, **options: int) -> Model:
    """As training leaves a model, but all its numbers are drawn: it codes any picture, at a cost."""
    recipe = with_options(named("compress"), TINY | {name.replace("__", "."): value for name, value in options.items()})
    network = Network(recipe, (channels, 64, 64))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, numbers in network.latent.named_parameters():
            usual = (2 / numbers[0].numel()) ** 0.5 if numbers.ndim > 1 else 1.0
            scale = next((value for part, value in STIRRED.items() if part in name), usual)
            numbers.add_(scale * torch.randn(numbers.shape, generator=generator))
        network.latent.settle()
    network.eval().requires_grad_(False)
    layout = "grey" if channels == 1 else "channels"
    return Model(recipe, network, Conversion((channels, 64, 64), layout, "uint8", any_size=True))


def compressor(**options: Any) -> Compressor:
    return Compressor(photo(), **options)


def of_kind(height: int, width: int, kind: str, dtype: str = "uint8") -> np.ndarray:
    """A picture of one of the kinds that arrays have: grey, colour, and both with alpha."""
    values = astronaut()[100 : 100 + height, 180 : 180 + width].astype(np.dtype(dtype))
    alpha = np.random.default_rng(0).integers(0, 256, (height, width), np.dtype(dtype))
    if dtype == "uint16":
        values, alpha = values * 257, alpha * 250
    grey = {"grey": values[..., 1], "flat": values[..., 1:2], "grey, clear": np.dstack([values[..., 1], alpha])}
    return grey.get(kind, np.dstack([values, alpha]) if kind == "colour, clear" else values)


@contextlib.contextmanager
def computing(way: str, module: Any) -> Iterator[Any]:
    """A copy of a module or a model as a way of computing wants it, and torch set to it meanwhile; "" = as it is."""
    if way == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a GPU, and `make gpu`")
    changed = copy.deepcopy(module)
    network = getattr(changed, "network", changed)
    if way == "channels last":
        network.to(memory_format=torch.channels_last)
    elif way in ("float64", "cuda"):
        network.to(torch.float64 if way == "float64" else way)
    threads = torch.get_num_threads()
    torch.set_num_threads(2 if way == "two threads" else threads)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="TF32 acceleration")
            with torch.backends.mkldnn.flags(enabled=way != "without oneDNN"):
                yield changed
    finally:
        torch.set_num_threads(threads)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Decibels; of the same pictures very many."""
    top = np.iinfo(a.dtype).max
    return float(-10 * np.log10(np.square(a / top - b / top).mean() + 1e-20))
