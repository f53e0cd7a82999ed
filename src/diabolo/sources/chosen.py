"""Some images of a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diabolo.sources.base import Source
from diabolo.sources.conditions import Conditions
from diabolo.sources.encoding import Encoding


class Chosen:
    """The images of a source at `places`, in that order, under their own names and labels."""

    def __init__(self, source: Source, places: Sequence[int]) -> None:
        self.source, self.places = source, [int(place) for place in places]
        self.description = f"{len(self.places)} of {source.description}"
        self.unreadable: list[tuple[str, str]] = list(getattr(source, "unreadable", ()))
        self.strict: bool = getattr(source, "strict", False)
        self.columns: list[str] | None = getattr(source, "columns", None)
        self.shapes: set[tuple[Any, ...]] = getattr(source, "shapes", set())
        self.encoding: Encoding | None = getattr(source, "encoding", None)
        labels: Conditions | None = getattr(source, "conditions", None)
        self.conditions = None if labels is None else labels.chosen(self.places)
        array = getattr(source, "array", None)
        self.array: np.ndarray | None = None if array is None else np.asarray(array)[self.places]

    def __len__(self) -> int:
        return len(self.places)

    def read(self, index: int) -> np.ndarray:
        return self.source.read(self.places[index])

    def name(self, index: int) -> str:
        return self.source.name(self.places[index])
