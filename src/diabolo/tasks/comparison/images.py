"""The images of a comparison: some to learn from, others to measure on, both as the networks take them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Note
from diabolo.preprocessing import Conversion, Preprocessing
from diabolo.sources import NAMED, Arrays, Source, labels, open_source
from diabolo.training.pictures import Pictures
from diabolo.training.survey import survey

SMALLEST = 8  # pixels: the least side of a picture that convolutions are tried on
FEWEST = 10  # images


@dataclasses.dataclass(frozen=True)
class Images:
    """Raw images to learn from, test images in network units, and what both have in common."""

    description: str
    learned: np.ndarray  # (n, *raw image)
    test: np.ndarray  # (m, d), network units, float64
    labels: np.ndarray | None  # (m,) of the test images
    conversion: Conversion
    named_test: str  # where the test images come from, in words

    @property
    def numbers(self) -> int:
        """Numbers in one image."""
        return int(np.prod(self.conversion.shape))

    @property
    def range(self) -> float:
        """From the darkest to the brightest network value of the data."""
        return self.conversion.high - self.conversion.low

    @property
    def pictures(self) -> bool:
        """Whether they are pictures of SMALLEST pixels and more, and not vectors or smaller ones."""
        return self.conversion.layout != "vector" and min(self.conversion.shape[1:]) >= SMALLEST

    def part(self, share: float) -> np.ndarray:
        """The first `share` of the images to learn from, which are in random order."""
        return self.learned[: max(2, round(share * len(self.learned)))]

    def rows(self, raw: np.ndarray) -> np.ndarray:
        """Raw images as rows (n, d), float64, network units."""
        return in_network_units(raw, self.conversion)


def in_network_units(raw: np.ndarray, conversion: Conversion) -> np.ndarray:
    """(n, *raw image) to rows (n, d), float64, in the network's order of numbers."""
    import torch

    return conversion.to_network(raw, torch.float64).flatten(1).numpy()


def gather(
    source: Any,
    test: Any = None,
    *,
    share: float = 0.2,
    most: int = 20_000,
    preprocessing: Preprocessing | None = None,
    seed: int = 0,
    strict: bool = False,
    listen: Listener,
) -> Images:
    """Open the source, draw at most `most` images from it, and hold a random `share` of them out for the test.

    With `test`, another source, nothing is held out. Raises `Mistake` where the images differ in size, or are too few.
    """
    opened = open_source(source, strict=strict)
    raw, kept = _load(opened, preprocessing or Preprocessing(), listen)
    classes = _labels(source, len(opened))
    order = np.random.default_rng(seed).permutation(len(raw))
    if len(order) > most:
        listen(Note(f"{most} of {len(order)} images are compared, drawn at random"))
        order = order[:most]
    held = 0 if test is not None else round(share * len(order))
    if test is not None:
        other = open_source(test, strict=strict)
        test_raw, test_kept = _load(other, preprocessing or Preprocessing(), listen)
        test_labels, named = _labels(test, len(other)), other.description
        test_raw, test_kept = test_raw[:most], test_kept[:most]
    else:
        test_raw, test_kept, test_labels = raw[order[:held]], kept[order[:held]], classes
        named = f"{held} of {len(order)}, drawn at random"
    if min(len(order) - held, len(test_raw)) < FEWEST:
        raise Mistake(
            "too few images to compare on", f"{len(order) - held} and {len(test_raw)}", f"{FEWEST} or more each"
        )
    learned = np.ascontiguousarray(raw[order[held:]])
    conversion = survey(Pictures(Arrays(learned), Preprocessing()), 0)[1]
    chosen = None if test_labels is None else test_labels[test_kept]
    return Images(opened.description, learned, in_network_units(test_raw, conversion), chosen, conversion, named)


def _load(source: Source, preprocessing: Preprocessing, listen: Listener) -> tuple[np.ndarray, np.ndarray]:
    """All images of one size as one array (n, *raw image), and the index in the source that each has."""
    pictures = Pictures(source, preprocessing)
    if pictures.shape is None:
        raise Mistake("the pictures have different sizes", allowed="one size", remedy="--side 32")
    if not pictures.in_memory:
        raise Mistake("the pictures do not fit in memory for PCA", got=f"{len(source)} pictures", remedy="--side 32")
    for name, reason in pictures.unreadable:
        listen(Note(f"left out {name}: {reason}", warning=True))
    return pictures.held(0, len(pictures)), pictures.order


def _labels(source: Any, count: int) -> np.ndarray | None:
    """The classes of a named set that has some."""
    named = NAMED.get(source) if isinstance(source, str) else None
    if named is None or named.labels is None:
        return None
    known = labels(named.name)
    return known if len(known) == count else None
