"""Checkpoints: everything a killed run needs to go on as if nothing had happened, in one safetensors file."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from safetensors.torch import save
from torch import Tensor

from diabolo.errors import Mistake
from diabolo.files import atomic
from diabolo.options import to_plain
from diabolo.preprocessing import Conversion
from diabolo.recipe import Recipe
from diabolo.training.loop import Progress
from diabolo.training.pictures import Pictures
from diabolo.training.players import Player

SAMPLED = 64  # images whose bytes tell one set of data from another


def write(
    path: Path, players: list[Player], progress: Progress, fingerprint: dict[str, Any], first: bool = True
) -> None:
    """Write the state of a run, beside and then renamed. With split weights every process must call; `first` writes."""
    tensors: dict[str, Tensor] = {f"best/{name}": whole(value) for name, value in progress.best.items()}
    for player in players:
        for name, value in player.module.state_dict().items():
            tensors[f"{player.name}/weights/{name}"] = whole(value)
        for name, value in player.average.items():
            tensors[f"{player.name}/average/{name}"] = whole(value)
        for name, parameter in player.parameters.items():
            for moment, value in player.optimizer.state.get(parameter, {}).items():
                tensors[f"{player.name}/optimizer/{name}/{moment}"] = whole(value)
    if not first:
        return
    plain = {k: v for k, v in dataclasses.asdict(dataclasses.replace(progress, best={})).items() if k != "best"}
    text = json.dumps({"fingerprint": fingerprint, "progress": plain})
    data = save({k: v.contiguous() for k, v in tensors.items()}, {"diabolo": text})
    with atomic(path) as beside:
        Path(beside).write_bytes(data)


def read(path: Path, players: list[Player], fingerprint: dict[str, Any]) -> Progress:
    """Put the run's state back into the players; a `Mistake` if the file is of another recipe or other data."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            told = json.loads(file.metadata()["diabolo"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise Mistake(f"not a checkpoint: {path}", got=str(error), remedy="start again without --resume") from error
    changed = list(_changes(told.get("fingerprint"), json.loads(json.dumps(fingerprint))))
    if changed:
        remedy = "the same options and data as before, or start again without --resume"
        raise Mistake(f"the checkpoint {path} is of another run", got=", ".join(changed[:3]), remedy=remedy)
    try:
        return _restore(told["progress"], tensors, players)
    except (KeyError, TypeError, RuntimeError) as error:
        got = str(error).partition("\n")[0]
        raise Mistake(
            f"not a checkpoint of this diabolo: {path}", got, remedy="start again without --resume"
        ) from error


def fingerprint_of(recipe: Recipe, conversion: Conversion, pictures: Pictures) -> dict[str, Any]:
    """What must be the same for a run to go on: the data, and the recipe but for what concerns speed or comes after.

    Of the data: how many images, their kind and range, and a digest over up to SAMPLED of them.
    """
    plain = {name: part for name, part in to_plain(recipe).items() if name != "priors"}
    plain["training"] = {k: v for k, v in plain["training"].items() if k not in ("memory", "workers")}
    digest = hashlib.sha256()
    for i in range(0, len(pictures), max(1, len(pictures) // SAMPLED)):
        with contextlib.suppress(Mistake):  # an image that cannot be read is left out by the training as well
            digest.update(np.ascontiguousarray(pictures.read(i)).tobytes())
    data = {"images": len(pictures), "conversion": dataclasses.asdict(conversion), "sample": digest.hexdigest()}
    return {"recipe": plain, "data": data}


def _changes(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """What differs between two descriptions, in words: `recipe.training.epochs was 20 and is 40`."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in now | before:
            yield from _changes(before.get(key), now.get(key), f"{path}.{key}".lstrip("."))
    elif before != now:
        yield f"{path} was {before} and is {now}" if path else "no description of the run"


def _restore(told: dict[str, Any], tensors: dict[str, Tensor], players: list[Player]) -> Progress:
    for player in players:
        state = player.module.state_dict()
        with torch.no_grad():
            for name, value in state.items():
                value.copy_(_like(value, tensors[f"{player.name}/weights/{name}"]))
            for name, value in player.average.items():
                value.copy_(_like(value, tensors[f"{player.name}/average/{name}"]))
        for name, parameter in player.parameters.items():
            prefix = f"{player.name}/optimizer/{name}/"
            moments = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            for moment, value in moments.items():
                # The count of steps lies beside the weights in a fused optimiser, and on the CPU in any other.
                count = value.to(parameter.device) if player.optimizer.defaults["fused"] else value
                player.optimizer.state[parameter][moment] = _like(parameter, value) if value.ndim else count
    progress = Progress(**told)
    weights = players[0].module.state_dict()
    best = {k.removeprefix("best/"): v for k, v in tensors.items() if k.startswith("best/")}
    progress.best = {name: _like(weights[name], value) for name, value in best.items()}
    return progress


def whole(value: Tensor) -> Tensor:
    """A tensor on the CPU, put together if it is split over processes."""
    full = value.full_tensor() if hasattr(value, "full_tensor") else value
    return full.detach().cpu()


def _like(pattern: Any, value: Tensor) -> Tensor:
    """`value` on the pattern's device, split as the pattern is, and in the same order in memory.

    The fused optimiser takes weights and moments for runs of numbers: their orders must be the same.
    """
    if hasattr(pattern, "device_mesh"):
        from torch.distributed.tensor import distribute_tensor  # half as long to import as all of torch

        return distribute_tensor(value.to(pattern.device), pattern.device_mesh, pattern.placements)
    return torch.empty_like(pattern, dtype=value.dtype).copy_(value)
