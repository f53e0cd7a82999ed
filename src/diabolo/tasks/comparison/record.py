"""The record of a comparison: everything a report or a program needs, and nothing that can be trained."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from diabolo.model import Model
from diabolo.tasks.comparison.images import Images

REFERENCE = "PCA"
TOLERANCE = 1e-6  # relative; errors that differ by less are the same


@dataclasses.dataclass(frozen=True)
class Result:
    """One method at one code length. Errors are mean squared errors per value of test images, network units."""

    method: str
    size: int
    errors: np.ndarray  # (m,), one for each test image
    codes: np.ndarray  # (m, size)
    shown: np.ndarray  # (s, d), reconstructions of the images that the report shows
    psnr: float  # decibels, of the mean error against the data's range
    cpu_seconds: float
    memory: int | None  # bytes, how far training raised the peak of resident memory
    parameters: int
    bytes: int  # of the parameters
    encode_seconds: float  # per image
    decode_seconds: float
    copy_score: float  # 0 = knows only its data, 1 = copies noise too
    steps: int = 0  # of gradient descent; 0 = solved in closed form
    epochs: int = 0
    curve: tuple[tuple[float, float], ...] = ()  # (seconds, error on validation images) after each epoch
    model: Model | None = None

    @property
    def mse(self) -> float:
        return float(self.errors.mean())


@dataclasses.dataclass(frozen=True)
class Traits:
    """What the six points measure of one method, at the code length in focus."""

    encoder_failure: float  # of superposition; 0 = linear
    whole_failure: float
    spectrum: np.ndarray  # (size,), share of the codes' variance in each number, in the order of the code
    used: float  # effective number of dimensions of the code
    spanned: int  # dimensions that hold 99 % of the variance of the reconstructions
    correlation: float  # mean absolute one between the numbers of the code
    ordered: float  # share of neighbouring numbers whose variances decrease
    nested: float | None  # share of the shorter code's variance that the longer code tells
    fits: tuple[tuple[int, float], ...]  # (images, CPU-seconds), whole fits in closed form, one epoch otherwise


@dataclasses.dataclass(frozen=True)
class Comparison:
    """PCA and autoencoders at the same code lengths, from the same images, measured on others."""

    images: Images
    sizes: tuple[int, ...]
    focus: int  # the code length that is looked at closely
    nested_size: int | None  # the shorter code that is sought in the longer one
    results: tuple[Result, ...]
    traits: dict[str, Traits]
    features: dict[str, np.ndarray]  # (k, d): components, or what moving a code number by its spread changes
    cosines: dict[str, np.ndarray]  # |cos| of the angle to each of PCA's components
    validation_bar: float  # PCA's error on the images that the curves are measured on
    copier: Result | None  # an overcomplete model without pressure
    left_out: dict[str, str]  # recipes that could not be trained on these images, and why
    shown: np.ndarray  # (s,), indices of the test images that the report shows
    about: dict[str, Any]  # seed, versions, processor, date

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(result.method for result in self.results))

    def find(self, method: str, size: int | None = None) -> Result | None:
        """A method's result at a code length, by default the one in focus; None where it was not trained."""
        wanted = self.focus if size is None else size
        return next((r for r in self.results if (r.method, r.size) == (method, wanted)), None)

    def at(self, size: int) -> list[Result]:
        return [result for result in self.results if result.size == size]

    def reference(self, size: int) -> Result:
        found = self.find(REFERENCE, size)
        assert found is not None  # PCA is never left out
        return found

    def excess(self, result: Result) -> float:
        """Its error relative to PCA's at the same code length: 0.1 = a tenth worse; 0 within TOLERANCE."""
        ratio = result.mse / max(self.reference(result.size).mse, 1e-300) - 1
        return 0.0 if abs(ratio) <= TOLERANCE else ratio

    def best(self, size: int) -> Result:
        """The least error at a code length; PCA where nothing is below it by more than TOLERANCE."""
        rivals = [result for result in self.at(size) if self.excess(result) < 0]
        return min(rivals, key=lambda result: result.mse, default=self.reference(size))

    def figures(self) -> dict[str, Any]:
        """The figures as JSON data."""
        rows = [*self.results, *([self.copier] if self.copier else [])]
        return {
            "source": self.images.description,
            "learned": len(self.images.learned),
            "tested": len(self.images.test),
            "sizes": list(self.sizes),
            "focus": self.focus,
            "results": [_row(result) for result in rows],
            "traits": {name: _plain(dataclasses.asdict(traits)) for name, traits in self.traits.items()},
            "cosines": {name: values.tolist() for name, values in self.cosines.items()},
            "winners": {str(size): self.best(size).method for size in self.sizes},
            "worse_than_pca": [[r.method, r.size] for r in self.results if self.excess(r) > 0],
            "left_out": self.left_out,
            **self.about,
        }


def _row(result: Result) -> dict[str, Any]:
    names = ("method", "size", "mse", "psnr", "cpu_seconds", "memory", "parameters", "bytes")
    more = ("encode_seconds", "decode_seconds", "copy_score", "steps", "epochs")
    return {name: getattr(result, name) for name in (*names, *more)}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}
