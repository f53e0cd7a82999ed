"""From a source and a recipe to a trained model."""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path

import torch

from diabolo import objectives
from diabolo.architectures import output_range
from diabolo.errors import Diverged, Mistake
from diabolo.events import Listener, Note, Started, ignore
from diabolo.latents import Linear, Plain
from diabolo.model import Model
from diabolo.network import Network
from diabolo.options import name_of, replace, to_plain
from diabolo.preprocessing import UNIT, Conversion
from diabolo.recipe import Auto, Recipe
from diabolo.sources import Source
from diabolo.training import checkpoint, closed_form, players
from diabolo.training.batches import Batches, split
from diabolo.training.interrupt import held_back
from diabolo.training.loop import Progress, run
from diabolo.training.pictures import Pictures
from diabolo.training.processes import Processes, join
from diabolo.training.survey import Survey, survey

CHECKPOINT_SECONDS = 30.0


def fit(
    source: Source,
    recipe: Recipe,
    *,
    device: str = "auto",
    keep: Path | None = None,
    resume: bool = False,
    listen: Listener = ignore,
    every: float = CHECKPOINT_SECONDS,
) -> Model:
    """Train a model.

    `keep` is where a checkpoint is written every `every` seconds, after every epoch and on an interrupt; with
    `resume`, and when torchrun restarts a lost process, the run goes on from there. An interrupt (Ctrl-C) ends the
    run with the best weights so far and `provenance["interrupted"]`. `Diverged` carries such a model as `.model`.
    """
    processes = join(device)
    training = recipe.training
    if training.batch_size % processes.count:
        raise Mistake(
            "the batch does not divide", f"{training.batch_size}", f"a multiple of {processes.count} processes"
        )
    began = time.process_time(), time.monotonic()
    pictures = Pictures(source, recipe.preprocessing, training.memory, training.workers)
    seen, conversion = survey(pictures, _crop(recipe))
    conversion = dataclasses.replace(conversion, any_size=recipe.architecture.spatial and conversion.layout != "vector")
    recipe = _with_likelihood(recipe, seen, conversion, listen)
    network = Network(recipe, conversion.shape, training.seed)
    _warn_of_copying(recipe, network, conversion, listen)
    exact = closed_form.applies(recipe)  # an optimum needs no epoch to be chosen: nothing is held out
    learned, held_out = split(len(pictures), 0.0 if exact else training.validation, training.seed)
    batches = Batches(pictures, conversion, training, processes, learned, held_out)
    told = {"source": source.description, "images": len(learned), "held_out": len(held_out)}
    model = Model(recipe, network, conversion, provenance=told)
    if exact:
        closed_form.solve(network.latent, pictures, learned, conversion)
    else:
        _train(model, batches, keep, resume or processes.restarted, every, listen)
    _finish(model, batches, began)
    for name, reason in pictures.unreadable:
        listen(Note(f"left out {name}: {reason}", warning=True))
    return model


def _train(model: Model, batches: Batches, keep: Path | None, resume: bool, every: float, listen: Listener) -> None:
    """Run the loop; whatever ends it, the model is left with the best weights there are."""
    network, training, processes = model.network, model.recipe.training, batches.processes
    network.to(processes.device)
    if len(model.conversion.shape) == 3 and training.channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it alone
    module = processes.share(network, training.shard)
    everyone = [players.autoencoder(network, module, model.recipe)]
    progress = Progress()
    fingerprint = {"recipe": to_plain(model.recipe), "data": [len(batches.pictures), list(model.conversion.shape)]}
    if resume and keep and keep.exists():
        progress = checkpoint.read(keep, everyone, fingerprint)
    steps = training.epochs * batches.per_epoch
    count = sum(p.numel() for p in network.parameters())
    listen(Started(len(batches.learned), len(batches.held_out), count, steps, progress.step))
    written = time.monotonic()

    def write() -> None:
        if keep:
            checkpoint.write(keep, everyone, progress, fingerprint, processes.first)

    try:
        with held_back() as obey_interrupt:
            for event in run(everyone, batches, progress, _precision(training.precision, processes)):
                listen(event)
                # Several processes must write together, so they write after epochs only.
                due = processes.count == 1 and time.monotonic() - written > every
                if due or progress.step % batches.per_epoch == 0:
                    write()
                    written = time.monotonic()
                obey_interrupt()
    except KeyboardInterrupt:
        write()
        model.provenance["interrupted"] = f"step {progress.step} of {steps}"
    except Diverged as error:
        error.model = model
        raise
    finally:
        _settle(model, everyone[0], progress)


