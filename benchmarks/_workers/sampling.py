"""Learn each prior on the codes of one autoencoder of MNIST, and draw: sampling.py SEED MOST FOLDER OPTION ...

OPTIONs (NAME=VALUE) change recipe `generate-small`; its priors are those that are tried. MOST: pictures of the training
set for a trial; 0 = all. No labels are told. What each prior draws is kept as FOLDER/PRIOR.npy. Reports the CPU-seconds
of training and the pictures seen in it; of each prior the CPU-seconds to learn and to draw, and the distance by
which the product chooses; where something is refused, the product's own words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _measure import Clock, report, warm_up

from diabolo import Mistake
from diabolo.model import Model
from diabolo.options import name_of, replace
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sampler import vocabulary_of
from diabolo.sources import Source, open_source
from diabolo.tasks.generate import Generator
from diabolo.training import each_prior, fit

DRAWN = 10_000


def main(seed: str, most: str, folder: str, *given: str) -> None:
    recipe = with_options(named("generate-small"), dict(option.split("=", 1) for option in given) | {"seed": int(seed)})
    images = open_source("mnist").array
    source = open_source(images[: int(most) or len(images)])
    warm_up()
    clock = Clock()
    try:
        model = fit(source, replace(recipe, "priors", ()))
    except Mistake as refusal:
        report(refused=str(refusal))
        return
    training = clock.read()["cpu_seconds"]
    seen = model.provenance["images"] * recipe.training.epochs
    report(training=training, seen=seen, priors=dict(cells(model, source, recipe.priors, int(seed), Path(folder))))


def cells(model: Model, source: Source, priors: Any, seed: int, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is known of each prior, by its name."""
    able = []
    for part in priors:
        try:
            vocabulary_of(part, model.network.latent)
            able.append(part)
        except Mistake as refusal:
            yield name_of(part), {"refused": str(refusal)}
    clock = Clock()
    for part, (other, distance) in zip(able, each_prior(model, source, tuple(able)), strict=True):
        learning = clock.read()["cpu_seconds"]
        clock = Clock()
        drawn = Generator(other).sample(DRAWN, seed=seed)
        drawing = clock.read()["cpu_seconds"]
        np.save(folder / f"{name_of(part)}.npy", drawn)
        yield name_of(part), {"learning": learning, "drawing": drawing, "distance": distance}
        clock = Clock()


if __name__ == "__main__":
    main(*sys.argv[1:])
