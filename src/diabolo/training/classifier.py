"""A small classifier, trained the same way whatever it is given: it tells what a set of labelled images is worth.

`train_on(images, labels)` and `accuracy(classifier, images, labels)` are the protocol of training on synthetic and
testing on real images (Esteban, Hyland and Ratsch 2017). Nothing in it is chosen by the images: one network for their
size, one schedule.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from diabolo.errors import Mistake
from diabolo.preprocessing import Conversion, Preprocessing
from diabolo.sources import Arrays, as_array
from diabolo.training.muon import Muon
from diabolo.training.pictures import Pictures
from diabolo.training.processes import find_device
from diabolo.training.survey import survey

WIDTH = 128  # of the features
CHANNELS = (24, 48)  # of the two convolutions, each followed by a maximum over 2 x 2
FOLDED = 12  # pixels: larger pictures are folded to about this side, each fold doubling it
SMALLEST = 8  # pixels: below this, pictures are taken as vectors
BATCH, EPOCHS, FEWEST_STEPS = 128, 8, 300
LEARNING_RATE, WARM_UP, SMOOTHING = 1e-2, 0.1, 0.1  # peak; share of the steps; of the labels (Szegedy et al. 2016)
AT_ONCE = 1000  # images, when it is used


@dataclasses.dataclass(frozen=True, eq=False)
class Classifier:
    """A trained classifier of images like those it learned from: `classes` (k,) are the labels it can give."""

    network: Network
    conversion: Conversion
    classes: np.ndarray

    def scores(self, images: np.ndarray) -> np.ndarray:
        """(n, k) log-odds of the classes, float32, for raw images (n, ...); higher is more likely."""
        return self._map(images, self.network)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(n,) the most likely label of each image."""
        return self.classes[self.scores(images).argmax(1)]

    def features(self, images: np.ndarray) -> np.ndarray:
        """(n, 128) the values of the layer before the last, float32, 0 or more."""
        return self._map(images, self.network.trunk)

    def _map(self, images: np.ndarray, function: Any) -> np.ndarray:
        device = next(self.network.parameters()).device
        chunks = (images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE))
        with torch.no_grad():
            found = [function(self.conversion.to_network(chunk).to(device)).cpu() for chunk in chunks]
        return torch.cat(found).numpy()


class Network(nn.Module):
    """Images (n, *shape), network units, to (n, classes): two convolutions and a layer; for vectors two layers."""

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        flat = len(shape) == 1 or min(shape[1:]) < SMALLEST
        self.trunk = nn.Sequential(*(_layers(math.prod(shape), WIDTH) if flat else _convolutions(shape)))
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.trunk(images))
        return scores


def train_on(images: Any, labels: Any, *, seed: int = 0, steps: int | None = None, device: str = "cpu") -> Classifier:
    """Train a classifier on images (n, h, w), (n, h, w, c) or vectors (n, d) and their labels (n,), numbers or texts.

    `steps` of at most 128 images each; without them eight times through all images, but at least 300. Vectors are
    standardised column by column, NaN being the mean. The same seed gives the same classifier on the same machine.
    Raises `Mistake` for labels that do not match the images, and for fewer than two classes.

    >>> from sklearn.datasets import load_digits
    >>> digits, labels = load_digits(return_X_y=True)
    >>> accuracy(train_on(digits[:900], labels[:900]), digits[900:], labels[900:]) > 0.9
    True
    """
    array, answers = as_array(images), _checked(labels, len(images))
    classes, codes = np.unique(answers, return_inverse=True)
    if len(classes) < 2:
        raise Mistake(
            "a classifier needs two classes", got=f"{len(array)} images of {len(classes)}", allowed="2 or more"
        )
    conversion = _conversion(array)
    chosen, generator = find_device(device), torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = Network(conversion.shape, len(classes)).to(chosen)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it alone
    optimizer = Muon(network.parameters(), LEARNING_RATE)
    count = steps or max(FEWEST_STEPS, EPOCHS * len(array) // BATCH)
    targets = torch.from_numpy(codes)
    for step, batch in enumerate(_batches(len(array), count, generator)):
        inputs = conversion.to_network(array[batch.numpy()]).to(chosen)
        loss = cross_entropy(network(inputs), targets[batch].to(chosen), label_smoothing=SMOOTHING)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / (WARM_UP * count)) * (1 - step / count)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Classifier(network.eval().requires_grad_(False), conversion, classes)


def accuracy(classifier: Classifier, images: Any, labels: Any) -> float:
    """The share of images (n, ...) to which the classifier gives their labels (n,), 0..1."""
    array = as_array(images)
    return float(np.mean(classifier.predict(array) == _checked(labels, len(array))))


def _conversion(array: np.ndarray) -> Conversion:
    columns = array.ndim == 2
    preprocessing = Preprocessing(scaling="columns", impute=True) if columns else Preprocessing()
    return survey(Pictures(Arrays(array), preprocessing), 0)[1]


def _batches(count: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """The numbers of a batch's images, one permutation after the other; what is left of one is not used."""
    size, order = min(BATCH, count), torch.empty(0, dtype=torch.long)
    for _ in range(steps):
        if len(order) < size:
            order = torch.randperm(count, generator=generator)
        batch, order = order[:size], order[size:]
        yield batch


def _layers(inputs: int, width: int) -> list[nn.Module]:
    sizes = ((inputs, width), (width, width))
    return [nn.Flatten(), *(layer for one in sizes for layer in (nn.Linear(*one), nn.BatchNorm1d(width), nn.ReLU()))]


def _convolutions(shape: tuple[int, ...]) -> list[nn.Module]:
    channels, height, width = shape
    fold = 2 ** max(0, math.floor(math.log2(min(height, width) / FOLDED)))
    layers: list[nn.Module] = [nn.ReplicationPad2d((0, -width % fold, 0, -height % fold)), nn.PixelUnshuffle(fold)]
    inputs = channels * fold**2
    for outputs in CHANNELS:
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
        inputs = outputs
    places = math.prod(-(-side // fold) // 4 for side in (height, width))
    return [*layers, nn.Flatten(), nn.Linear(inputs * places, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU()]


def _checked(labels: Any, count: int) -> np.ndarray:
    answers = np.asarray(labels)
    if answers.shape != (count,):
        got = f"{len(answers)} labels" if answers.ndim == 1 else f"labels of shape {answers.shape}"
        raise Mistake("the labels do not match the images", f"{got} for {count} images", "one label for each image")
    if answers.dtype.kind not in "buifUS" or (answers.dtype.kind == "f" and np.isnan(answers).any()):
        raise Mistake("the labels are not numbers or texts", got=str(answers.dtype), allowed="one number or text each")
    return answers
