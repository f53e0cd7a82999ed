"""The small classifier: it learns, repeats to the bit, takes images of every shape, and refuses what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from diabolo.errors import Mistake
from diabolo.training.classifier import accuracy, train_on

ORDER = np.random.default_rng(0).permutation(1797)
DIGITS, LABELS = load_digits().images[ORDER], load_digits().target[ORDER]
REAL, HELD, SMALL = slice(0, 600), slice(600, 1100), DIGITS[:60]


def test_it_repeats_to_the_bit_and_learns() -> None:
    one, two, other = (train_on(DIGITS[REAL], LABELS[REAL], seed=seed, steps=60) for seed in (0, 0, 1))
    assert np.array_equal(one.scores(DIGITS[HELD]), two.scores(DIGITS[HELD]))
    assert not np.array_equal(one.scores(DIGITS[HELD]), other.scores(DIGITS[HELD]))
    assert accuracy(one, DIGITS[HELD], LABELS[HELD]) > 0.93
    assert one.features(DIGITS[HELD]).shape == (500, 128)
    assert one.predict(DIGITS[HELD]).dtype == LABELS.dtype


@pytest.mark.parametrize("shape", [(5,), (3, 3), (8, 9), (28, 28, 3), (50, 33)])
def test_it_takes_images_of_every_shape(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    labels = np.array(["no", "yes"])[random.integers(2, size=80)]
    images = random.random((80, *shape)) + (labels == "yes").reshape(-1, *(1 for _ in shape)) * 0.5
    classifier = train_on(images, labels, steps=30)
    assert accuracy(classifier, images, labels) > 0.95


def test_it_refuses_labels_that_do_not_fit() -> None:
    with pytest.raises(Mistake, match="got 59 labels for 60 images"):
        train_on(SMALL, LABELS[:59])
    with pytest.raises(Mistake, match="needs two classes: got 60 images of 1"):
        train_on(SMALL, np.zeros(60))
    with pytest.raises(Mistake, match="not numbers or texts"):
        train_on(SMALL, np.full(60, np.nan))
