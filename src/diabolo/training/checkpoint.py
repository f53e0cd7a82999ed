"""Checkpoints: everything a killed run needs to go on as if nothing had happened, in one safetensors file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

from diabolo.errors import Mistake
from diabolo.files import atomic
from diabolo.training.loop import Progress
from diabolo.training.players import Player


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
    if told["fingerprint"] != json.loads(json.dumps(fingerprint)):
        changed = [k for k, v in json.loads(json.dumps(fingerprint)).items() if told["fingerprint"].get(k) != v]
        remedy = "the same options and data as before, or start again without --resume"
        raise Mistake(f"the checkpoint {path} is of another run", got=f"another {' and '.join(changed)}", remedy=remedy)
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
                fitting = _like(parameter, value) if value.ndim else value
                player.optimizer.state[parameter][moment] = fitting
    progress = Progress(**told["progress"])
    weights = players[0].module.state_dict()
    best = {k.removeprefix("best/"): v for k, v in tensors.items() if k.startswith("best/")}
    progress.best = {name: _like(weights[name], value) for name, value in best.items()}
    return progress


def whole(value: Tensor) -> Tensor:
    """A tensor on the CPU, put together if it is split over processes."""
    full = value.full_tensor() if isinstance(value, DTensor) else value
    return full.detach().cpu()


def _like(pattern: Tensor, value: Tensor) -> Tensor:
    """`value` on the pattern's device, split as the pattern is."""
    if isinstance(pattern, DTensor):
        return distribute_tensor(value.to(pattern.device), pattern.device_mesh, pattern.placements)
    return value.to(pattern.device)
