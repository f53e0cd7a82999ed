"""From a source and a recipe to a trained model."""

from __future__ import annotations

import dataclasses
import math
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diabolo import objectives
from diabolo.architectures import output_range
from diabolo.errors import Diverged, Mistake
from diabolo.events import Listener, Note, Started, ignore
from diabolo.model import Model
from diabolo.network import Network
from diabolo.options import replace
from diabolo.preprocessing import UNIT, Conversion
from diabolo.recipe import Auto, Recipe
from diabolo.sources import Chosen, Records, Source
from diabolo.training import checkpoint, closed_form, players
from diabolo.training.batches import Batches, split
from diabolo.training.beside import beside
from diabolo.training.checks import (
    check_batch,
    check_draws,
    check_margin,
    check_rows,
    check_use,
    check_view,
    warn_of_copying,
    with_crop,
)
from diabolo.training.columns import tuned
from diabolo.training.finish import finish
from diabolo.training.interrupt import held_back
from diabolo.training.loop import Progress, run
from diabolo.training.normal import check_kept, enough
from diabolo.training.pairs import paired
from diabolo.training.pictures import Pictures
from diabolo.training.precision import precision_of
from diabolo.training.prior import check_priors, with_able
from diabolo.training.processes import Processes, join
from diabolo.training.records import modalities_of
from diabolo.training.start import start_at_mean, start_from
from diabolo.training.survey import Survey, survey
from diabolo.training.trim import NAMED, trimmed

CHECKPOINT_SECONDS = 30.0
MOST_VIEWED = 20_000  # images that a view is learned from
SHORTEST = 10  # steps of an epoch, where steps are counted
LONGEST_HISTORY = 1000  # epochs that are told of in the model; of a longer run every second, third, ...


def fit(
    source: Source,
    recipe: Recipe,
    *,
    target: Source | None = None,
    start: Model | None = None,
    device: str = "auto",
    keep: Path | None = None,
    resume: bool = False,
    listen: Listener = ignore,
    every: float = CHECKPOINT_SECONDS,
) -> Model:
    """Train a model.

    `target` gives for each image of `source`, under the same name, what it is to become: the clean picture, or
    another noisy one of the same thing (Lehtinen et al. 2018, Noise2Noise). `start` is a model whose weights the
    training begins with, of the same architecture and latent.

    `keep` is where a checkpoint is written every `every` seconds, after every epoch and on an interrupt; with
    `resume`, and when torchrun restarts a lost process, the run goes on from there. An interrupt (Ctrl-C) ends the
    run with the best weights so far and `provenance["interrupted"]`; a second one, or one among several processes,
    is a KeyboardInterrupt. SIGTERM waits for a last checkpoint. `Diverged` carries the model of the best epoch as
    `.model`, where there was one.
    """
    processes = join(device)
    check_batch(recipe, processes)
    check_view(recipe)
    check_margin(recipe)
    began = time.process_time(), time.monotonic()
    left_out: list[str] = []
    if recipe.training.contamination != "none":
        left = trimmed(source, recipe, lambda some, plain: fit(some, plain, device=device, listen=listen), listen)
        left_out = [source.name(i) for i in left]
        source = Chosen(source, np.delete(np.arange(len(source)), left).tolist())
    pictures = Pictures(source, recipe.preprocessing, recipe.training.memory, recipe.training.workers)
    recipe = with_crop(recipe, pictures, listen)
    training = recipe.training
    seen, conversion = survey(pictures, recipe.training.crop, listen)
    conversion = dataclasses.replace(conversion, any_size=recipe.architecture.spatial and conversion.layout != "vector")
    recipe = _with_likelihood(recipe, seen, conversion, listen)
    network = _build(recipe, conversion)
    recipe = with_able(recipe, network.latent, isinstance(source, Records))
    check_draws(recipe, network)
    modalities = modalities_of(source, recipe, network)
    warn_of_copying(recipe, network, conversion, listen)
    exact = closed_form.applies(recipe)  # an optimum needs no epoch to be chosen: nothing is held out
    chosen = exact and len(recipe.priors) < 2  # several priors are compared on what is held out
    share, aside = (0.0 if chosen else training.validation), training.calibration
    if recipe.witnesses:
        share, aside = enough(training, len(pictures))
    learned, held_out, kept = split(len(pictures), share, training.seed, aside)
    if len(learned) < processes.count:
        raise Mistake("fewer images than processes", got=str(len(learned)), allowed=f"{processes.count} or more")
    check_use(recipe, conversion, exact, len(held_out), listen)
    if recipe.witnesses:
        check_kept(len(kept), len(pictures))
    if recipe.priors:
        check_priors(recipe, network.latent, pictures, seen.low == seen.high, listen)
    partners = None if target is None else paired(pictures, Pictures(target, recipe.preprocessing, training.memory))
    known = beside(pictures, training.seed) if any(term.needs == "beside" for term in recipe.terms) else None
    batches = Batches(pictures, conversion, training, processes, learned, held_out, partners, kept, known)
    if training.steps and not exact:
        recipe, batches = _in_steps(recipe, batches)
    told: dict[str, Any] = {"source": source.description, "images": len(learned), "held_out": len(held_out)}
    told |= {"kept": len(kept)} if len(kept) else {}
    told |= {"left_out": left_out[:NAMED]} if left_out else {}
    told |= {"columns": columns} if (columns := getattr(source, "columns", None)) else {}
    if start:
        told["start"] = start.provenance.get("command", "")
    if target:
        told["target"] = target.description
    model = Model(recipe, network, conversion, provenance=told, encoding=getattr(source, "encoding", None))
    model.modalities = modalities
    steps = 0
    if network.view is not None:
        indices = learned[:MOST_VIEWED]
        network.view.learn(lambda: map(conversion.to_network, pictures.batches(indices, 256, training.crop)))
    if exact:
        check_rows(recipe, model.encoding is not None, len(learned))
        closed_form.solve(network.latent, pictures, learned, conversion)
        if processes.device.type != "mps":  # which has no float64, in which it is solved
            network.to(processes.device)
    else:
        start_from(start, model) if start else start_at_mean(network, recipe, batches)
        steps = _train(model, batches, keep, resume or processes.restarted, every, listen)
        steps = 0 if "interrupted" in model.provenance else steps  # who interrupts does not want to wait
    finish(model, batches, steps, began, listen)
    model.encoding = tuned(model)
    for name, reason in pictures.unreadable:
        listen(Note(f"left out {name}: {reason}", warning=True))
    return model


