"""Recipes: one choice on every axis, and how it is trained; a tree of plain data that describes a whole run."""

from __future__ import annotations

from typing import Any

from diabolo.architectures import ARCHITECTURES, Flat
from diabolo.corruptions import (
    CORRUPTIONS,
    HINTS,
)
from diabolo.errors import unknown
from diabolo.latents import LATENTS, Plain
from diabolo.objectives import LIKELIHOODS, TERMS
from diabolo.options import Family, option, part, replace
from diabolo.preprocessing import Preprocessing
from diabolo.priors import PRIORS
from diabolo.views import VIEWS, Values
from diabolo.witnesses import WITNESSES


@part
class Auto:
    """Chosen when the training knows the data.

    The likelihood: Bernoulli for data of two values, otherwise Gaussian. Priors: of all that the codes can have the one
    whose samples are nearest to held-out images.
    """


@part
class Training:
    """How the weights are learned."""

    epochs: int = option(20, "how many times every image is seen", at_least=1)
    steps: int = option(0, "steps in all, in as many epochs as these take; 0 = as many as the epochs have", at_least=0)
    batch_size: int = option(128, "images in one step, over all processes together", at_least=1)
    learning_rate: float = option(1e-3, "the highest learning rate", above=0, at_most=10)
    method: str = option(
        "auto", "auto: in closed form where one exists (linear), otherwise by gradient", choices=("auto", "gradient")
    )
    optimizer: str = option("adam", "how gradients become steps", choices=("adam", "adamw", "muon"))
    weight_decay: float = option(0.0, "decoupled in adamw and muon, an L2 gradient in adam", at_least=0)
    schedule: str = option("one-cycle", "the learning rate over the run", choices=("one-cycle", "cosine", "constant"))
    warmup: float = option(0.1, "share of the run in which the learning rate rises", at_least=0, below=1)
    beta_warmup: float = option(
        0.0, "share of the run in which the weight of the code's penalty rises from 0", at_least=0, at_most=1
    )
    clip: float = option(1.0, "greatest norm of the gradient of the loss in nats per value; 0 = no limit", at_least=0)
    ema: float = option(
        0.0, "decay of a moving average of the weights, which is then used; 0 = off", at_least=0, below=1
    )
    validation: float = option(0.1, "share of the images held out to choose the best epoch", at_least=0, at_most=0.9)
    calibration: float = option(
        0.0, "share of the images kept aside, from which only thresholds are learned", at_least=0, at_most=0.9
    )
    contamination: str = option("none", "images that are not normal and are left out: none, auto, or a share as 0.05")
    patience: int = option(0, "stop after so many epochs without improvement; 0 = never", unit="epochs", at_least=0)
    crop: int = option(
        0,
        "side of the random square cut from each picture, or the shortest picture's; 0 = whole pictures",
        unit="pixels",
        at_least=0,
    )
    margin: int = option(
        0,
        "how far squares may hang over a picture's edges, a quarter of their side at most; with --hint inside",
        unit="pixels",
        at_least=0,
    )
    cuts: int = option(1, "how many times every image is seen in one epoch, each time cut elsewhere", at_least=1)
    flip: bool = option(False, "mirror half of the pictures left to right at random")
    turn: bool = option(False, "turn square pictures, or the squares cut from them, by random quarter turns")
    precision: str = option(
        "auto",
        "float32, or bfloat16 where the device computes in it; auto: on GPUs",
        choices=("auto", "float32", "bfloat16"),
    )
    channels_last: bool = option(True, "keep pictures' channels innermost in memory: faster convolutions")
    shard: bool = option(False, "with several processes: split weights and optimiser over them (FSDP)")
    memory: int = option(2048, "images are kept in memory when they fit this, else streamed", unit="MiB", at_least=1)
    workers: int = option(2, "processes that decode pictures when they are streamed", at_least=0)
    seed: int = option(0, "the run's seed: same seed, same machine, same weights", at_least=0, below=2**31)


LIKELIHOOD_CHOICES = Family("likelihood", Auto, *LIKELIHOODS.parts.values())
PRIOR_CHOICES = Family("prior", Auto, *PRIORS.parts.values())


@part
class Recipe:
    """A choice on every axis.

    Training minimises, in nats per image, `distortion(image, output) + beta * penalty(code)`.
    """

    architecture: Any = option(Flat(), "the encoder and decoder networks", family=ARCHITECTURES)
    latent: Any = option(Plain(), "how features become a code, and what the code costs", family=LATENTS)
    likelihood: Any = option(Auto(), "the decoder's output distribution, and so the loss", family=LIKELIHOOD_CHOICES)
    corruption: Any = option((), "what is done to an image before the encoder sees it", family=CORRUPTIONS, many=True)
    hint: str = option("none", "what the encoder is told beside the corrupted image", choices=HINTS)
    beta: float = option(1.0, "weight of the code's penalty", at_least=0)
    terms: Any = option((), "what else is minimised", family=TERMS, many=True)
    view: Any = option(Values(), "what of an image the network sees and learns to reproduce", family=VIEWS)
    witnesses: Any = option((), "what tells normal images from others", family=WITNESSES, many=True)
    priors: Any = option(
        (), "what new codes are drawn from; of several the best is kept", family=PRIOR_CHOICES, many=True
    )
    preprocessing: Any = option(
        Preprocessing(), "what is done to pictures first", family=Family("preprocessing", Preprocessing)
    )
    training: Any = option(Training(), "how the weights are learned", family=Family("training", Training))


def with_options(recipe: Recipe, options: dict[str, Any]) -> Recipe:
    """The recipe with options changed: {"latent": "sparse", "latent.size": 64, "epochs": 5}.

    Training's options may be named without their prefix. Whole parts are changed before their options.
    """
    short = {name: f"training.{name}" for name in Training.__dataclass_fields__}
    heads = (*Recipe.__dataclass_fields__, *short)
    for path in options:
        if path.partition(".")[0] not in heads:
            raise unknown("option of recipe", path, heads)
    for path in sorted(options, key=lambda p: p.count(".")):
        recipe = replace(recipe, short.get(path, path), options[path])
    return recipe


def shaped_as(recipe: Recipe, other: Recipe) -> Recipe:
    """The recipe with another one's network: its architecture, latent and hint, so that weights can be taken over."""
    for axis in ("architecture", "latent", "hint"):
        recipe = replace(recipe, axis, getattr(other, axis))
    return recipe
