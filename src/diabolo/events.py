"""What long work tells while it runs: plain records that a progress bar, a log or a test may listen to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping


@dataclasses.dataclass(frozen=True)
class Note:
    """Something the user should know: a choice that was made for them, or a warning with its remedy."""

    text: str
    warning: bool = False


@dataclasses.dataclass(frozen=True)
class Started:
    """Training begins: how many images it learns from, how many it holds out, and how far it will go."""

    images: int
    held_out: int
    parameters: int
    steps: int
    done: int = 0  # steps already done by the run that this one resumes


@dataclasses.dataclass(frozen=True)
class Stepped:
    """One batch was learned: the loss in nats per image, the mean over the batch."""

    step: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float
    images_per_second: float


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """An epoch ended: mean terms over the held-out images, in nats per image (over the last batches without any)."""

    epoch: int
    loss: float
    best: bool
    terms: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Passed:
    """So many of so many images went through a task."""

    done: int
    total: int
    kind: str = "images"


Event = Passed | Note | Started | Stepped | Evaluated
Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The listener that hears nothing."""
