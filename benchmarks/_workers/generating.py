"""Learn a labelled set, draw from it, and measure what was drawn: generating.py SET METHOD SEED MOST FOLDER ...

METHOD: "diabolo" (recipe `generate` with the OPTION=VALUEs that follow), "pca-mixture" (scikit-learn: 64 principal
components, a mixture of ten normal distributions for each class), or "real": as many real pictures. MOST: pictures of
the training set for a trial; 0 = all. FOLDER keeps some samples, as SET-METHOD-SEED.npz. Reports CPU-seconds of
learning and drawing, and the figures of `_synthetic`, on the set's own test pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from _measure import Clock, report
from _synthetic import accuracy, classifier, copied, neighbourhoods, told_apart

from diabolo.sources import labels, open_source
from diabolo.tasks.generate import Generator

MADE = 30_000  # labelled samples that a classifier learns from
KEPT = 1000  # of them


def diabolo(images: np.ndarray, classes: np.ndarray, seed: int, options: dict[str, str]) -> Any:
    generator = Generator(options=options, random_state=seed).fit(images, classes)
    return lambda count: generator.labelled_sample(count, balanced=True, seed=seed)


def pca_mixture(images: np.ndarray, classes: np.ndarray, seed: int, options: dict[str, str]) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    pca = PCA(64, random_state=seed)
    codes = pca.fit_transform(images.reshape(len(images), -1) / 255)
    mixtures = [GaussianMixture(10, reg_covar=1e-4, random_state=seed).fit(codes[classes == c]) for c in range(10)]

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        rows = np.concatenate([mixture.sample(count // 10)[0] for mixture in mixtures])
        made = np.rint(pca.inverse_transform(rows).clip(0, 1) * 255).astype(np.uint8)
        return made.reshape(len(made), *images.shape[1:]), np.repeat(np.arange(10), count // 10)

    return drawn


def real(images: np.ndarray, classes: np.ndarray, seed: int, options: dict[str, str]) -> Any:
    chosen = np.random.default_rng(seed).permutation(len(images))
    return lambda count: (images[chosen[:count]], classes[chosen[:count]])


METHODS = {"diabolo": diabolo, "pca-mixture": pca_mixture, "real": real}


def main(name: str, method: str, seed: str, most: str, folder: str, *given: str) -> None:
    number = int(seed)
    images, classes = open_source(name).array, labels(name)
    test, truth = open_source(f"{name}-test").array, labels(f"{name}-test")
    if int(most):
        images, classes = images[: int(most)], classes[: int(most)]
    clock = Clock()
    draw = METHODS[method](images, classes, number, dict(option.split("=", 1) for option in given))
    learning = clock.read()["cpu_seconds"]
    clock = Clock()
    made, said = draw(min(MADE, len(images)))
    drawing = clock.read()["cpu_seconds"]
    order = np.random.default_rng(number).permutation(len(made))
    made, said = made[order], said[order].astype(np.int64)
    np.savez(Path(folder) / f"{name}-{method}-{seed}.npz", images=made[:KEPT], labels=said[:KEPT])
    judge = classifier(images[:MADE], classes[:MADE], number)
    report(
        learning=learning,
        drawing=drawing,
        samples=len(made),
        accuracy=accuracy(classifier(made, said, number), test, truth),
        agreement=accuracy(judge, made, said),
        told_apart=told_apart(test, made, number),
        copied=copied(images, test, made),
        **neighbourhoods(judge, test, made),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
