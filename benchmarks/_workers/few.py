"""What few labelled pictures teach, plain, bent at random, and with ours beside: few.py SET EACH SEED STEPS MADE.

EACH pictures of a class are drawn from one part of the set, and every classifier is tested on another part. `Generator`
learns from bent copies of the few pictures, so that it knows what classical augmentation knows, and makes MADE. Reports
how many per cent of the test pictures each arm calls rightly, and CPU-seconds.

What classical augmentation does to each set was chosen on pictures that this file never sees: of MNIST and
Fashion-MNIST the second half of the training set, of MedNIST the last 400 of each class.
"""

from __future__ import annotations

import dataclasses
import math
import os
import sys

import numpy as np
import torch
from _measure import Clock, report, warm_up
from torch.nn.functional import affine_grid, avg_pool2d, cross_entropy, grid_sample, interpolate

from diabolo import Generator
from diabolo.sources import labels, open_source
from diabolo.training.classifier import LEARNING_RATE, SMOOTHING, WARM_UP, Network
from diabolo.training.muon import Muon

BATCH = 64
COPIES = 2000  # bent ones, of all the few pictures together, that the generator learns from
CELLS = 4  # along each side of the grid whose corners elastic deformation moves
DRAWN_FROM, TESTED = 200, 600  # of each class of MedNIST: the first are drawn from, those up to the other tested on
OPTIONS = {"steps": 600, "batch_size": 128, "priors.flow-matching.width": 256, "priors.flow-matching.steps": 1500}
Group = tuple[torch.Tensor, torch.Tensor]  # pictures (n, 1, h, w) in 0..1, and their classes (n,)


@dataclasses.dataclass(frozen=True)
class Classical:
    """Random affine maps, elastic deformation and flips, another for each picture of each step."""

    shift: float = 0.0  # share of the side, at most
    turn: float = 0.0  # degrees, at most
    zoom: float = 0.0  # of the logarithm of each side, at most
    shear: float = 0.0
    elastic: float = 0.0  # of the shorter side, standard deviation
    flip: bool = False

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        def drawn(*shape: int) -> torch.Tensor:
            return 2 * torch.rand(len(images), *shape, generator=generator) - 1

        turn, across, down, shear = drawn() * math.radians(self.turn), drawn(), drawn(), drawn() * self.shear
        turned = torch.stack((turn.cos(), -turn.sin(), turn.sin(), turn.cos()), 1).unflatten(1, (2, 2))
        zero = torch.zeros(len(images))
        sized = torch.stack(((across * self.zoom).exp(), shear, zero, (down * self.zoom).exp()), 1).unflatten(1, (2, 2))
        linear = turned @ sized
        if self.flip:
            linear[:, :, 0] *= drawn(1).sign()
        moved = torch.cat((linear, 2 * self.shift * drawn(2, 1)), 2)
        grid = affine_grid(moved, list(images.shape), align_corners=False)
        corners = 2 * self.elastic * torch.randn(len(images), 2, CELLS, CELLS, generator=generator)
        smooth = interpolate(corners, images.shape[2:], mode="bicubic", align_corners=True)
        return grid_sample(images, grid + smooth.movedim(1, -1), padding_mode="border", align_corners=False)


CLASSICAL = {
    "mnist": Classical(shift=0.1, turn=15, zoom=0.15, shear=0.2, elastic=1 / 28),
    "fashion-mnist": Classical(flip=True),
    "mednist": Classical(shift=0.1, turn=20, zoom=0.2, shear=0.3, elastic=1.5 / 64),
}


