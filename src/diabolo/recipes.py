"""The named recipes: what `diabolo fit NAME` trains."""

from __future__ import annotations

from collections.abc import Iterable

from diabolo.architectures import Blocks, Conv, Flat, Unet
from diabolo.corruptions import Blur, Boxes, Downscale, Flaws, Jpeg, MissingPixels, Noise, Strokes, Swap, Warp
from diabolo.errors import unknown
from diabolo.latents import Coded, Contractive, Linear, Plain, Quantised, Sparse, Variational
from diabolo.objectives import Bernoulli, Gaussian, Marking, Telling
from diabolo.preprocessing import Preprocessing
from diabolo.priors import FlowMatching, MaskedFlowMatching, Mixture
from diabolo.recipe import Recipe, Training
from diabolo.views import Gradients
from diabolo.witnesses import Marks, Neighbours, Residual

# Small squares of large pictures, and an optimiser that learned the same from half of the steps that Adam took.
_RESTORING = Training(
    epochs=60, batch_size=8, optimizer="muon", learning_rate=4e-3, crop=64, flip=True, validation=0.05
)
_COMPRESSING = Training(
    epochs=60, batch_size=8, optimizer="muon", learning_rate=4e-3, crop=128, flip=True, turn=True, validation=0.05
)
_DETECTING = Training(
    steps=1500,
    batch_size=16,
    optimizer="muon",
    learning_rate=4e-3,
    precision="bfloat16",
    crop=256,
    margin=32,
    flip=True,
    validation=0.05,
    calibration=0.2,
)
_GENERATING = Training(
    steps=1200, batch_size=256, optimizer="muon", learning_rate=4e-3, precision="bfloat16", validation=0.02
)
SMALL = 64  # pixels; pictures with no longer side are looked at as wholes where all have one size
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
            Unet(widths=(32, 64, 96, 128), reduce=4, standardise=True),
            Plain(64),
            Gaussian(),
            corruption=(Flaws(),),
            hint="inside",
            terms=(Marking(),),
            witnesses=(Marks(),),
            training=_DETECTING,
        ),
        "finds flaws in pictures, learned from good ones alone: `diabolo detect`",
    ),
    "detect-small": (
        Recipe(
            Flat(2, 128, activation="leaky-relu", decoder_activation="leaky-relu"),
            Plain(16),
            Gaussian(),
            view=Gradients(),
            corruption=(Warp(chance=0.3), Flaws(chance=0.3, twice=0.0), Noise(sigma=(3.0,))),
            terms=(Marking(),),
            witnesses=(
                Neighbours(of="image", kept=8000, nearest=1, white=False),
                Neighbours(kept=8000, nearest=1),
                Residual(),
            ),
            training=Training(
                steps=150,
                learning_rate=3e-3,
                optimizer="adamw",
                weight_decay=1e-3,
                validation=0.05,
                calibration=0.1,
            ),
        ),
        f"the same for pictures of one size up to {SMALL} pixels a side, which `detect` takes by itself",
    ),
    "detect-table": (
        Recipe(
            Flat(2, 64, activation="leaky-relu", decoder_activation="leaky-relu"),
            Plain(8),
            Gaussian(),
            corruption=(Swap(), Noise(sigma=(13.0,))),
            witnesses=(Neighbours(of="image", nearest=1, white=False), Neighbours(nearest=1), Residual()),
            preprocessing=Preprocessing(scaling="columns"),
            training=Training(
                steps=120,
                learning_rate=3e-3,
                optimizer="adamw",
                weight_decay=1e-3,
                validation=0.1,
                calibration=0.2,
            ),
        ),
        "the same for tables and vectors, which `detect` takes by itself",
    ),
    "generate": (
        Recipe(
            Conv(width=32, levels=4, activation="silu"),
            Variational(128),
            Gaussian(),
            beta=0.02,
            priors=(FlowMatching(),),
            training=_GENERATING,
        ),
        "new pictures like those it learned from, of any class: `diabolo generate`",
    ),
    "generate-small": (
        Recipe(
            Conv(width=16, activation="silu"),
            Variational(48),
            Bernoulli(),  # keeps empty places empty, where squared errors leave a haze that tells pictures apart
            beta=0.1,
            priors=(FlowMatching(steps=18000, learning_rate=1e-3),),
            training=_GENERATING,
        ),
        f"the same for pictures of one size up to {SMALL} pixels a side, which `generate` takes by itself",
    ),
    "generate-table": (
        Recipe(
            Flat(2, 128, activation="silu", decoder_activation="silu"),
            Variational(16),
            Gaussian(),
            beta=0.02,
            priors=(FlowMatching(256, 3),),
            preprocessing=Preprocessing(scaling="columns"),
            training=Training(steps=3000, learning_rate=3e-3),
        ),
        "the same for vectors, which `generate` takes by itself",
    ),
    "generate-mixed": (
        Recipe(
            Flat(depth=0),
            Linear(),  # of all directions: rows are short, and nothing of them is lost
            Gaussian(),
            priors=(Mixture(components=20, fewest=50, borrowed=10),),
            preprocessing=Preprocessing(scaling="columns"),
        ),
        "the same for tables of numbers and categories, which `generate` takes by itself",
    ),
    "generate-records": (
        Recipe(
            Conv(width=16, activation="silu"),
            Variational(64),
            Bernoulli(),
            beta=0.02,  # more of the picture in its code, so that its strokes can be told from it
            terms=(Telling(),),
            priors=(MaskedFlowMatching(384, 4, guidance=3.0, steps=18000, learning_rate=1e-3),),
            training=_GENERATING,
        ),
        "the same for pictures with what a table says of each, any of it from any, which `generate` takes by itself",
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
        Recipe(
            _DEEP,
            Variational(),
            Gaussian(scale="optimal"),
            training=Training(learning_rate=1e-3, beta_warmup=0.25),  # where the scale starts wide, the code is dear
        ),
        "a variational autoencoder with a learned output scale (sigma-VAE)",
    ),
    "quantised": (
        Recipe(Conv(width=16, map=True), Quantised(), training=Training(learning_rate=4e-3)),
        "a map of code words, each one of 1000 (FSQ), for pictures of any size",
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


def suited(name: str, shapes: Iterable[tuple[int, ...]], rows: str = "") -> str:
    """The recipe's name, or that of its counterpart for what images of these shapes are, where it has one.

    "-table" for vectors (d,), "-small" for pictures (h, w, ...) of one small size; where images are or stand in the
    rows of a table, `rows` says of what: "mixed", numbers and categories, or "records" with pictures.
    """
    if rows and f"{name}-{rows}" in RECIPES:
        return f"{name}-{rows}"
    sizes = {shape[:2] if len(shape) > 1 else () for shape in shapes}
    kind = "table" if sizes == {()} else "small" if len(sizes) == 1 and max(*sizes.copy().pop()) <= SMALL else ""
    return f"{name}-{kind}" if f"{name}-{kind}" in RECIPES else name
