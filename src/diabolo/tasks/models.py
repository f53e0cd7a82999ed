"""Where a task's model comes from: a file, a starter, an object, or training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.events import ignore
from diabolo.latents import Linear
from diabolo.model import Model
from diabolo.options import replace
from diabolo.recipe import Recipe, shaped_as, with_options
from diabolo.recipes import named, suited
from diabolo.sources import Records, Source, open_source
from diabolo.starters import named_model
from diabolo.training import fit


def learn(verb: str, estimator: Any, X: Any, y: Any = None, options: dict[str, Any] | None = None) -> Model:
    """A model trained by the recipe of a verb on what `open_source` opens; `y` are targets, where pairs are learned.

    With targets nothing is done to the pictures first, unless the options name a corruption. The estimator's `model`,
    where one is given, is where the training starts. The estimator's own options go before `options`.
    """
    source = open_source(X)
    told = {} if y is None else {"corruption": "none", "hint": "none"}
    options = {
        key.replace("__", "."): value for key, value in (told | (options or {}) | (estimator.options or {})).items()
    }
    recipe = recipe_for(verb, source, options)
    start = None if estimator.model is None else find(estimator.model, estimator.device)
    base = recipe if start is None else shaped_as(recipe, start.recipe)
    chosen = with_options(base, options)
    target = None if y is None else open_source(y)
    listen = estimator.listen or ignore
    return fit(source, chosen, target=target, start=start, device=estimator.device, listen=listen)


def recipe_for(name: str, source: Source, options: Mapping[str, Any]) -> Recipe:
    """The recipe of a name, or its counterpart for what the source holds; rows of a table keep all their directions.

    Of `options`, none of which is set here, those of the preprocessing tell to which size pictures are brought.
    """
    encoding = getattr(source, "encoding", None)
    rows = "records" if isinstance(source, Records) else "mixed" if encoding is not None else ""
    sizes = {name: value for name, value in options.items() if name.startswith("preprocessing")}
    side, shapes = with_options(named(name), sizes).preprocessing.side, shapes_of(source)
    if side and any(len(shape) > 1 for shape in shapes):
        shapes = {(side, side)}
    recipe = named(suited(name, shapes, rows))
    if encoding is not None and isinstance(recipe.latent, Linear):
        recipe = replace(recipe, "latent.size", encoding.width)
    return recipe


def shapes_of(source: Source) -> set[tuple[int, ...]]:
    """The shapes of a source's images, without the numbers' type: of vectors (d,), of pictures (h, w, c)."""
    known = getattr(source, "shapes", None) or {source.read(0).shape}
    return {tuple(side for side in shape if isinstance(side, int)) for shape in known}


def model_key(given: Any) -> tuple[Any, int]:
    """What tells whether a given model is still the one that was used: an object itself, or a file and its time."""
    if given is not None and not isinstance(given, str | os.PathLike):
        return id(given), 0
    return given, Path(given).stat().st_mtime_ns if given is not None and Path(given).exists() else 0


def held(estimator: Any) -> Model:
    """The model that an estimator learned, or else the one that it was given, read once."""
    if hasattr(estimator, "model_"):
        learned: Model = estimator.model_
        return learned
    known = estimator.__dict__.setdefault("_held", {})
    key = (model_key(estimator.model), estimator.device)
    if key not in known:
        known.clear()
        known[key] = find(estimator.model, estimator.device)
    found: Model = known[key]
    return found


def find(given: Any, device: str = "cpu") -> Model:
    """The model meant by a path, a starter's name, a `Model`, or an estimator that holds one.

    What holds a model already stays on its own device.
    """
    if isinstance(given, str):
        return named_model(given, device)
    if isinstance(given, os.PathLike):
        return artifact.load(given, device=device)
    model = getattr(given, "model_", given)
    if not isinstance(model, Model):
        raise Mistake("not a model", got=type(given).__name__, allowed="a path, a starter's name, or a trained model")
    return model
