"""Learn faces of 256 x 256 pixels, and draw new ones: large.py TERMS FIRST THEN SEED DEVICE FOLDER.

London faces: every fifth person is tested on, the others are learned from; classes are neutral and smiling. FIRST steps
with the terms that bring no critic, then THEN more with all TERMS (names with commas between them, or "none").
FOLDER gets a sheet to look at, TERMS-SEED.png: test faces, what the network makes of them, new ones. Reports seconds
of the wall, since the device computes while the processor waits.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch
from _measure import Clock, report
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

from diabolo import Generator
from diabolo.events import Event, Stepped
from diabolo.sources import open_source

SIDE = 256
OPTIONS = {
    "preprocessing.side": SIDE,
    "architecture.levels": 6,
    "latent.size": 256,
    "batch_size": 64,
    "flip": True,
    "validation": 0.05,
}
EVERY = 5  # of so many people the last is tested on
MADE = 200
SMALLER = 8  # times, for the comparison of whole faces
ROW = 8  # faces in each row of the sheet


def faces() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures (n, SIDE, SIDE, 3), what they are, and which of them are tested on."""
    source = open_source(os.path.join(os.environ["DIABOLO_DATA"], "london-faces"))
    pictures = [
        Image.fromarray(source.read(i)).resize((SIDE, SIDE), Image.Resampling.LANCZOS) for i in range(len(source))
    ]
    places = [Path(source.name(i)) for i in range(len(source))]
    people = np.unique([place.stem[:3] for place in places])
    tested = np.isin([place.stem[:3] for place in places], people[EVERY - 1 :: EVERY])
    return np.stack([np.asarray(p) for p in pictures]), np.array([p.parent.name for p in places]), tested


class Steps:
    """The time of each step, as it is told of."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, Stepped):
            self.times.append(time.perf_counter())

    def median(self) -> float:
        """Milliseconds."""
        return 1000 * statistics.median(b - a for a, b in zip(self.times, self.times[1:], strict=False))


def psnr(images: np.ndarray, truth: np.ndarray) -> float:
    """The mean over the images, dB."""
    errors = np.square(images.astype(float) - truth).mean((1, 2, 3))
    return float((10 * np.log10(255**2 / errors)).mean())


def detail(images: np.ndarray) -> float:
    """The mean absolute Laplacian of the grey values."""
    grey = images.astype(np.float32).mean(3)
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return float(np.abs(4 * grey[:, 1:-1, 1:-1] - around).mean())


def small(images: np.ndarray) -> Tensor:
    return avg_pool2d(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, SMALLER).flatten(1)


def nearest(images: np.ndarray, learned: np.ndarray) -> float:
    """The median distance of small images to the nearest of those learned, or of their mirror images."""
    both = torch.cat((small(learned), small(learned[:, :, ::-1].copy())))
    return float(torch.cdist(small(images), both).min(1).values.median())


def main(terms: str, first: str, then: str, seed: str, device: str, folder: str) -> None:
    images, said, tested = faces()
    learned, other = images[~tested], images[tested]
    before = ",".join(term for term in terms.split(",") if term != "adversarial")
    steps, clock = Steps(), Clock()
    start = Generator(options=OPTIONS | {"steps": int(first), "terms": before, "priors": "normal"}, device=device)
    start.set_params(random_state=int(seed)).fit(learned, said[~tested])
    more = OPTIONS | {"steps": int(then), "terms": terms, "learning_rate": 2e-3}
    generator = Generator(start.model_, options=more, device=device, random_state=int(seed), listen=steps)
    generator.fit(learned, said[~tested])
    seconds, drawing = clock.read()["seconds"], Clock()
    made = generator.sample(MADE, seed=int(seed), balanced=True)
    drawing_seconds = drawing.read()["seconds"]
    seen = generator.model_.reconstruct(other)
    rows = [other[:ROW], seen[:ROW], *(made[at : at + ROW] for at in range(0, 4 * ROW, ROW))]
    sheet = np.vstack([np.hstack(list(row)) for row in rows])
    Image.fromarray(sheet).save(Path(folder) / f"{terms.replace(',', '-')}-{seed}.png")
    report(
        device=torch.cuda.get_device_name() if device.startswith("cuda") else device,
        psnr=psnr(seen, other),
        psnr_learned=psnr(generator.model_.reconstruct(learned), learned),
        detail=detail(seen) / detail(other),
        detail_made=detail(made) / detail(other),
        nearest=nearest(made, learned),
        nearest_other=nearest(other, learned),
        spread=float(small(made).std(0).mean() / small(learned).std(0).mean()),
        epochs=len(generator.model_.metrics["history"]),
        best_epoch=generator.model_.metrics["best_epoch"],
        milliseconds=steps.median(),
        seconds=seconds,
        samples_per_second=MADE / drawing_seconds,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
