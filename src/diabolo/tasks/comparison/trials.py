"""Trials: a method fitted and measured at one code length, with one progress over all of them."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch

from diabolo import metrics
from diabolo.events import Event, Listener, Note, Stepped
from diabolo.model import Model
from diabolo.objectives import Gaussian
from diabolo.recipe import Recipe, with_options
from diabolo.sources import Arrays
from diabolo.tasks.comparison import measures
from diabolo.tasks.comparison.images import Images
from diabolo.tasks.comparison.methods import Method, Network, Principal, principal
from diabolo.tasks.comparison.record import REFERENCE, Result
from diabolo.training import closed_form, fit

VALIDATION = 0.1  # of the images to learn from, by which the best epoch is chosen
STEPS = 1000  # of gradient descent, where nobody says how many epochs
EPOCHS = (5, 100)  # the fewest and the most that STEPS may become
SPEED_IMAGES = 512  # on which encoding and decoding are timed

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Trial:
    """A recipe to be trained with a code of `size` numbers, on a share of the images."""

    name: str
    recipe: Recipe
    size: int
    share: float = 1.0

    @property
    def gradient(self) -> bool:
        return not closed_form.applies(self.recipe)

    def steps(self, count: int) -> int:
        """Steps of gradient descent on `count` images to learn from."""
        training = self.recipe.training
        learned = round(self.share * count) * (1 - VALIDATION)
        return training.epochs * math.ceil(learned / training.batch_size) if self.gradient else 0


def trial(name: str, recipe: Recipe, size: int, count: int, epochs: int | None, seed: int, share: float = 1.0) -> Trial:
    """The trial of a recipe on `count` images; closed forms use them all, others keep some to choose the epoch by."""
    per_epoch = math.ceil(count * (1 - VALIDATION) / recipe.training.batch_size)
    epochs = epochs or min(max(math.ceil(STEPS / per_epoch), EPOCHS[0]), EPOCHS[1])
    chosen = with_options(recipe, {"latent.size": size, "epochs": epochs, "seed": seed, "validation": VALIDATION})
    if closed_form.applies(chosen):
        chosen = with_options(chosen, {"validation": 0.0})
    return Trial(name, chosen, size, share)


class Progress:
    """One count of steps over all trials, told as if it were a single training."""

    def __init__(self, total: int, listen: Listener) -> None:
        self.total, self.done, self.tell = max(1, total), 0, listen

    def listen(self, event: Event) -> None:
        """Steps and warnings are passed on; what every training tells about itself is not."""
        if isinstance(event, Stepped):
            self.done = min(self.done + 1, self.total)
            self.tell(dataclasses.replace(event, step=self.done, steps=self.total))
        elif isinstance(event, Note) and event.warning:
            self.tell(event)

    def listen_to_steps(self, event: Event) -> None:
        """As `listen`, without the warnings of a training that is meant to be bad."""
        if isinstance(event, Stepped):
            self.listen(event)

    def say(self, text: str) -> None:
        self.tell(Note(text))


@dataclasses.dataclass(frozen=True)
class Bench:
    """What all trials share: the images, which of the test images are shown, the seed and the device."""

    images: Images
    shown: np.ndarray  # (s,), indices
    seed: int
    device: str

    def train(self, chosen: Trial, listen: Listener) -> Model:
        """The trial's model. Raises `Mistake` where the recipe cannot be trained on such images."""
        source = Arrays(self.images.part(chosen.share), self.images.description)
        return fit(source, chosen.recipe, device=self.device, listen=listen)

    def examine(self, method: Method, name: str, size: int) -> Result:
        """Everything about a fitted method that is measured in the same way for all; the fit's own figures are 0."""
        test = self.images.test
        reconstructed = method.reconstruct(test)
        errors = np.square(reconstructed - test).mean(1)
        codes = method.encode(test)
        copy = metrics.copy_score(
            lambda noise: torch.from_numpy(method.reconstruct(noise.numpy())),
            torch.from_numpy(test),
            torch.Generator().manual_seed(self.seed),
        )
        psnr = 10 * math.log10(self.images.range**2 / max(float(errors.mean()), 1e-300))
        encode = measures.seconds_each(method.encode, test[:SPEED_IMAGES])
        decode = measures.seconds_each(method.decode, codes[:SPEED_IMAGES])
        few = reconstructed[self.shown]
        return Result(name, size, errors, codes, few, psnr, 0.0, None, 0, 0, encode, decode, copy)


def timed(function: Callable[[], T], repeat: bool) -> tuple[T, float]:
    """What the function gives, and its CPU-seconds; with `repeat`, the least of three calls where they are quick."""
    times: list[float] = []
    while True:
        began = time.process_time()
        value = function()
        times.append(time.process_time() - began)
        if not repeat or len(times) == 3 or sum(times) > 1:
            return value, min(times)


def principal_results(
    bench: Bench, learned: np.ndarray, sizes: Sequence[int]
) -> tuple[list[Result], dict[int, Principal]]:
    """PCA at every code length, from one fit whose time and memory stand in each result; and the methods by length."""
    with measures.peak_memory() as memory:
        pca, seconds = timed(lambda: principal(learned, max(sizes), bench.seed), repeat=True)
    methods = {size: Principal(pca, size) for size in sizes}
    results = []
    for size, method in methods.items():
        results.append(
            dataclasses.replace(
                bench.examine(method, REFERENCE, size),
                cpu_seconds=seconds,
                memory=max(memory, default=None),
                parameters=method.parameters,
                bytes=method.parameters * method.components.itemsize,
            )
        )
    return results, methods


def network_result(bench: Bench, chosen: Trial, listen: Listener) -> Result:
    """Train an autoencoder and measure it."""
    with measures.peak_memory() as memory:
        model, seconds = timed(lambda: bench.train(chosen, listen), repeat=not chosen.gradient)
    tensors = model.network.state_dict().values()
    history = model.metrics.get("history", []) if chosen.gradient else []
    return dataclasses.replace(
        bench.examine(Network(model), chosen.name, chosen.size),
        cpu_seconds=seconds,
        memory=max(memory, default=None),
        parameters=sum(tensor.numel() for tensor in tensors),
        bytes=sum(tensor.numel() * tensor.element_size() for tensor in tensors),
        steps=chosen.steps(len(bench.images.learned)),
        epochs=len(history),
        curve=_curve(model, history, bench.images.numbers),
        model=model,
    )


def _curve(model: Model, history: list[dict[str, float]], numbers: int) -> tuple[tuple[float, float], ...]:
    """(seconds, squared error per value on the validation images) after each epoch; nothing for other likelihoods."""
    likelihood = model.recipe.likelihood
    if not (isinstance(likelihood, Gaussian) and likelihood.scale == "unit") or model.recipe.corruption:
        return ()
    return tuple((row["seconds"], 2 * row["distortion"] / numbers) for row in history)