def parts(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images (n, h, w) and labels to draw few from, and to test on; those of MedNIST at half their size, 32 x 32."""
    if name != "mednist":
        half = slice(0, 30_000)
        drawn_from = open_source(name).array[half], labels(name)[half]
        return (*drawn_from, open_source(f"{name}-test").array, labels(f"{name}-test"))
    source = open_source(os.path.join(os.environ["DIABOLO_DATA"], name))
    classes = np.array([source.name(i).split("/")[0] for i in range(len(source))])
    places = [np.flatnonzero(classes == one) for one in np.unique(classes)]
    drawn, tested = (
        np.concatenate([p[part] for p in places]) for part in (slice(DRAWN_FROM), slice(DRAWN_FROM, TESTED))
    )
    first, second = (halved(np.stack([source.read(int(i)).squeeze() for i in some])) for some in (drawn, tested))
    return first, classes[drawn], second, classes[tested]


def halved(images: np.ndarray) -> np.ndarray:
    return avg_pool2d(torch.from_numpy(images.astype(np.float32)), 2).round().to(torch.uint8).numpy()


def few_of(images: np.ndarray, classes: np.ndarray, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(classes == one))[:each] for one in np.unique(classes)]
    return images[np.concatenate(chosen)], classes[np.concatenate(chosen)]


def values(images: np.ndarray) -> torch.Tensor:
    """(n, h, w) bytes as (n, 1, h, w) in 0..1."""
    return torch.from_numpy(images[:, None].astype(np.float32) / 255)


def raw(images: torch.Tensor) -> np.ndarray:
    """The other way round."""
    return (images[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def made(real: Group, classical: Classical, number: int, seed: int) -> Group:
    """As many pictures of each class, by a generator that learned from bent copies of the real ones."""
    images, truth = real
    generator = torch.Generator().manual_seed(seed)
    copies = -(-COPIES // len(images))
    bent = raw(torch.cat([classical(images, generator) for _ in range(copies)]))
    ours = Generator(options=OPTIONS, random_state=seed).fit(bent, truth.repeat(copies).numpy().astype(str))
    drawn, said = ours.labelled_sample(number, seed=seed, balanced=True)
    return values(drawn), torch.from_numpy(said.astype(np.int64))


def blended(real: Group, number: int, seed: int) -> Group:
    """Mixtures, pixel by pixel, of two real pictures of one class (SMOTE, Chawla et al. 2002)."""
    images, truth = real
    generator = torch.Generator().manual_seed(seed)
    alike = (truth[:, None] == truth[None]).nonzero()
    pairs = alike[torch.randint(len(alike), (number,), generator=generator)]
    share = torch.rand(number, 1, 1, 1, generator=generator)
    return images[pairs[:, 0]].lerp(images[pairs[:, 1]], share), truth[pairs[:, 0]]


def taught(groups: list[Group], classical: Classical | None, steps: int, seed: int) -> Network:
    """A classifier after `steps` of `BATCH` pictures, of which each group gives as many."""
    generator, size = torch.Generator().manual_seed(seed), BATCH // len(groups)
    torch.manual_seed(seed)
    classes = int(groups[0][1].max()) + 1
    network = Network(tuple(groups[0][0].shape[1:]), classes).to(memory_format=torch.channels_last)
    optimizer = Muon(network.parameters(), LEARNING_RATE)
    for step in range(steps):
        chosen = [torch.randint(len(images), (size,), generator=generator) for images, _ in groups]
        images = torch.cat([group[0][some] for group, some in zip(groups, chosen, strict=True)])
        truth = torch.cat([group[1][some] for group, some in zip(groups, chosen, strict=True)])
        images = classical(images, generator) if classical else images
        loss = cross_entropy(network(images - 0.5), truth, label_smoothing=SMOOTHING)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / (WARM_UP * steps)) * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def accuracy(network: Network, images: torch.Tensor, truth: torch.Tensor) -> float:
    """In per cent."""
    with torch.no_grad():
        said = torch.cat([network(some - 0.5).argmax(1) for some in images.split(1000)])
    return 100 * float((said == truth).double().mean())


def main(name: str, each: str, seed: str, steps: str, number: str) -> None:
    start, classical = int(seed), CLASSICAL[name]
    images, said, test, answers = parts(name)
    images, said = few_of(images, said, int(each), start)
    names, codes = np.unique(said, return_inverse=True)
    real = values(images), torch.from_numpy(codes)
    warm_up()
    clock = Clock()
    ours = made(real, classical, int(number), start)
    making = clock.read()["cpu_seconds"]
    arms: dict[str, tuple[list[Group], Classical | None]] = {
        "real": ([real], None),
        "classical": ([real], classical),
        "blended": ([real, blended(real, int(number), start)], classical),
        "ours": ([real, ours], classical),
    }
    truth, found = torch.from_numpy(np.searchsorted(names, answers)), {}
    for arm, (groups, how) in arms.items():
        found[arm] = accuracy(taught(groups, how, int(steps), start), values(test), truth)
    report(making=making, cpu_seconds=clock.read()["cpu_seconds"], **found)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(*sys.argv[1:])