def _in_steps(recipe: Recipe, batches: Batches) -> tuple[Recipe, Batches]:
    """The recipe with the epochs that its steps take; one of few images sees them several times, not to end at once."""
    cuts = max(recipe.training.cuts, math.ceil(SHORTEST * recipe.training.batch_size / len(batches.learned)))
    if len(batches.learned) < SHORTEST * recipe.training.batch_size:
        recipe = replace(recipe, "training.cuts", cuts)
        batches = dataclasses.replace(batches, training=recipe.training)
    recipe = replace(recipe, "training.epochs", math.ceil(recipe.training.steps / batches.per_epoch))
    return recipe, dataclasses.replace(batches, training=recipe.training)


def _train(model: Model, batches: Batches, keep: Path | None, resume: bool, every: float, listen: Listener) -> int:
    """Run the loop, and say how many steps it made; the model is left with the best weights there are."""
    network, training, processes = model.network, model.recipe.training, batches.processes
    network.to(processes.device)
    if len(model.conversion.shape) == 3 and training.channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it alone
    module = processes.share(network, training.shard)
    width = 0 if batches.beside is None else batches.beside.shape[1]
    others = players.companions(network, model.recipe, lambda m: processes.share(m, False), processes.device, width)
    everyone = [players.autoencoder(network, module, model.recipe, others), *others]
    progress = Progress()
    fingerprint = checkpoint.fingerprint_of(model.recipe, model.conversion, batches.pictures) if keep else {}
    if resume and keep and keep.exists():
        progress = checkpoint.read(keep, everyone, fingerprint)
    elif resume and keep:
        listen(Note(f"there is no checkpoint {keep}: starting from the beginning"))
    steps = training.epochs * batches.per_epoch
    count = sum(p.numel() for p in network.parameters())
    listen(Started(len(batches.learned), len(batches.held_out), count, steps, progress.step))
    written = time.monotonic()

    def write() -> None:
        if keep:
            checkpoint.write(keep, everyone, progress, fingerprint, processes.first)

    try:
        with held_back(processes.count == 1) as interrupted:  # of several, torchrun ends those that wait for a lost one
            for event in run(everyone, batches, progress, precision_of(training.precision, processes.device)):
                listen(event)
                # Several processes must write together, so they write after epochs only.
                due = processes.count == 1 and time.monotonic() - written > every
                if due or progress.step % batches.per_epoch == 0:
                    write()
                    written = time.monotonic()
                if interrupted():
                    _interrupt(model, processes, f"step {progress.step} of {steps}")
                    write()
                    break
    except Diverged as error:
        if progress.best:
            _settle(model, everyone[0], progress)
            error.model = model
        raise
    _settle(model, everyone[0], progress)
    return progress.step


def _interrupt(model: Model, processes: Processes, place: str) -> None:
    """Note where one process was interrupted; several stand at different steps, and only share an epoch."""
    if processes.count > 1:
        raise KeyboardInterrupt
    model.provenance["interrupted"] = place


def _settle(model: Model, player: players.Player, progress: Progress) -> None:
    """Leave the best weights in the model, whole: those of the best epoch, or the present ones before its end."""
    if not progress.best:
        player.swap_average()
    weights = progress.best or player.module.state_dict()
    if model.recipe.training.shard:
        device = model.device
        model.network = Network(model.recipe, model.conversion.shape, model.recipe.training.seed).to(device)
    model.network.load_state_dict({name: checkpoint.whole(value) for name, value in weights.items()})
    # In the order in which a file gives them: another order means other kernels, and other last bits.
    model.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    model.metrics["history"] = progress.history[:: -(-len(progress.history) // LONGEST_HISTORY) or 1]
    model.metrics["best_epoch"] = progress.best_epoch


def _with_likelihood(recipe: Recipe, seen: Survey, conversion: Conversion, listen: Listener) -> Recipe:
    """The recipe with "auto" replaced by the likelihood the data chooses; refuses one that cannot fit the data."""
    if isinstance(recipe.likelihood, Auto):
        likelihood, reason = objectives.choose(seen.two_valued)
        recipe = replace(recipe, "likelihood", likelihood)
        listen(Note(reason))
    as_they_are = conversion.dtype not in UNIT and not seen.two_valued and recipe.preprocessing.scaling == "auto"
    data_range = (seen.low, seen.high) if as_they_are else (conversion.low, conversion.high)
    output = recipe.architecture.output
    objectives.check_range(recipe.likelihood, output, output_range(output), data_range)
    return recipe


def _build(recipe: Recipe, conversion: Conversion) -> Network:
    """The network at its start; a `Mistake` where the memory cannot hold it."""
    try:
        return Network(recipe, conversion.shape, recipe.training.seed)
    except (RuntimeError, TypeError, MemoryError, OverflowError) as error:
        if not re.search("alloc|memory|overflow", str(error), re.IGNORECASE):
            raise
        remedy = "a smaller --latent.size or --architecture.width"
        raise Mistake("the network is too large for the memory", remedy=remedy) from error
