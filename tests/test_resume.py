"""A run that is broken anywhere goes on as if nothing had happened: the same weights, to the bit."""

from __future__ import annotations

import multiprocessing
import os
import random
import shlex
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diabolo import artifact, cli
from diabolo.errors import Mistake
from diabolo.events import Event, Note, Started, Stepped
from diabolo.model import Model
from diabolo.pixels import Picture, write_picture
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit
from diabolo.training.interrupt import held_back

TINY = {"epochs": 4, "batch_size": 32, "latent.size": 4}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "deep, average": ("deep", {"architecture.width": 16, "ema": 0.9}),
    "corrupted": ("sparse", {"latent.size": 70, "corruption": "noise,missing-pixels", "optimizer": "adamw"}),
    "variational, clipped": ("variational", {"architecture.width": 16, "latent.free_bits": 0.1, "clip": 0.01}),
    "conv, batch norm": ("conv", {"architecture.width": 4, "architecture.norm": "batch", "ema": 0.5}),
    "several draws": ("variational", {"architecture.width": 16, "latent.draws": 3, "terms": "matching"}),
    "codebooks": ("quantised", {"architecture.width": 4, "latent": "codebook", "latent.depth": 2, "ema": 0.9}),
    "conv, colour": ("conv", {"architecture.width": 4, "preprocessing.channels": 3}),
    "unet on crops": ("denoise", {"architecture.widths": "4,8", "crop": 6, "flip": True}),
    "contractive": ("contractive", {"architecture.depth": 1, "architecture.width": 16, "latent.size": 5}),
    "impatient": ("deep", {"architecture.width": 16, "patience": 1, "learning_rate": 0.05, "epochs": 8}),
    "nothing held out": ("deep", {"architecture.width": 16, "validation": 0, "schedule": "constant"}),
}


class Broken(Exception):
    pass


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return open_source("digits").array[:150]


def breaking(step: int) -> Callable[[Event], None]:
    """A listener that ends the run after so many steps of it."""
    steps = 0

    def listen(event: Event) -> None:
        nonlocal steps
        steps += isinstance(event, Stepped)
        if steps == step:
            raise Broken

    return listen


def same(one: Model, other: Model) -> bool:
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def rows(model: Model) -> list[dict[str, float]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in model.metrics["history"]]


@pytest.mark.parametrize("name", CASES)
def test_broken_anywhere(name: str, images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named(CASES[name][0]), {**TINY, **CASES[name][1]})
    source, keep = open_source(images), tmp_path / "checkpoint"
    unbroken = fit(source, recipe)
    for steps in (1, 4, 5):  # a first step, the last one of the first epoch, the first one of the third
        with pytest.raises(Broken):
            fit(source, recipe, keep=keep, resume=True, every=0, listen=breaking(steps))
    resumed = fit(source, recipe, keep=keep, resume=True, every=0)
    assert same(resumed, unbroken)
    assert rows(resumed) == rows(unbroken)
    assert resumed.metrics["mse"] == unbroken.metrics["mse"]


