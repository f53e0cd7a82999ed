"""Before the first step: options that cannot be, and what the user should know of a choice."""

from __future__ import annotations

import math

from diabolo.errors import Mistake
from diabolo.events import Listener, Note
from diabolo.latents import Linear, Plain
from diabolo.network import Network
from diabolo.options import name_of, replace
from diabolo.preprocessing import Conversion
from diabolo.recipe import Recipe, Training
from diabolo.training.pictures import Pictures
from diabolo.training.processes import Processes
from diabolo.views import Values

MARGINS = 4  # as long as the side of a square, at the least
# What does nothing where the optimum is known.
_OF_DESCENT = ("epochs", "learning_rate", "optimizer", "weight_decay", "schedule", "ema", "patience", "flip", "crop")


def check_batch(recipe: Recipe, processes: Processes) -> None:
    size, count = recipe.training.batch_size, processes.count
    if size % count:
        raise Mistake("the batch does not divide", f"{size}", f"a multiple of {count} processes")
    if getattr(recipe.architecture, "norm", "") == "batch" and size // count < 2:
        wrong = "batch normalisation needs more than one image at a time"
        raise Mistake(wrong, f"{size // count}", "2 or more", "--batch-size 32, or --architecture.norm none")


def check_rows(recipe: Recipe, table: bool, count: int) -> None:
    """Refuse a table with fewer rows than the linear latent keeps of the numbers that its columns become."""
    fewest = max(2, recipe.latent.size) if table and isinstance(recipe.latent, Linear) else 0
    if count < fewest:
        allowed = f"{fewest} or more, since its columns become {recipe.latent.size} numbers"
        raise Mistake("the table has too few rows", str(count), allowed)


def check_use(recipe: Recipe, conversion: Conversion, exact: bool, held_out: int, listen: Listener) -> None:
    """Refuse options that could not do anything with this data; tell which have no effect on an exact solution."""
    training, pictures = recipe.training, recipe.preprocessing
    for flag, given in (("flip", training.flip), ("side", pictures.side), ("channels", pictures.channels)):
        if given and conversion.layout == "vector":
            raise Mistake(
                f"{flag} is for pictures", got=f"vectors of {conversion.shape[0]} numbers", allowed="(n, h, w)"
            )
    if training.patience and not held_out and not exact:
        raise Mistake("patience needs held-out images", got="none", remedy="--validation 0.1, or --patience 0")
    plain = Training()
    idle = [name for name in _OF_DESCENT if getattr(training, name) != getattr(plain, name)]
    if exact and idle:
        listen(Note(f"solved exactly, without {', '.join(idle)}; --method gradient trains step by step"))


def check_draws(recipe: Recipe, network: Network) -> None:
    """Refuse several draws of a code where more than the code tells the decoder of the image."""
    draws = getattr(recipe.latent, "draws", 1)
    told = {"hint": recipe.hint != "none", "skips": network.decoder.needs_skips, "marks": network.marks}
    for what, given in told.items():
        if draws > 1 and given:
            raise Mistake(
                f"several draws of a code are for networks without {what}", f"{draws}", "1", "--latent.draws 1"
            )


def warn_of_copying(recipe: Recipe, network: Network, conversion: Conversion, listen: Listener) -> None:
    """Warn where the code has as many numbers as the image and nothing keeps it from copying."""
    code, image = math.prod(network.latent.code), math.prod(conversion.shape)
    free = isinstance(recipe.latent, Plain) and not recipe.corruption
    if network.decoder.needs_skips and not recipe.corruption:
        listen(Note("skips let this network copy its input; give it a corruption to undo: --corruption noise", True))
    elif free and code >= image:
        remedies = "--latent sparse, --latent contractive, --corruption noise, or a smaller --latent.size"
        listen(Note(f"the code ({code} numbers) can copy the image ({image}) without learning; try {remedies}", True))


def with_crop(recipe: Recipe, pictures: Pictures, listen: Listener) -> Recipe:
    """The recipe with squares no larger than half of the sizes of pictures allow, and margins that these allow."""
    crop, usual = recipe.training.crop, pictures.usual
    if crop and not recipe.architecture.spatial:
        allowed = "unet, or conv with --architecture.map true"
        raise Mistake(f"{name_of(recipe.architecture)} cannot be trained on crops", allowed=allowed, remedy="--crop 0")
    if crop > usual > 0:
        listen(Note(f"squares of {usual} pixels are learned instead of {crop}: most pictures have no more"))
        recipe, crop = replace(recipe, "training.crop", usual), usual
    return replace(recipe, "training.margin", min(recipe.training.margin, crop // MARGINS))


def check_margin(recipe: Recipe) -> None:
    """Refuse squares that hang over edges for a network that is not told of them, and the other way round."""
    told, margin = recipe.hint == "inside", recipe.training.margin
    if margin and not told:
        remedy = "--hint inside, or --margin 0"
        raise Mistake("a margin is for networks that are told where the picture ends", f"{margin}", "0", remedy)
    if told and not (recipe.witnesses and (margin or not recipe.training.crop)):
        wrong = "the hint inside is for detectors that learn from squares with a margin, or from whole pictures"
        got, remedy = f"margin {margin}, {len(recipe.witnesses)} witnesses", "--margin 32, or --hint none"
        raise Mistake(wrong, got, remedy=remedy)


def check_view(recipe: Recipe) -> None:
    """Refuse what needs the image itself, where the network sees and makes something else."""
    if isinstance(recipe.view, Values):
        return
    for axis, given in (
        ("hint", recipe.hint != "none"),
        ("terms", any(term.needs == "images" for term in recipe.terms)),
    ):
        if given:
            got, remedy = f"view {name_of(recipe.view)}", f"--view values, or --{axis} none"
            raise Mistake(f"the option {axis} is for networks that see the image itself", got, "view values", remedy)
