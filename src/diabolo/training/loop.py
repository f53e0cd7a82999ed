"""The training loop: players, batches, steps. It prints nothing; it yields what happens."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from diabolo.errors import Diverged
from diabolo.events import Evaluated, Event, Stepped
from diabolo.training.batches import Batches
from diabolo.training.players import Player
from diabolo.training.precision import computing
from diabolo.training.schedule import learning_rate, penalty_share

EXPLODED = 1e6  # nats per value; data lies within about -1..1, so no sane loss comes near


@dataclasses.dataclass
class Progress:
    """How far a run has come: all that a resumed run must know beside the players' tensors."""

    step: int = 0
    best_loss: float = math.inf
    best_epoch: int = -1
    best: dict[str, Tensor] = dataclasses.field(default_factory=dict)  # weights of the best epoch
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)  # one row an epoch
    seconds: float = 0.0


def run(players: list[Player], batches: Batches, progress: Progress, precision: torch.dtype) -> Iterator[Event]:
    """Train from `progress` to the last epoch, or until patience ends. The first player is the autoencoder.

    Everything random in a step is drawn from a generator seeded by the run's seed and the step, so that the same
    weights come out of an unbroken run and of one that was broken anywhere and resumed.
    """
    training, processes = batches.training, batches.processes
    generator = torch.Generator(processes.device)
    steps = training.epochs * batches.per_epoch
    started = time.monotonic() - progress.seconds
    while True:
        epoch, done = divmod(progress.step, batches.per_epoch)
        if len(progress.history) < epoch:  # an epoch has ended, in this run or in the one it resumes
            yield _evaluate(players, batches, progress, epoch - 1, precision)
            continue
        if progress.step == steps or (training.patience and epoch - 1 - progress.best_epoch >= training.patience):
            return
        before = time.monotonic()
        for images, targets, share, beside in batches.epoch(epoch, done):
            rate = learning_rate(training, progress.step, steps)
            counts = penalty_share(training, progress.step, steps)
            generator.manual_seed(_mixed(training.seed, progress.step, processes.rank))
            for player in players:
                with computing(processes.device, precision):
                    terms = player.loss(images, targets, generator, counts, beside)
                loss = torch.stack([term.float().mean() for term in terms.values()]).sum()
                nats, values = processes.total(loss.detach() * share).item(), images[0].numel()
                # In nats per value, so that clipping means the same for pictures of every size.
                total = loss * (share * processes.count / values)
                if not abs(nats) < EXPLODED * values or not player.step(total, rate, progress.step):
                    raise _diverged(progress.step, rate)
            now = time.monotonic()
            speed = len(images) * processes.count / max(now - before, 1e-9)
            progress.step, progress.seconds, before = progress.step + 1, now - started, now
            yield Stepped(progress.step, steps, epoch, nats, rate, speed)


def _evaluate(
    players: list[Player], batches: Batches, progress: Progress, epoch: int, precision: torch.dtype
) -> Evaluated:
    """Mean terms over the held-out images, with the same noise every time; keeps the weights if they are the best.

    Beside a critic the last are: what deceives it is not what has the least error.
    """
    player, device = players[0], batches.processes.device
    generator = torch.Generator(device).manual_seed(_mixed(batches.training.seed, 0, batches.processes.rank))
    player.swap_average()
    player.module.eval()
    sums: dict[str, Tensor] = {}
    count = torch.zeros((), device=device)
    with torch.no_grad(), computing(device, precision):
        for images, targets, counting in batches.evaluation():
            for name, term in player.loss(images, targets, generator).items():
                sums[name] = sums.get(name, torch.zeros((), device=device)) + term[:counting].float().sum()
            count += counting
    player.module.train()
    total = batches.processes.total(count).item()
    terms = {name: batches.processes.total(value).item() / total for name, value in sums.items()}
    loss = sum(terms.values())
    if not math.isfinite(loss):
        raise _diverged(progress.step, batches.training.learning_rate)
    # Without held-out images the last epoch is kept.
    best = loss < progress.best_loss or not len(batches.held_out) or any(player.against for player in players)
    if best:
        progress.best_loss, progress.best_epoch = loss, epoch
        progress.best = {name: value.clone() for name, value in player.module.state_dict().items()}
    player.swap_average()
    progress.history.append({"epoch": epoch, "loss": loss, "seconds": progress.seconds, **terms})
    return Evaluated(epoch, loss, best, terms)


def _diverged(step: int, rate: float) -> Diverged:
    remedy = f"--learning-rate {rate / 10:.0e}"
    return Diverged(f"training diverged: the loss exploded at step {step}, learning rate {rate:.1e}; try: {remedy}")


def _mixed(*numbers: int) -> int:
    """One seed from several numbers, far from the seeds of their neighbours (a hash in 63 bits)."""
    mixed = 0x9E3779B97F4A7C15
    for number in numbers:
        mixed = ((mixed ^ number) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        mixed ^= mixed >> 31
    return mixed >> 1
