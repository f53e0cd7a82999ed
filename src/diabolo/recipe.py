"""Recipes: one choice on every axis, and how it is trained; a tree of plain data that describes a whole run."""

from __future__ import annotations

from typing import Any

from diabolo.architectures import ARCHITECTURES, Blocks, Conv, Flat, Unet
from diabolo.corruptions import (
    CORRUPTIONS,
    HINTS,
    Blur,
    Boxes,
    Downscale,
    Jpeg,
    MissingPixels,
    Noise,
    Strokes,
)
from diabolo.errors import unknown
from diabolo.latents import LATENTS, Coded, Contractive, Linear, Plain, Sparse, Variational
from diabolo.objectives import LIKELIHOODS, TERMS, Bernoulli, Gaussian
from diabolo.options import Family, option, part, replace
from diabolo.preprocessing import Preprocessing
from diabolo.witnesses import WITNESSES, Density, Neighbours, Residual


@part
class Auto:
    """The likelihood is chosen by the data: only two values -> Bernoulli, otherwise Gaussian."""


@part
class Training:
    """How the weights are learned."""

    epochs: int = option(20, "how many times every image is seen", at_least=1)
    batch_size: int = option(128, "images in one step, over all processes together", at_least=1)
    learning_rate: float = option(1e-3, "the highest learning rate", above=0, at_most=10)
    method: str = option(
        "auto", "auto: in closed form where one exists (linear), otherwise by gradient", choices=("auto", "gradient")
    )
    optimizer: str = option("adam", "how gradients become steps", choices=("adam", "adamw", "muon"))
    weight_decay: float = option(0.0, "decoupled in adamw and muon, an L2 gradient in adam", at_least=0)
    schedule: str = option("one-cycle", "the learning rate over the run", choices=("one-cycle", "cosine", "constant"))
    warmup: float = option(0.1, "share of the run in which the learning rate rises", at_least=0, below=1)
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
    cuts: int = option(1, "how many times every image is seen in one epoch, each time cut elsewhere", at_least=1)
    flip: bool = option(False, "mirror half of the pictures left to right at random")
    turn: bool = option(False, "turn square pictures, or the squares cut from them, by random quarter turns")
    precision: str = option("auto", "auto: bfloat16 on GPUs that have it", choices=("auto", "float32", "bfloat16"))
    channels_last: bool = option(True, "keep pictures' channels innermost in memory: faster convolutions")
    shard: bool = option(False, "with several processes: split weights and optimiser over them (FSDP)")
    memory: int = option(2048, "images are kept in memory when they fit this, else streamed", unit="MiB", at_least=1)
    workers: int = option(2, "processes that decode pictures when they are streamed", at_least=0)
    seed: int = option(0, "the run's seed: same seed, same machine, same weights", at_least=0, below=2**31)


LIKELIHOOD_CHOICES = Family("likelihood", Auto, *LIKELIHOODS.parts.values())


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
    witnesses: Any = option((), "what tells normal images from others", family=WITNESSES, many=True)
    preprocessing: Any = option(
        Preprocessing(), "what is done to pictures first", family=Family("preprocessing", Preprocessing)
    )
    training: Any = option(Training(), "how the weights are learned", family=Family("training", Training))


# Small squares of large pictures, and an optimiser that learned the same from half of the steps that Adam took.
_RESTORING = Training(
    epochs=60, batch_size=8, optimizer="muon", learning_rate=4e-3, crop=64, flip=True, validation=0.05
)
_COMPRESSING = Training(
    epochs=60, batch_size=8, optimizer="muon", learning_rate=4e-3, crop=128, flip=True, turn=True, validation=0.05
)
_DEEP = Flat(depth=3, width=1024, activation="silu", decoder_activation="silu")