def test_streamed_from_files(images: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    for i, image in enumerate(images[:70]):
        write_picture(tmp_path / "files" / f"{i}.png", Picture(np.kron(image, np.ones((16, 16), np.uint8))))
    source, keep = open_source(tmp_path / "files"), tmp_path / "checkpoint"
    options = {**TINY, "architecture.widths": "4,8", "crop": 6, "flip": True, "memory": 1, "workers": 0, "epochs": 2}
    recipe = with_options(named("denoise"), options)
    unbroken = fit(source, recipe)
    with pytest.raises(Broken):
        fit(source, recipe, keep=keep, every=0, listen=breaking(2))
    assert same(fit(source, with_options(recipe, {"workers": 2}), keep=keep, resume=True), unbroken)


def test_only_the_steps_that_were_lost_are_done_again(images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named("deep"), {**TINY, "architecture.width": 16})
    heard: list[Event] = []
    with pytest.raises(Broken):
        fit(open_source(images), recipe, keep=tmp_path / "c", every=0, listen=breaking(7))
    fit(open_source(images), recipe, keep=tmp_path / "c", resume=True, listen=heard.append)
    assert next(event for event in heard if isinstance(event, Started)).done == 6
    assert sum(isinstance(event, Stepped) for event in heard) == 20 - 6


def test_resuming_a_run_that_was_done(images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named("deep"), {**TINY, "architecture.width": 16})
    done = fit(open_source(images), recipe, keep=tmp_path / "c")
    assert same(fit(open_source(images), recipe, keep=tmp_path / "c", resume=True), done)


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"epochs": 9}, "recipe.training.epochs was 4 and is 9"),
        ({"latent.size": 5}, "recipe.latent.size was 4 and is 5"),
        ({"latent": "sparse"}, "recipe.latent.part was plain and is sparse"),
    ],
)
def test_another_recipe_is_refused(options: dict[str, Any], changed: str, images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named("deep"), {**TINY, "architecture.width": 16})
    fit(open_source(images), recipe, keep=tmp_path / "c")
    with pytest.raises(Mistake, match=changed) as caught:
        fit(open_source(images), with_options(recipe, options), keep=tmp_path / "c", resume=True)
    assert "without --resume" in str(caught.value)


def test_other_data_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named("deep"), {**TINY, "architecture.width": 16})
    fit(open_source(images), recipe, keep=tmp_path / "c")
    for other in (images[:-1], images[::-1], images.astype(np.float32) / 255):
        with pytest.raises(Mistake, match="of another run: got data"):
            fit(open_source(other), recipe, keep=tmp_path / "c", resume=True)


def test_a_damaged_checkpoint_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    recipe, keep = with_options(named("deep"), {**TINY, "architecture.width": 16}), tmp_path / "c"
    fit(open_source(images), recipe, keep=keep)
    whole = keep.read_bytes()
    for damaged in (b"", whole[:5000], whole[:-1], whole.replace(b"autoencoder/weights", b"autoencoder/wEIGHTS")):
        keep.write_bytes(damaged)
        with pytest.raises(Mistake, match="not a checkpoint"):
            fit(open_source(images), recipe, keep=keep, resume=True)


def test_no_checkpoint_is_told(images: np.ndarray, tmp_path: Path) -> None:
    heard: list[Event] = []
    recipe = with_options(named("deep"), {**TINY, "architecture.width": 16, "epochs": 1})
    fit(open_source(images), recipe, keep=tmp_path / "c", resume=True, listen=heard.append)
    assert any(isinstance(event, Note) and "no checkpoint" in event.text for event in heard)


def test_training_leaves_the_global_random_state(images: np.ndarray) -> None:
    before, numpys = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    recipe = with_options(named("variational"), {**TINY, "architecture.width": 16, "corruption": "noise", "epochs": 1})
    fit(open_source(images), recipe)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpys)  # type: ignore[index]


def test_the_seed_decides(images: np.ndarray) -> None:
    recipe: Recipe = with_options(named("deep"), {**TINY, "architecture.width": 16, "epochs": 1})
    assert same(fit(open_source(images), recipe), fit(open_source(images), recipe))
    assert not same(fit(open_source(images), recipe), fit(open_source(images), with_options(recipe, {"seed": 1})))


forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, to save the import of torch")
COMMAND = shlex.split(
    "fit variational digits --latent.size 4 --architecture.width 32 --corruption noise --ema 0.9 --epochs 24 "
    "--learning-rate 0.005 --checkpoint-seconds 0.01"
)


def _command(arguments: list[str]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    os._exit(cli.main(arguments))


def started(arguments: list[str]) -> multiprocessing.process.BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=_command, args=(arguments,))
    process.start()
    return process


