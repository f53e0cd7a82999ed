"""Compare: PCA and autoencoders at the same code lengths, from the same images, measured on others."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sklearn
import torch

from diabolo.architectures import Conv, Flat
from diabolo.errors import Diverged, Mistake
from diabolo.events import Listener, ignore
from diabolo.latents import Plain
from diabolo.preprocessing import Preprocessing
from diabolo.recipe import Recipe, Training, with_options
from diabolo.recipes import named
from diabolo.tasks.comparison.images import SMALLEST, Images, gather
from diabolo.tasks.comparison.record import Comparison, Result
from diabolo.tasks.comparison.traits import look, validation_bar
from diabolo.tasks.comparison.trials import Bench, Progress, Trial, network_result, principal_results, trial

__all__ = ["Comparison", "compare"]

SIZES = (2, 8, 16, 32)
RECIPES = ("linear", "deep", "conv")
FOCUS = 16  # the nearest code length to it is looked at closely
SHOWN = 8  # test images that the report shows
# Learning rates of single layers, times the root of the image's numbers: weights shrink as that grows, so must steps.
LESSON_RATE, COPIER_RATE = 0.25, 0.025
LARGEST_COPIER = 1024  # numbers in an image, beyond which the overcomplete model would take longer than the rest


def compare(
    source: Any,
    *,
    sizes: Sequence[int] | None = None,
    recipes: Sequence[str] | Mapping[str, Recipe] = RECIPES,
    epochs: int | None = None,
    seed: int = 0,
    test: Any = None,
    share: float = 0.2,
    most: int = 20_000,
    preprocessing: Preprocessing | None = None,
    strict: bool = False,
    device: str = "auto",
    listen: Listener = ignore,
) -> Comparison:
    """Fit scikit-learn's PCA and each recipe at each code length, and measure them on images they have not seen.

    `source` is whatever `open_source` opens. `recipes` are names, or a name for each `Recipe`. A code of 2 numbers
    among the `sizes` gives the map; without any given, those of 2, 8, 16 and 32 are taken that fit the images.
    Without `epochs`, a named recipe gets as many as make about 1000 steps, a `Recipe` its own. A `share` of the images
    is held out for the test, unless there is a `test` source. A recipe that cannot be trained on such images is left
    out, with its reason; raises `Mistake` where the images themselves, a size or a recipe's name is not allowed.
    """
    chosen = _recipes(recipes)
    images = gather(
        source, test, share=share, most=most, preprocessing=preprocessing, seed=seed, strict=strict, listen=listen
    )
    lengths = _sizes(sizes, images)
    focus = min(lengths, key=lambda size: abs(size - FOCUS))
    smaller = max((size for size in lengths if size < focus), default=None)
    left_out = _unsuited(chosen, images)
    suited = {name: recipe for name, recipe in chosen.items() if name not in left_out}
    count = len(images.learned)
    trials = [
        trial(name, recipe, size, count, epochs or _described(recipes, name), seed)
        for name, recipe in suited.items()
        for size in lengths
    ]
    if "linear" in chosen and "linear-gradient" not in chosen:
        lesson = with_options(named("linear-gradient"), {"learning_rate": LESSON_RATE / images.numbers**0.5})
        trials.append(trial("linear-gradient", lesson, focus, count, epochs, seed))
    copier = _copier(images, epochs, seed)
    shown = np.sort(np.random.default_rng(seed).permutation(len(images.test))[:SHOWN])
    bench = Bench(images, shown, seed, device)
    progress = Progress(sum(one.steps(count) for one in [*trials, *([copier] if copier else [])]), listen)

    learned = images.rows(images.learned)
    results, references = principal_results(bench, learned, lengths)
    results += _train(bench, trials, progress, left_out)
    copied = network_result(bench, copier, progress.listen_to_steps) if copier else None
    close = [result for result in results if result.size == focus]
    shorter = [result for result in results if result.size == smaller]
    again = [one for one in trials if one.size == focus and one.name not in left_out]
    seen = look(bench, learned, close, shorter, again, references[focus])
    return Comparison(
        images=images,
        sizes=lengths,
        focus=focus,
        nested_size=smaller,
        results=tuple(results),
        traits=seen.traits,
        features=seen.features,
        cosines=seen.cosines,
        validation_bar=validation_bar(learned, focus, seed),
        copier=copied,
        left_out=left_out,
        shown=shown,
        about=_about(seed),
    )


def _train(bench: Bench, trials: list[Trial], progress: Progress, left_out: dict[str, str]) -> list[Result]:
    """The results of all trials; a recipe that these images cannot train is added to `left_out`, with the reason."""
    results = []
    for one in trials:
        if one.name in left_out:
            continue
        progress.say(f"{one.name}, a code of {one.size} numbers")
        try:
            results.append(network_result(bench, one, progress.listen))
        except (Mistake, Diverged) as refusal:
            left_out[one.name] = str(refusal)
    return [result for result in results if result.method not in left_out]


def _recipes(recipes: Sequence[str] | Mapping[str, Recipe]) -> dict[str, Recipe]:
    if isinstance(recipes, Mapping):
        return dict(recipes)
    return {name: named(name) for name in ([recipes] if isinstance(recipes, str) else recipes)}


def _described(recipes: Sequence[str] | Mapping[str, Recipe], name: str) -> int | None:
    """The epochs of a recipe that the caller described; None for one that was only named."""
    return recipes[name].training.epochs if isinstance(recipes, Mapping) else None


def _sizes(sizes: Sequence[int] | None, images: Images) -> tuple[int, ...]:
    """The code lengths in order; none may be as long as the image or as many as the images."""
    most = min(images.numbers - 1, len(images.learned))
    if most < 2:
        raise Mistake("the images are too small to be summarised", f"{images.numbers} numbers each", "3 or more")
    wrong = [size for size in sizes or () if not 1 <= size <= most]
    if wrong:
        raise Mistake("a code length does not fit the images", got=str(wrong[0]), allowed=f"1 to {most}")
    return tuple(sorted(set(sizes or (size for size in SIZES if size <= most))))


def _unsuited(recipes: Mapping[str, Recipe], images: Images) -> dict[str, str]:
    """The recipes that these images are not for, and why."""
    reasons = {}
    for name, recipe in recipes.items():
        if isinstance(recipe.architecture, Conv) and not images.pictures:
            reasons[name] = f"convolutions need pictures of at least {SMALLEST} x {SMALLEST} pixels"
        elif recipe.architecture.spatial:
            reasons[name] = "its code is a map that grows with the picture, and has no length to compare at"
        elif recipe.witnesses:
            reasons[name] = "it learns what is normal, not to draw pictures again from a code"
        elif recipe.priors:
            reasons[name] = "it learns to make new pictures, which have no error to compare"
    return reasons


def _copier(images: Images, epochs: int | None, seed: int) -> Trial | None:
    """An overcomplete autoencoder with nothing that keeps it from copying; none for large images."""
    if images.numbers > LARGEST_COPIER:
        return None
    size = 2 * images.numbers
    recipe = Recipe(Flat(depth=0), Plain(size=size), training=Training(learning_rate=COPIER_RATE / images.numbers**0.5))
    return trial("overcomplete", recipe, size, len(images.learned), epochs, seed)


def _about(seed: int) -> dict[str, Any]:
    return {
        "seed": seed,
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "diabolo": importlib.metadata.version("diabolo"),
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "processor": f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