RECIPES: dict[str, tuple[Recipe, str]] = {
    "linear": (
        Recipe(Flat(depth=0), Linear(), Gaussian()),
        "principal component analysis, exactly, in one pass over the data",
    ),
    "linear-gradient": (
        Recipe(Flat(depth=0), Linear(), Gaussian(), training=Training(method="gradient", learning_rate=1e-2)),
        "the same linear autoencoder trained by gradient descent: watch it approach PCA",
    ),
    "shallow": (
        Recipe(Flat(depth=0), Plain(activation="sigmoid"), training=Training(learning_rate=1e-2)),
        "one hidden layer: x = f(W' g(W x + b) + b'), with a sigmoid g",
    ),
    "deep": (
        Recipe(
            Flat(2, 512, activation="silu", decoder_activation="silu"), Plain(), training=Training(learning_rate=3e-3)
        ),
        "fully connected layers around a narrow code",
    ),
    "conv": (
        Recipe(Conv(), Plain(), training=Training(learning_rate=4e-3)),
        "residual convolutions around a code of fixed length, for pictures of one size",
    ),
    "denoise": (
        Recipe(Unet(), Plain(), corruption=(Noise(sigma=(0.0, 60.0)),), hint="noise-level", training=_RESTORING),
        "a denoising autoencoder with skips, for pictures of any size: `diabolo denoise`",
    ),
    "inpaint": (
        Recipe(
            Unet(),
            Plain(),
            corruption=(
                MissingPixels(share=(0.05, 0.9), fill=128.0, chance=0.4),
                Strokes(count=(1, 12), width=(1.0, 6.0), fill=128.0, chance=0.5),
                Boxes(count=(1, 2), side=(0.1, 0.5), fill=128.0, chance=0.4),
            ),
            hint="missing",
            training=_RESTORING,
        ),
        "fills holes; the encoder is told where they are: `diabolo inpaint`",
    ),
    "deblock": (
        Recipe(Unet(), Plain(), corruption=(Jpeg(quality=(5, 95)),), training=_RESTORING),
        "takes the blocks and rings of JPEG files away: `diabolo deblock`",
    ),
    "deblur": (
        Recipe(Unet(), Plain(), corruption=(Blur(sigma=(0.3, 3.0)), Noise(sigma=(0.0, 3.0))), training=_RESTORING),
        "sharpens pictures out of focus: `diabolo deblur`",
    ),
    "enlarge": (
        Recipe(Unet(), Plain(), corruption=(Downscale(factor=(2,)),), training=_RESTORING),
        "adds what enlarging by interpolation leaves out: `diabolo enlarge`",
    ),
    "compress": (
        Recipe(Blocks(), Coded(), Gaussian(), training=_COMPRESSING),
        "a codec of any quality, for pictures of any size: `diabolo compress`",
    ),
    "detect": (
        Recipe(
            Conv(width=32, levels=2),
            Plain(16),
            Gaussian(),
            corruption=(Noise(sigma=(0.0, 60.0)),),
            witnesses=(Residual(), Density(), Neighbours()),
            training=Training(learning_rate=3e-3, validation=0.1, calibration=0.2),
        ),
        "learns what normal pictures are like and tells which are not: `diabolo detect`",
    ),
    "detect-table": (
        Recipe(
            Flat(2, 128, activation="silu", decoder_activation="silu"),
            Plain(8),
            Gaussian(),
            corruption=(Noise(sigma=(0.0, 50.0)),),
            witnesses=(Residual(), Density(), Neighbours(of="image")),
            preprocessing=Preprocessing(scaling="columns"),
            training=Training(learning_rate=3e-3, validation=0.1, calibration=0.2),
        ),
        "the same for tables and vectors, which `detect` takes by itself where it is given some",
    ),
    "sparse": (
        Recipe(Flat(depth=0), Sparse(size=256), training=Training(learning_rate=1e-2)),
        "an overcomplete code of which few numbers are active",
    ),
    "contractive": (
        Recipe(Flat(depth=0), Contractive(size=256), training=Training(learning_rate=1e-2)),
        "an overcomplete code that changes little when the image does",
    ),
    "variational": (
        Recipe(_DEEP, Variational(), Gaussian(scale="optimal"), training=Training(learning_rate=1e-3)),
        "a variational autoencoder with a learned output scale (sigma-VAE)",
    ),
    "binary": (
        Recipe(_DEEP, Plain(), Bernoulli(), training=Training(learning_rate=2e-3)),
        "cross-entropy and a sigmoid output, for values in 0..1",
    ),
}


def named(name: str) -> Recipe:
    """The recipe of a name in `RECIPES`; a `Mistake` that lists them for any other name."""
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name][0]


def suited(name: str, vectors: bool) -> str:
    """The recipe's name, or that of its counterpart for tables where the data are vectors and it has one."""
    table = f"{name}-table"
    return table if vectors and table in RECIPES else name


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
