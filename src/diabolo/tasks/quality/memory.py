"""Memorisation: are synthetic images repeated from those that were learned from?"""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence

import numpy as np
import torch

from diabolo.fidelity import copying, exact_copies, membership, nearer_than
from diabolo.preprocessing import Conversion
from diabolo.tasks.quality.record import Memory

KEPT, LOOKED_AT = 64, 5000  # principal components in which copies are looked for; images that they are fitted on
AT_ONCE = 2000


def memory(real: np.ndarray, synthetic: np.ndarray, held_out: np.ndarray | None, conversion: Conversion) -> Memory:
    """Look for every synthetic image's nearest real one, in the leading principal components of all images together.

    Blur and noise of single pixels hardly move an image there. What nobody learned from says how near is usual:
    held-out images, or without any each real one among the others.
    """
    axes = _axes([real, synthetic] if held_out is None else [real, synthetic, held_out], conversion)
    learned, samples = _rows(real, axes, conversion), _rows(synthetic, axes, conversion)
    unseen = None if held_out is None else _rows(held_out, axes, conversion)
    return Memory(
        copying=copying(samples, learned, unseen),
        copies=exact_copies(synthetic, real),
        real_copies=_twice(real) if held_out is None else float(exact_copies(held_out, real).mean()),
        searched=len(real),
        nearer_by_chance=len(learned) / (len(learned) + (0 if unseen is None else len(unseen))),
        nearer=None if unseen is None else nearer_than(samples, learned, unseen),
        membership=None if unseen is None else membership(samples, learned[: len(unseen)], unseen),
    )


def _twice(images: np.ndarray) -> float:
    """The share of images that stand there more than once."""
    counts = collections.Counter(image.tobytes() for image in images)
    return sum(count for count in counts.values() if count > 1) / len(images)


def _axes(sets: Sequence[np.ndarray], conversion: Conversion) -> np.ndarray | None:
    """(d, 64) the leading principal axes; None where images have no more numbers than that.

    Images lie wider on axes that were fitted on them: of every set the same share is, so that none looks nearer.
    """
    if math.prod(conversion.shape) <= KEPT:
        return None
    generator, share = np.random.default_rng(0), min(1.0, LOOKED_AT / sum(map(len, sets)))
    drawn = [images[generator.permutation(len(images))[: math.ceil(share * len(images))]] for images in sets]
    some = conversion.to_network(np.concatenate(drawn)).flatten(1)
    generator_state = torch.random.get_rng_state()
    try:  # torch.pca_lowrank draws from the global generator alone
        torch.default_generator.manual_seed(0)
        return torch.pca_lowrank(some, min(KEPT, len(some)))[2].numpy()
    finally:
        torch.random.set_rng_state(generator_state)


def _rows(images: np.ndarray, axes: np.ndarray | None, conversion: Conversion) -> np.ndarray:
    """(n, d) float32 rows in which distances are measured."""
    starts = range(0, len(images), AT_ONCE)
    chunks = (conversion.to_network(images[start : start + AT_ONCE]).flatten(1).numpy() for start in starts)
    return np.concatenate([chunk if axes is None else chunk @ axes for chunk in chunks])
