"""How alike two sets are: distances and neighbourhoods of features, each beside real against real and a bad set."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from diabolo.fidelity import (
    Interval,
    auroc_interval,
    frechet_distance,
    kernel_distance,
    neighbourhoods,
)
from diabolo.preprocessing import Conversion
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import Arrays
from diabolo.tasks.quality.record import Figure, Telling
from diabolo.training import fit
from diabolo.training.classifier import WIDTH, Classifier, train_on

CODE, STEPS = 32, 200  # numbers that describe a picture without labels; steps of the autoencoder that finds them
LARGEST = 32  # pixels of a side, as that autoencoder sees pictures
TELLING_STEPS = 300  # of a classifier that tells synthetic from real
CUT = 4  # deviations of a table's column: a few values far out would be all that a distance of third moments sees
DRAWS = 300  # of the bootstrap of its AUROC
TRAINED = "trained here on real pictures"
TITLES = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}

Features = Callable[[np.ndarray], np.ndarray]


def spoilt(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """As many images, every value taken from another image drawn at random: each is usual, nothing goes together."""
    flat = images.reshape(len(images), -1)
    rows = generator.integers(len(flat), size=flat.shape)
    return np.take_along_axis(flat, rows, axis=0).reshape(images.shape)


def described(learn: np.ndarray, classifier: Classifier | None, conversion: Conversion) -> tuple[Features, str]:
    """A function from raw images to features (n, d), centred and of one scale, and what they are in words.

    The scale makes a feature's mean variance over `learn` 1, so that distances mean the same whatever was trained.
    """
    raw: Features
    if conversion.layout == "vector":
        raw, words = _standardised(conversion), f"the standardised columns, cut at {CUT} deviations"
    elif classifier is not None:
        raw, words = classifier.features, f"{WIDTH} features of a small classifier of the labels, {TRAINED}"
    else:
        raw, words = _codes(learn), f"{CODE} numbers of an autoencoder's code, {TRAINED}, since labels are missing"
    seen = raw(learn)
    centre, scale = seen.mean(0), math.sqrt(float(seen.var(0).mean())) or 1.0
    return lambda images: (raw(images) - centre) / scale, words


def _standardised(conversion: Conversion) -> Features:
    return lambda images: conversion.to_network(images).clamp(-CUT, CUT).numpy()


def _codes(learn: np.ndarray) -> Features:
    options = {"latent.size": CODE, "training.steps": STEPS, "training.validation": 0.0}
    model = fit(Arrays(_shrunk(learn)), with_options(named("deep"), options), device="cpu")
    return lambda images: model.encode(_shrunk(images))


def _shrunk(images: np.ndarray) -> np.ndarray:
    """Large pictures as means of squares of pixels, no side above `LARGEST`; what is left over at the edge goes."""
    fold = -(-max(images.shape[1:3]) // LARGEST)
    if fold == 1:
        return images
    height, width = (side // fold for side in images.shape[1:3])
    whole = images[:, : height * fold, : width * fold]
    return whole.reshape(len(images), height, fold, width, fold, *images.shape[3:]).mean((2, 4), dtype=np.float32)


def likeness(features: Features, real: np.ndarray, synthetic: np.ndarray, seed: int) -> tuple[Figure, ...]:
    """Distances and neighbourhoods of a half of `real` and as many synthetic images; the floor is the other half."""
    count = min(len(real) // 2, len(synthetic))
    half, other = real[:count], real[count : 2 * count]
    bad = spoilt(other, np.random.default_rng(seed))
    base = features(half)
    found = [_measured(base, features(images)) for images in (synthetic[:count], other, bad)]
    return tuple(Figure(name, title, *(one[name] for one in found)) for name, title in TITLES.items())


def _measured(real: np.ndarray, other: np.ndarray) -> dict[str, Interval]:
    near = neighbourhoods(real, other)
    return {
        "frechet_distance": Interval(frechet_distance(real, other)),
        "kernel_distance": kernel_distance(real, other),
    } | {name: Interval(getattr(near, name)) for name in ("precision", "recall", "density", "coverage")}


def telling(learn: np.ndarray, test: np.ndarray, synthetic: np.ndarray, seed: int) -> Telling:
    """How well a classifier tells synthetic from real images (a two-sample test, Lopez-Paz and Oquab 2017).

    The floor is the same with two sets of real images, the ceiling with spoilt ones.
    """
    count = min(len(learn), len(test), len(synthetic))
    sets = (synthetic[:count], learn[:count], spoilt(learn[:count], np.random.default_rng(seed)))
    told = [_told(test[:count], other, seed) for other in sets]
    # Every image is judged once, by a classifier that learned from others, without folds: the hits are independent, and
    # Wilson's interval has a width where all are right, which drawing again has not.
    accuracies = [Interval.of_share(np.concatenate((real <= 0, other > 0))) for real, other in told]
    areas = [auroc_interval(*scores, draws=DRAWS) for scores in told]
    figures = (
        Figure("told_apart", "told apart by a classifier", *accuracies),
        Figure("told_apart_auroc", "the same, AUROC", *areas),
    )
    return Telling(figures, np.arange(count // 2, count), told[0][1])


def _told(real: np.ndarray, other: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the second halves, higher = less real, by a classifier that learned from the first halves."""
    half = len(real) // 2
    labels = np.repeat((0, 1), half)
    classifier = train_on(np.concatenate((real[:half], other[:half])), labels, seed=seed, steps=TELLING_STEPS)
    scores = [classifier.scores(images[half:]) for images in (real, other)]
    return scores[0][:, 1] - scores[0][:, 0], scores[1][:, 1] - scores[1][:, 0]
