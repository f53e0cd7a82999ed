"""The quality that gives a wanted size or nearness: by bisection, since both grow with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from diabolo.errors import Mistake
from diabolo.tasks.nearness import psnr_of

THRIFT = 0.3  # how much a saved bit counts from effort 2 on: found best on photos held out from training
MOST_THRIFT = 1.0  # between two qualities the size is brought down by thrift
ROUNDS = 6  # of the search between two qualities
NEAR = 0.01  # a size so near below the wanted one ends the search

Trial = Callable[[int, float], tuple[bytes, np.ndarray | None, float]]  # quality, thrift -> file, pictures, estimate


class Target(NamedTuple):
    """`kind`: "quality", "size" (bytes), "bpp" or "psnr" (dB). `thrift`: where nothing else is asked of it."""

    kind: str
    value: float
    thrift: float


def search(target: Target, images: np.ndarray, trial: Trial) -> tuple[bytes, int, float]:
    """The file that comes nearest to a target, its quality, and the estimate of its size in bytes.

    A size is never passed, and met within 1 % where the qualities 1 and 100 allow it; of nearness, the least quality
    that reaches it is taken. A `Mistake` where even quality 1 is too large, or quality 100 not near enough.
    """
    if target.kind == "quality":
        data, _, estimate = trial(int(target.value), target.thrift)
        return data, int(target.value), estimate
    if target.kind == "psnr":
        return _nearness(target, images, trial)
    pixels = int(np.prod(images.shape[:3]))
    return _size(target, target.value if target.kind == "size" else target.value * pixels / 8, trial)


def _size(target: Target, most: float, trial: Trial) -> tuple[bytes, int, float]:
    low, high = 0, 101  # too small or just right, too large
    best: tuple[bytes, int, float] | None = None
    while high - low > 1:
        middle = (low + high) // 2
        data, _, estimate = trial(middle, target.thrift)
        if len(data) <= most:
            low, best = middle, (data, middle, estimate)
        else:
            high, smallest = middle, len(data)
    if high <= 100:  # a little more quality with more thrift may come nearer
        few, much = target.thrift, MOST_THRIFT
        for _ in range(ROUNDS):
            if best and len(best[0]) > (1 - NEAR) * most:
                break
            thrift = (few + much) / 2
            data, _, estimate = trial(high, thrift)
            if len(data) <= most:
                much = thrift
                best = (data, high, estimate) if not best or len(data) > len(best[0]) else best
            else:
                few = thrift
    if best is None:
        raise Mistake("the picture cannot be made so small", f"{most:.0f} bytes", f"{smallest} or more")
    return best


def _nearness(target: Target, images: np.ndarray, trial: Trial) -> tuple[bytes, int, float]:
    low, high = 0, 101  # not near enough, near enough
    best: tuple[bytes, int, float] | None = None
    reached = 0.0
    while high - low > 1:
        middle = (low + high) // 2
        data, decoded, estimate = trial(middle, target.thrift)
        assert decoded is not None
        reached = psnr_of(list(decoded), list(images))
        if reached >= target.value:
            high, best = middle, (data, middle, estimate)
        else:
            low = middle
    if best is None:
        raise Mistake("no quality comes so near", f"{target.value:g} dB", f"up to {reached:.2f} dB for this picture")
    return best
