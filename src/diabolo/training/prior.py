"""After the last step, for a recipe with priors: how codes are spread, learned by each of them; the best is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from diabolo.errors import Mistake
from diabolo.events import Listener, Note
from diabolo.model import Model
from diabolo.options import name_of, numbered, replace
from diabolo.priors import PRIORS
from diabolo.priors.base import combinations
from diabolo.recipe import Auto, Recipe
from diabolo.sampler import Sampler, vocabulary_of
from diabolo.sources import Attribute
from diabolo.training.batches import Batches
from diabolo.training.pictures import Pictures
from diabolo.training.prior_steps import Codes, learn
from diabolo.training.records import completes, joined

FEW = 10  # images of a class: of fewer the user is told
LEAST_COMPARED = 5  # held-out images of a class for a distance of its own
MOST_COMPARED = 2000  # held-out images that samples are compared with
SEEN = 32  # pixels a side, at most, of pictures that are compared
DRAWN = 4000  # samples, at least: more than codes, so that chance in drawing does not choose


def with_able(recipe: Recipe, latent: nn.Module, records: bool) -> Recipe:
    """The recipe with all priors that codes of this latent, or of records, can have, if "auto" is among its own."""
    if not any(isinstance(part, Auto) for part in recipe.priors):
        return recipe
    every: list[Any] = [part() for part in PRIORS.parts.values()]
    able = [part for part in every if getattr(latent, "vocabulary", 0) or not part.discrete]
    return replace(recipe, "priors", tuple(part for part in able if completes(part) == records))


def check_priors(recipe: Recipe, latent: nn.Module, pictures: Pictures, constant: bool, listen: Listener) -> None:
    """Refuse, before the training, pictures or codes that no prior can be learned from; tell of classes with few."""
    for part in recipe.priors:
        vocabulary_of(part, latent)
    if pictures.shape is None and not recipe.preprocessing.side:
        remedy = "--preprocessing.side 64"
        raise Mistake("new pictures have one size, and these have several", allowed="one size", remedy=remedy)
    if constant:
        raise Mistake("every picture is the same, of one value: there is nothing to vary", allowed="pictures of things")
    if pictures.conditions is None:
        return
    for place, attribute in enumerate(pictures.conditions.attributes):
        counts = np.bincount(pictures.conditions.indices[:, place] + 1, minlength=len(attribute.values) + 1)[1:]
        few = [f"{value} ({count})" for value, count in zip(attribute.values, counts, strict=True) if count < FEW]
        if few:
            told = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
            listen(Note(f"few pictures, which what is generated will resemble closely: {attribute.name} {told}", True))


class Learned(NamedTuple):
    """A prior that was learned, and how far its samples lie from held-out images; NaN where it was not compared."""

    sampler: Sampler
    distance: float


def learn_prior(model: Model, batches: Batches, listen: Listener) -> Sampler:
    """What new codes are drawn from. Of several priors that is kept whose samples are nearest to held-out images."""
    parts, found = model.recipe.priors, list(learn_priors(model, batches, listen))
    if len(parts) == 1:
        return found[0].sampler
    distances = [one.distance for one in found]
    model.metrics["priors"] = dict(zip(numbered(parts), distances, strict=True))
    best = min(range(len(parts)), key=lambda i: distances[i])
    images = "held-out images" if len(batches.held_out) else "images that they learned from"
    told = ", ".join(f"{name_of(part)} {far:.4f}" for part, far in zip(parts, distances, strict=True))
    listen(Note(f"the prior {name_of(parts[best])} is kept; distances of samples to {images}: {told}"))
    return found[best].sampler


def learn_priors(model: Model, batches: Batches, listen: Listener) -> Iterator[Learned]:
    """Each prior of the recipe, one after the other.

    One alone learns from the held-out images, too. Several are measured by `distance`, class by class.
    """
    parts, generator = model.recipe.priors, Generator(model.device)
    generator.manual_seed(model.recipe.training.seed)
    several = len(parts) > 1
    compared = several and len(batches.held_out) > 0
    both = np.concatenate((batches.learned, batches.held_out))
    learned = encoded(model, batches, batches.learned if compared else both, generator)
    if model.modalities is not None:
        learned = recorded(model, batches, both, learned)
    # In an order by chance: where pictures lie class by class, the first ones are of the first classes alone.
    order = np.random.default_rng(model.recipe.training.seed).permutation
    if compared:
        beside = encoded(model, batches, order(batches.held_out), generator)
    else:
        beside = learned.at(torch.from_numpy(order(len(learned.values))).to(model.device)) if several else learned
    given = batches.pictures.conditions
    attributes = () if given is None else given.attributes
    for place in range(len(parts)):
        sampler = learned_one(model, place, learned, attributes, listen)
        yield Learned(sampler, distance(model, beside, sampler, generator) if several else math.nan)


def learned_one(model: Model, place: int, codes: Codes, attributes: Sequence[Attribute], listen: Listener) -> Sampler:
    """The recipe's prior at `place`, learned from codes, or from their tokens where it speaks of these."""
    parts, latent, seed = model.recipe.priors, model.network.latent, model.recipe.training.seed
    if parts[place].discrete:
        codes = Codes(latent.tokens(codes.values), codes.conditions)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        vocabulary = vocabulary_of(parts[place], latent)
        widths = () if model.modalities is None else model.modalities.widths
        sampler = Sampler(parts, place, codes.values.shape[1:], attributes, vocabulary, widths).to(model.device)
    sampler.rows, _, sampler.counts = combinations(codes.conditions)
    learn(sampler, codes, model.recipe.training, listen, words=bool(getattr(latent, "vocabulary", 0)))
    return sampler.eval().requires_grad_(False)


