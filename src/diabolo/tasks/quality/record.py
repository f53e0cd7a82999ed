"""What was found: figures with their floor and ceiling, and what the page shows."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from diabolo.fidelity import Copying, Interval
from diabolo.preprocessing import Conversion
from diabolo.tasks.quality.given import Side

HALF = 0.5  # of cases: what a classifier that can tell nothing gets right
BETTER_ABOVE = ("precision", "recall", "density", "coverage")  # figures that are better where they are greater


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure, and on the same data its floor (real against real) and its ceiling (against something clearly bad)."""

    name: str
    title: str
    value: Interval
    floor: Interval
    ceiling: Interval

    @property
    def tells(self) -> bool:
        """Is the ceiling worse than the floor? Else the figure cannot tell good from bad here."""
        floor, ceiling = self.floor.value, self.ceiling.value
        return ceiling < floor if self.name in BETTER_ABOVE else ceiling > floor

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return self.value.to_dict() | {
            "floor": self.floor.to_dict()["value"],
            "ceiling": self.ceiling.to_dict()["value"],
            "tells": self.tells,
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Usefulness:
    """Held-out real accuracy of classifiers, by what they learned from: "real", "synthetic" and "both"; (seeds,) each.

    `counts`: images that each learned from. `aurocs`: the same as `accuracies`, where there are two classes.
    """

    accuracies: dict[str, np.ndarray]
    aurocs: dict[str, np.ndarray]
    counts: dict[str, int]
    tested: int
    chance: float  # accuracy of always naming the most frequent class
    synthetic_gain: Interval  # synthetic less real, paired by seed and test image
    both_gain: Interval  # real + synthetic less real
    missing: tuple[str, ...]  # classes of the real set that the synthetic one lacks
    given_away: float  # the share of those tested on that the synthetic set repeats; 0 where no more than by chance

    @property
    def helps(self) -> bool:
        """Is real + synthetic better than real alone, beyond chance and beyond what was given away?"""
        return self.both_gain.low > self.given_away

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "accuracy": {arm: float(values.mean()) for arm, values in self.accuracies.items()},
            "accuracies": {arm: values.tolist() for arm, values in self.accuracies.items()},
            "auroc": {arm: float(values.mean()) for arm, values in self.aurocs.items()},
            "learned_from": self.counts,
            "tested_on": self.tested,
            "chance": self.chance,
            "synthetic_minus_real": self.synthetic_gain.to_dict(),
            "both_minus_real": self.both_gain.to_dict(),
            "helps": self.helps,
            "missing_classes": list(self.missing),
            "given_away": self.given_away,
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Memory:
    """Whether samples repeat what was learned from; the last two need held-out images."""

    copying: Copying
    copies: np.ndarray  # (m,) bool: equal to a real one in every value
    real_copies: float  # the share of held-out real ones that stand among the learned, or of real ones that stand twice
    searched: int
    nearer: Interval | None  # the share whose nearest one was learned from, and not held out
    nearer_by_chance: float
    membership: Interval | None

    @property
    def remembered(self) -> bool:
        """Whether what was learned from surely lies nearer than what was held out, and the other figure agrees."""
        if self.nearer is None or self.membership is None:
            return False
        return self.membership.low > 0.5 and self.nearer.value > self.nearer_by_chance

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        told: dict[str, Any] = {
            "share_nearer_than_held_out": self.copying.share.to_dict() | {"floor": self.copying.chance, "ceiling": 1.0}
        }
        told |= {"exact_copies": int(self.copies.sum()), "searched": self.searched}
        chances = (
            ("nearest_was_learned", self.nearer, self.nearer_by_chance),
            ("membership_auroc", self.membership, 0.5),
        )
        for name, figure, chance in chances:
            told[name] = None if figure is None else figure.to_dict() | {"floor": chance, "ceiling": 1.0}
        return told


@dataclasses.dataclass(frozen=True, eq=False)
class Telling:
    """A classifier that tells synthetic from real: on held-out images, higher scores are more synthetic."""

    figures: tuple[Figure, ...]
    synthetic: np.ndarray  # (k,) numbers of the synthetic images that it was tested on
    scores: np.ndarray  # (k,) theirs

    @property
    def real_apart(self) -> bool:
        """Are the two sets of real images surely told apart, too?"""
        return self.figures[0].floor.low > HALF


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """Errors of a table's columns and of their pairs."""

    names: tuple[str, ...]
    categorical: tuple[bool, ...]
    shapes: np.ndarray  # (d,)
    pairs: np.ndarray  # (d, d)
    figures: tuple[Figure, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            name: {"shape_error": float(shape), "pair_error": _mean(self.pairs[i])}
            for i, (name, shape) in enumerate(zip(self.names, self.shapes, strict=True))
        }


@dataclasses.dataclass(frozen=True, eq=False)
class Quality:
    """All that was found about a synthetic set beside a real one."""

    real: Side
    synthetic: Side
    held_out: Side | None
    conversion: Conversion
    features: str  # in words: what distances are measured in
    compared: dict[str, int]
    likeness: tuple[Figure, ...]
    telling: Telling
    memory: Memory
    usefulness: Usefulness | None
    columns: Columns | None
    notes: tuple[str, ...]

    @property
    def unlike(self) -> bool:
        """Are the held-out ones surely not drawn like the real ones?"""
        return self.held_out is not None and self.telling.real_apart

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure that has a floor and a ceiling."""
        return (*self.likeness, *self.telling.figures, *(self.columns.figures if self.columns else ()))

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        sides = [side for side in (self.real, self.synthetic, self.held_out) if side]
        return {
            "sets": {side.role: {"place": side.description, "images": side.of, "read": len(side)} for side in sides},
            "compared": self.compared,
            "features": self.features,
            "figures": {figure.name: figure.to_dict() for figure in self.figures},
            "memorisation": self.memory.to_dict(),
            "usefulness": self.usefulness.to_dict() if self.usefulness else None,
            "columns": self.columns.to_dict() if self.columns else None,
            "notes": list(self.notes),
        }


def _mean(values: np.ndarray) -> float | None:
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else None


def mean_of_pairs(pairs: np.ndarray) -> float:
    """The mean error over all pairs, NaN where there is none."""
    mean = _mean(pairs[np.triu_indices(len(pairs), 1)])
    return math.nan if mean is None else mean
