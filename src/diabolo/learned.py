"""Modules whose buffers are learned, with shapes that depend on the data: a file says them before it is read."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from diabolo.errors import Mistake

LARGEST = 2**40  # numbers of one buffer, told by a file: its weights, which are counted, cannot be so many


class Statistics(nn.Module):
    """A module whose buffers `NAMES` are learned, in single precision."""

    NAMES: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        for name in self.NAMES:
            self.register_buffer(name, torch.zeros(0))

    def keep(self, **learned: Tensor) -> None:
        """Put learned statistics into the buffers, in single precision."""
        for name, value in learned.items():
            setattr(self, name, value.detach().float().contiguous())


def shapes_of(module: nn.Module) -> dict[str, list[int]]:
    """The shape of every buffer, by its name."""
    return {name: list(value.shape) for name, value in module.named_buffers()}


def give_shapes(module: nn.Module, shapes: Any, what: str, whose: str) -> None:
    """Give every buffer the shape that a file tells, without memory; a `Mistake` where they cannot be.

    `what` the buffers are and `whose`, in words.
    """
    names = {name for name, _ in module.named_buffers()}
    if not isinstance(shapes, dict) or set(shapes) != names:
        raise Mistake(f"its {what} are not those of {whose}")
    for name, shape in shapes.items():
        if not (isinstance(shape, list) and len(shape) <= 4 and all(type(s) is int and s >= 0 for s in shape)):
            raise Mistake(f"its statistic {name} has no shape", got=repr(shape)[:40])
        if math.prod(shape) > LARGEST:
            raise Mistake(f"its statistic {name} is too large", got=repr(shape)[:40])
        owner, _, own = name.rpartition(".")
        inner = module.get_submodule(owner)
        inner.register_buffer(own, torch.empty(shape, device="meta", dtype=getattr(inner, own).dtype))