def encoded(model: Model, batches: Batches, indices: np.ndarray, generator: Generator) -> Codes:
    """The codes of the images at `indices`, drawn where the latent draws; those that cannot be read are left out."""
    pictures, network = batches.pictures, model.network.eval()
    values, means, deviations = [], [], []
    for raw in pictures.batches(indices, model.batch_size, batches.training.crop):
        with torch.no_grad():
            image = network.seen(batches.conversion.to_network(raw, model.dtype).to(model.device))
            features = network.encoder(image).values
            values.append(network.latent.encode(features, origin=image, generator=generator).values.float())
            if hasattr(network.latent, "posterior"):
                mean, log_variance = network.latent.posterior(features)
                means.append(mean.float())
                deviations.append((log_variance.float() / 2).exp())
    given = pictures.conditions
    said = np.zeros((len(pictures), 0), int) if given is None else given.indices
    codes = Codes(torch.cat(values), torch.from_numpy(said[indices]).to(model.device))
    if means:
        codes = codes._replace(means=torch.cat(means), deviations=torch.cat(deviations))
    sound = pictures.sound(indices)
    return codes if sound.all() else codes.at(torch.from_numpy(sound).to(model.device))


def recorded(model: Model, batches: Batches, indices: np.ndarray, codes: Codes) -> Codes:
    """Records in place of the codes of their pictures, of which no conditions are known but what the records hold."""
    chosen = indices[batches.pictures.sound(indices)]
    rows = joined(model, batches.pictures, chosen, codes.values)
    return Codes(rows, torch.zeros(len(rows), 0, dtype=torch.long, device=rows.device))


def distance(model: Model, codes: Codes, sampler: Sampler, generator: Generator) -> float:
    """How well samples are told from as many images of the same conditions by their nearest neighbours; 0 = not at all.

    Both as the network draws them from `codes` and from the prior's. Twice what the accuracy is away from a half (the
    test of Lopez-Paz and Oquab 2017, which Xu et al. 2018 found to judge generators best), the mean over the classes by
    their size. Distances of whole clouds, as the energy distance, chance outweighs: in trials they kept the worse
    prior. So did neighbours among long codes, most of whose numbers hardly show.
    """
    images, conditions = shown(model, codes.values[:MOST_COMPARED]), codes.conditions[:MOST_COMPARED]
    _, classes, counts = combinations(conditions)
    if counts.min() < LEAST_COMPARED:
        classes = torch.zeros_like(classes)
    right = []
    for _ in range(math.ceil(DRAWN / len(images))):
        with torch.no_grad():
            drawn = sampler.sample(conditions, generator)
        drawn = shown(model, model.network.latent.from_tokens(drawn) if sampler.part.discrete else drawn)
        right += [told_apart(images[classes == one], drawn[classes == one]) for one in classes.unique()]
    return abs(2 * float(torch.cat(right).mean()) - 1)


def shown(model: Model, codes: Tensor) -> Tensor:
    """What the network makes of codes, as rows (n, d), pictures small; the codes where it takes more than them."""
    network, mean, rows = model.network, model.recipe.likelihood.mean, []
    if model.modalities is not None or network.decoder.needs_skips:
        return codes.flatten(1)
    with torch.no_grad():
        for some in codes.to(model.dtype).split(model.batch_size):
            images = mean(network.decode(some)).float()
            if images.dim() == 4:
                height, width = images.shape[2:]
                images = adaptive_avg_pool2d(images, (min(SEEN, height), min(SEEN, width)))
            rows.append(images.flatten(1))
    return torch.cat(rows)


def told_apart(one: Tensor, other: Tensor) -> Tensor:
    """Whether the nearest of all others is of the same of two sets of rows (n, d) and (m, d): (n + m,) in 0..1.

    Of several that are equally near, the share that is.
    """
    rows = torch.cat((one, other))
    apart = torch.cdist(rows, rows).fill_diagonal_(math.inf)
    nearest = (apart == apart.min(1, keepdim=True).values).float()
    first = torch.arange(len(rows), device=rows.device) < len(one)
    return (nearest * (first[:, None] == first)).sum(1) / nearest.sum(1)
