"""How near drawn digits are to real ones: judging.py SEED TRIAL FOLDER, of every FOLDER/*/*.npy, pictures (n, 28, 28).

A classifier of two hidden layers learns from the first 30000 training pictures of MNIST; in its last hidden layer
drawn pictures are compared with the 10000 test pictures, or with TRIAL 1 with the last training pictures: Frechet
distance, and with five neighbours precision, recall and coverage of 5000. "real": 10000 training pictures that the
classifier has not seen, in place of drawn ones.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from _measure import report
from _synthetic import classifier, neighbourhoods, rows

from diabolo.fidelity import frechet_distance
from diabolo.sources import labels, open_source

LEARNED, COMPARED = 30_000, 10_000


def main(seed: str, trial: str, folder: str) -> None:
    images, classes = open_source("mnist").array, labels("mnist")
    real = images[-COMPARED:] if int(trial) else open_source("mnist-test").array
    sets = {"real": images[LEARNED : LEARNED + COMPARED]}
    sets |= {f"{path.parent.name}/{path.stem}": np.load(path) for path in sorted(Path(folder).glob("*/*.npy"))}
    judge = classifier(images[:LEARNED], classes[:LEARNED], int(seed))

    def seen(some: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return judge[:-1](rows(some)).numpy()

    beside = seen(real)
    found = {
        name: {"frechet": frechet_distance(beside, seen(made)), **neighbourhoods(judge, real, made)}
        for name, made in sets.items()
    }
    report(**found)


if __name__ == "__main__":
    main(*sys.argv[1:])
