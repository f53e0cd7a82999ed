"""Makes docs/images/reconstructions.png: what PCA and an autoencoder draw at equal code length.

    .venv/bin/python docs/pictures.py

Digits: 1500 of scikit-learn's digits to learn from, 8 numbers for 64 pixels. The pictures that are shown, and the
errors, are of the other 297, which neither method has seen.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from diabolo import Autoencoder, open_source

mpl.use("agg")
from matplotlib import pyplot as plt

COLUMNS = 12
NUMBERS = (4, 8)
OUT = Path(__file__).parent / "images" / "reconstructions.png"


def rebuilt(train: np.ndarray, test: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """Reconstructions of `test` by title."""
    wide = {"architecture__width": 256, "architecture__depth": 2, "epochs": 100, "batch_size": 32}
    models = {
        "PCA": Autoencoder.from_recipe("linear", latent__size=size),
        "autoencoder": Autoencoder.from_recipe("deep", latent__size=size, **wide),
    }
    rows = {}
    for name, model in models.items():
        model.fit(train)
        rows[f"{name}, {size} numbers\nerror {model.model_.residual(test).mean():.4f}"] = model.reconstruct(test)
    return rows


def draw(rows: dict[str, np.ndarray]) -> None:
    """One line of pictures for each title."""
    lines = [np.hstack([np.pad(p, 1, constant_values=255) for p in line[:COLUMNS]]) for line in rows.values()]
    height, width = np.vstack(lines).shape
    figure, axis = plt.subplots(figsize=(8, 8 * height / width))
    axis.imshow(np.vstack(lines), cmap="gray", vmin=0, vmax=255)
    axis.set_xticks([])
    axis.set_yticks([(i + 0.5) * len(line) for i, line in enumerate(lines)], rows)
    axis.tick_params(length=0, labelsize=9)
    axis.spines[:].set_visible(False)
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=110, bbox_inches="tight", facecolor="white")


def main() -> None:
    digits = open_source("digits").array
    train, test = digits[:1500], digits[1500:]
    rows = {"original\n64 pixels": test}
    for size in NUMBERS:
        rows |= rebuilt(train, test, size)
    draw(rows)


if __name__ == "__main__":
    main()
