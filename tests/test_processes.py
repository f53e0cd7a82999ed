"""Several processes train the same model as one, and go on when one of them is lost."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diabolo import artifact
from diabolo.model import Model
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import named
from diabolo.sources import labelled, labels, open_source
from diabolo.training import fit, leave

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked, to save the import of torch")
OPTIONS = {"epochs": 3, "batch_size": 32, "latent.size": 4, "architecture.width": 16, "clip": 1e-3}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return open_source("digits").array[:149]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _member(rank: int, port: int, images: Any, recipe: Recipe, out: Path, keep: Path | None) -> None:
    told = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in told.items()})
    torch.set_num_threads(1)
    model = fit(open_source(images), recipe, device="cpu", keep=keep, resume=keep is not None)
    leave()
    artifact.save(model, out / f"{rank}.diabolo")


def together(images: Any, recipe: Recipe, out: Path, keep: Path | None = None) -> tuple[Model, Model]:
    """The models that each of two processes ends with."""
    context, port = multiprocessing.get_context("fork"), free_port()
    members = [context.Process(target=_member, args=(rank, port, images, recipe, out, keep)) for rank in (0, 1)]
    for member in members:
        member.start()
    for member in members:
        member.join(120)
        if member.exitcode is None:
            member.kill()
    assert [member.exitcode for member in members] == [0, 0]
    return artifact.load(out / "0.diabolo"), artifact.load(out / "1.diabolo")


def distance(one: Model, other: Model) -> float:
    """The greatest difference of any weight, relative to the greatest weight of its tensor."""
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    assert ours.keys() == theirs.keys()
    return max(float((ours[n] - theirs[n]).abs().max() / ours[n].abs().max().clamp(min=1e-3)) for n in ours)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "deep": ("deep", {}),
    "averaged, streamed": ("deep", {"ema": 0.8, "memory": 1, "workers": 0}),
    "split": ("deep", {"shard": True}),
    "split and averaged": ("deep", {"shard": True, "ema": 0.8}),
    "with a reader": ("deep", {"terms": "telling"}),
    "with a reader, split": ("deep", {"terms": "telling", "shard": True}),
    "conv": ("conv", {"architecture.width": 4}),
    "linear by gradient": ("linear-gradient", {"architecture.width": 512}),
}


@pytest.mark.parametrize("name", CASES)
def test_two_processes_train_what_one_does(name: str, images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named(CASES[name][0]), {**OPTIONS, **CASES[name][1]})
    source = labelled(open_source(images), labels("digits")[: len(images)])
    alone = fit(source, recipe, device="cpu")
    one, other = together(source, recipe, tmp_path)
    assert distance(one, other) == 0
    assert distance(alone, one) < 1e-4
    history = zip(alone.metrics["history"], one.metrics["history"], strict=True)
    assert all(abs(a["loss"] - b["loss"]) < 1e-3 * abs(a["loss"]) for a, b in history)
    np.testing.assert_allclose(one.metrics["mse"], alone.metrics["mse"], rtol=1e-3)


@pytest.mark.parametrize("shard", [False, True])
def test_fewer_held_out_images_than_processes(shard: bool, images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named("deep"), {**OPTIONS, "shard": shard, "validation": 0.01, "epochs": 1})
    alone = fit(open_source(images), recipe, device="cpu")
    one, _ = together(images, recipe, tmp_path)
    np.testing.assert_allclose(one.metrics["history"][0]["loss"], alone.metrics["history"][0]["loss"], rtol=1e-3)


@pytest.mark.parametrize("shard", [False, True])
def test_one_process_goes_on_where_two_stopped(shard: bool, images: np.ndarray, tmp_path: Path) -> None:
    """And two where one did: a checkpoint does not depend on the number of processes."""
    recipe = with_options(named("deep"), {**OPTIONS, "shard": shard, "ema": 0.8})
    together(images, recipe, tmp_path, tmp_path / "checkpoint")
    done = artifact.load(tmp_path / "0.diabolo")
    again = fit(open_source(images), recipe, device="cpu", keep=tmp_path / "checkpoint", resume=True)
    assert distance(done, again) == 0
    both, _ = together(images, recipe, tmp_path, tmp_path / "checkpoint")
    assert distance(done, both) == 0


def children(pid: int) -> list[int]:
    """The processes that `pid` started, from /proc."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the worker to kill is found in /proc")
def test_torchrun_goes_on_after_a_worker_was_killed(images: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", images)
    launch = shlex.split(
        "-m torch.distributed.run --standalone --nproc-per-node 2 --max-restarts 2 --monitor-interval 0.2"
    )
    verb = shlex.split("-m diabolo fit deep images.npy -o m.diabolo --device cpu --epochs 60")
    flags = shlex.split("--batch-size 32 --latent.size 4 --architecture.width 16 --clip 1e-3")
    log = open(tmp_path / "log", "w+")  # noqa: SIM115  # read after the process has ended
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, *launch, *verb, *flags], cwd=tmp_path, stdout=log, stderr=log, env=environment
    )
    deadline, checkpoint = time.monotonic() + 300, tmp_path / "m.diabolo.checkpoint"
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(children(process.pid)[-1], signal.SIGKILL)
    code = process.wait(400)
    log.seek(0)
    told = log.read()
    assert code == 0, told[-3000:]
    assert "going on from step" in told
    assert not checkpoint.exists()
    recipe = with_options(named("deep"), {**OPTIONS, "epochs": 60})
    alone = fit(open_source(images), recipe, device="cpu")
    model = artifact.load(tmp_path / "m.diabolo")
    np.testing.assert_allclose(model.metrics["history"][-1]["loss"], alone.metrics["history"][-1]["loss"], rtol=0.02)