@forking
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """SIGKILL, at whatever the process is doing: a step, an evaluation, the writing of the checkpoint itself."""
    began = time.monotonic()
    whole = started([*COMMAND, "-o", str(tmp_path / "whole.diabolo")])
    whole.join(300)
    seconds = time.monotonic() - began
    assert whole.exitcode == 0
    draw, kills, reached = random.Random(0), 0, 0
    arguments = [*COMMAND, "-o", str(tmp_path / "killed.diabolo"), "--resume"]
    while kills < 6:
        process = started(arguments)
        process.join(seconds * draw.uniform(0.05, 0.35))  # the first run was cold: what follows is faster
        if process.exitcode is not None:
            break
        process.kill()
        process.join(60)
        kills += 1
        reached += (tmp_path / "killed.diabolo.checkpoint").exists()
    else:
        process = started(arguments)
        process.join(300)
    assert process.exitcode == 0
    assert kills >= 1
    assert reached >= 1
    one, other = (artifact.load(tmp_path / f"{name}.diabolo") for name in ("whole", "killed"))
    assert same(one, other)
    assert rows(one) == rows(other)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.diabolo", "whole.diabolo"]


@forking
def test_an_interrupt_saves_and_resumes(tmp_path: Path) -> None:
    arguments = [*COMMAND, "--epochs", "20", "-o", str(tmp_path / "m.diabolo")]
    process = started(arguments)
    deadline = time.monotonic() + 120
    while not (tmp_path / "m.diabolo.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join(120)
    assert process.exitcode == 130
    model = artifact.load(tmp_path / "m.diabolo")
    assert "of 260" in model.provenance["interrupted"]
    assert model.metrics["mse"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.diabolo", "m.diabolo.checkpoint"]
    resumed = started([*arguments, "--resume"])
    resumed.join(300)
    assert resumed.exitcode == 0
    whole = started([*COMMAND, "--epochs", "20", "-o", str(tmp_path / "whole.diabolo")])
    whole.join(300)
    one, other = (artifact.load(tmp_path / f"{name}.diabolo") for name in ("m", "whole"))
    assert same(one, other)
    assert "interrupted" not in one.provenance


def test_told_to_end_it_writes_the_checkpoint_first(images: np.ndarray, tmp_path: Path) -> None:
    """In the middle of an epoch, where none is due; then whoever had the signal gets it."""
    recipe, keep = with_options(named("deep"), TINY | {"architecture.width": 16}), tmp_path / "checkpoint"
    whole, told = fit(open_source(images), recipe), []

    def end_at_step_two(event: Event) -> None:
        if isinstance(event, Stepped) and not told:
            told.append("asked")
            signal.raise_signal(signal.SIGTERM)

    def end(signum: int, frame: Any) -> None:
        told.append("ended")
        raise Broken

    before = signal.signal(signal.SIGTERM, end)
    try:
        with pytest.raises(Broken):
            fit(open_source(images), recipe, keep=keep, every=1e9, listen=end_at_step_two)
        assert signal.getsignal(signal.SIGTERM) is end
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == ["asked", "ended"]
    again: list[Event] = []
    assert same(whole, fit(open_source(images), recipe, keep=keep, resume=True, listen=again.append))
    started_at = next(event.done for event in again if isinstance(event, Started))
    assert 0 < started_at < 4


def send_twice(number: int) -> None:
    with held_back() as asked:
        signal.raise_signal(number)
        assert asked()
        signal.raise_signal(number)
        pytest.fail("it waited")


def test_a_second_signal_does_not_wait() -> None:
    for number, error in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Broken)):

        def end(signum: int, frame: Any) -> None:
            raise Broken

        before = signal.signal(signal.SIGTERM, end)
        try:
            with pytest.raises(error):
                send_twice(number)
            with held_back(ending=False), pytest.raises(Broken):
                signal.raise_signal(signal.SIGTERM)
        finally:
            signal.signal(signal.SIGTERM, before)


@forking
def test_a_scheduler_ends_a_command_and_nothing_half_written_is_left(tmp_path: Path) -> None:
    model = tmp_path / "m.diabolo"
    assert cli.main([*COMMAND, "--epochs", "1", "-o", str(model)]) == 0
    process = started(["generate", "-m", str(model), "-n", "1000000", "-o", str(tmp_path / "new")])
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".new.*.part/*.png")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    process.join(120)
    assert process.exitcode == 143
    assert list(tmp_path.iterdir()) == [model]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL  # in this process, where the model was trained