def _settle(model: Model, player: players.Player, progress: Progress) -> None:
    """Leave the best weights in the model, whole, whatever ended the run."""
    player.swap_average()
    weights = progress.best or player.module.state_dict()
    if model.recipe.training.shard:
        model.network = Network(model.recipe, model.conversion.shape, model.recipe.training.seed)
    model.network.load_state_dict({name: checkpoint.whole(value) for name, value in weights.items()})
    model.metrics["history"] = progress.history
    model.metrics["best_epoch"] = progress.best_epoch


def _finish(model: Model, batches: Batches, began: tuple[float, float]) -> None:
    """Calibrate on the held-out images (or on some of the others), and note the figures."""
    if isinstance(model.recipe.latent, Linear) and not closed_form.applies(model.recipe):
        _order(model, batches)
    chosen = batches.held_out if len(batches.held_out) else batches.learned[:2000]
    error, squares, count = 0.0, 0.0, 0
    model.network.eval()
    for raw in batches.pictures.batches(chosen, model.batch_size, batches.training.crop):
        images = batches.conversion.to_network(raw, model.dtype).to(model.device)
        with torch.no_grad():
            parameters = model.network(images).parameters
        error += float(model.recipe.likelihood.error(parameters, images).sum())
        squares += float((model.recipe.likelihood.mean(parameters) - images).double().square().sum())
        count += images.numel()
    model.scale = model.recipe.likelihood.scale_from(error, count)
    cpu, wall = time.process_time() - began[0], time.monotonic() - began[1]
    measured_on = "held-out images" if len(batches.held_out) else "training images"
    parameters_count = sum(t.numel() for t in model.network.state_dict().values())
    model.metrics |= {
        "mse": squares / count,
        "measured_on": measured_on,
        "parameters": parameters_count,
        "cpu_seconds": round(cpu, 3),
        "seconds": round(wall, 3),
    }


def _order(model: Model, batches: Batches) -> None:
    """Turn a linear code that was learned by gradient so that its numbers are ordered by variance."""
    with torch.no_grad():
        model.network.latent.order(torch.cat([model.network.encode(images) for images in batches.evaluation()]))


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


def _warn_of_copying(recipe: Recipe, network: Network, conversion: Conversion, listen: Listener) -> None:
    """Warn where the code has as many numbers as the image and nothing keeps it from copying."""
    code, image = math.prod(network.latent.code), math.prod(conversion.shape)
    free = isinstance(recipe.latent, Plain) and not recipe.corruption
    if network.decoder.needs_skips and not recipe.corruption:
        listen(Note("skips let this network copy its input; give it a corruption to undo: --corruption noise", True))
    elif free and code >= image:
        remedies = "--latent sparse, --latent contractive, --corruption noise, or a smaller --latent.size"
        listen(Note(f"the code ({code} numbers) can copy the image ({image}) without learning; try {remedies}", True))


def _precision(name: str, processes: Processes) -> torch.dtype:
    if name == "auto":
        able = processes.device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if able else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def _crop(recipe: Recipe) -> int:
    if recipe.training.crop and not recipe.architecture.spatial:
        allowed = "unet, or conv with --architecture.map true"
        raise Mistake(f"{name_of(recipe.architecture)} cannot be trained on crops", allowed=allowed, remedy="--crop 0")
    return recipe.training.crop
