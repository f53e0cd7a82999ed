"""`diabolo fit RECIPE SOURCE -o MODEL`."""

from __future__ import annotations

import glob
from argparse import SUPPRESS, ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from diabolo.cli.labels import add_categorical, add_labels, chosen_categorical, chosen_labels
from diabolo.cli.parser import add_recipes, chosen_options
from diabolo.cli.show import Show
from diabolo.errors import Diverged, Mistake

NAME = "fit"
HELP = "train a model on a folder, zip or array of pictures, a table, or a named set"
EXAMPLES = (
    "diabolo fit deep digits -o digits.diabolo --latent.size 8 --epochs 40",
    "diabolo fit conv PHOTOS/ -o photos.diabolo --preprocessing.side 64 --latent.size 128",
    "diabolo fit denoise PHOTOS/ -o denoise.diabolo --crop 64 --corruption noise,jpeg --corruption.noise.sigma 0,40",
    "diabolo fit detect GOOD/ -o good.diabolo --contamination auto",
    "diabolo fit generate PHOTOS/ -o photos.diabolo --labels-from-folders --preprocessing.side 64",
    "diabolo fit generate patients.csv -o patients.diabolo --labels outcome --categorical ward",
    "diabolo fit generate records.csv -o records.diabolo --categorical species",
    "diabolo fit compress PHOTOS/ -o mine.diabolo --half",
    "diabolo fit deep mnist -o sparse.diabolo --latent sparse --latent.size 256",
    "diabolo fit deep measurements.csv -o measurements.diabolo --latent.size 4 --impute",
    "torchrun --nproc-per-node 2 -m diabolo fit deep mnist -o digits.diabolo",
)
NEEDS_ARGUMENTS = True


def add(parser: ArgumentParser, arguments: list[str]) -> None:
    from diabolo.recipes import RECIPES

    rows = "\n".join(f"  {name:<16} {about}" for name, (_, about) in RECIPES.items())
    parser.description = f"{HELP}\n\nrecipes:\n{rows}"
    parser.add_argument("recipe", metavar="RECIPE", help="a named recipe, the first argument")
    kinds = "folder, zip, picture, .npy, .npz, .csv, idx(.gz), or a named set; several are joined"
    parser.add_argument("source", metavar="SOURCE", nargs="+", help=kinds)
    parser.add_argument(
        "--target", metavar="SOURCE", help="what each picture is to become, by the same name: clean, or noisy otherwise"
    )
    begin = "begin with the network and weights of this model; a starter's name will do"
    parser.add_argument("--start", metavar="MODEL", help=begin)
    parser.add_argument("--half", action="store_true", help="keep the weights in half precision: half the file")
    parser.add_argument(
        "--impute",
        dest="option:preprocessing.impute",
        nargs="?",
        const="true",
        default=SUPPRESS,
        metavar="true|false",
        help="missing values of a table become their column's mean",
    )
    add_labels(parser)
    add_categorical(parser)
    parser.add_argument("-o", "--out", required=True, metavar="MODEL", help="the model file to write, *.diabolo")
    parser.add_argument("--resume", action="store_true", help="go on from MODEL.checkpoint, if it is there")
    parser.add_argument(
        "--checkpoint-seconds", type=float, default=30, metavar="X", help="how often MODEL.checkpoint is written [30]"
    )
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps [auto]")
    first = next((word for word in arguments if word in RECIPES), arguments[0] if arguments else "")
    add_recipes(parser, "" if first.startswith("-") else first, arguments)


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo import artifact
    from diabolo.files import check_writable
    from diabolo.recipe import shaped_as, with_options
    from diabolo.sources import open_source
    from diabolo.starters import named_model
    from diabolo.tasks.models import recipe_for
    from diabolo.training import fit, leave

    out = Path(arguments.out)
    if out.suffix != ".diabolo":
        raise Mistake("not the name of a model", got=str(out), allowed="*.diabolo", remedy=f"-o {out.stem}.diabolo")
    check_writable(out)  # before the training, not after it
    source = _opened(arguments)
    target = open_source(arguments.target, strict=True) if arguments.target else None
    start = named_model(arguments.start) if arguments.start else None
    recipe = recipe_for(arguments.recipe, source, chosen_options(arguments))
    recipe = shaped_as(recipe, start.recipe) if start else recipe
    if target:  # what is wrong with the pictures is in them already
        recipe = with_options(recipe, {"corruption": "none", "hint": "none"})
    recipe = with_options(recipe, chosen_options(arguments))
    source = _labelled(source, recipe, arguments)
    keep = out.with_name(out.name + ".checkpoint")
    try:
        model = fit(
            source,
            recipe,
            target=target,
            start=start,
            device=arguments.device,
            keep=keep,
            resume=arguments.resume,
            listen=show.listen,
            every=arguments.checkpoint_seconds,
        )
    except Diverged as error:
        if not error.model:
            raise Diverged(f"{error}; there is no model, since no epoch ended well") from error
        if show.leading:
            artifact.save(error.model, out, arguments.half)
        what = "the network as it was learned is" if error.learned else "the weights of the best epoch are"
        raise Diverged(f"{error}; {what} in {out}") from error
    finally:
        leave()
    model.provenance["command"] = _command(arguments)
    interrupted = "interrupted" in model.provenance
    if show.leading:
        artifact.save(model, out, arguments.half)
        if not interrupted:
            for file in (keep, *out.parent.glob(f".{glob.escape(keep.name[:100])}.*.part")):  # half-written when killed
                file.unlink(missing_ok=True)
    show.say(f"{out}: {_summary(model)}")
    if interrupted:
        show.say(f"interrupted at {model.provenance['interrupted']}; the same command with --resume goes on")
    figures = {key: value for key, value in model.metrics.items() if key != "history"}
    return {"model": str(out), **figures, "interrupted": interrupted}


def _opened(arguments: Namespace) -> Any:
    """The source; a table with its text and its labels, where new rows are to be made from it."""
    from diabolo.recipes import named
    from diabolo.sources import is_mixed, open_rows, open_source

    categorical = chosen_categorical(arguments)
    if named(arguments.recipe).priors and is_mixed(arguments.source):
        label = chosen_labels(arguments)
        return open_rows(arguments.source, categorical, "" if label in (None, "folders", "none") else label)
    if categorical:
        remedy = "diabolo fit generate TABLE.csv"
        raise Mistake("categories are of use where rows of tables are made", arguments.categorical, remedy=remedy)
    return open_source(arguments.source, strict=arguments.strict)


def _labelled(source: Any, recipe: Any, arguments: Namespace) -> Any:
    """The source with its labels, where the recipe has a use for them."""
    from diabolo.sources import labelled

    labels = chosen_labels(arguments)
    if not recipe.priors:
        if labels:
            remedy = "diabolo fit generate, or --priors flow-matching"
            raise Mistake("labels are of use to priors alone", got=f"the recipe {arguments.recipe}", remedy=remedy)
        return source
    table = getattr(source, "encoding", None) or getattr(source, "modalities", None)
    if table is not None and not arguments.labels_from_folders:
        return source  # they are one of its columns
    return labelled(source, labels or "own", arguments.source)


def _command(arguments: Namespace) -> str:
    """What was typed, but for where the model goes."""
    words = ["diabolo fit", arguments.recipe, *arguments.source]
    words += [
        f"--{name} {value}"
        for name in ("target", "start", "labels", "categorical")
        if (value := getattr(arguments, name))
    ]
    words += ["--labels-from-folders"] if arguments.labels_from_folders else []
    for path, value in chosen_options(arguments).items():
        words.append(f"--{path.removeprefix('training.').replace('_', '-')} {value}")
    return " ".join(words)


def _percent(shares: float | list[float]) -> str:
    """A share, or those of several levels, in percent."""
    return " and ".join(f"{share:.1%}" for share in (shares if isinstance(shares, list) else [shares]))


def _summary(model: Any) -> str:
    if model.normal is not None:
        kept = len(model.normal.scores)
        left = f", {len(model.provenance['left_out'])} left out" if "left_out" in model.provenance else ""
        told = f"knows {model.provenance['images']} normal images{left}; {kept} more are kept for thresholds"
        return f"{told}: alpha from {1 / (kept + 1):.2g}, {model.metrics['seconds']:.1f} s"
    code, image = " x ".join(map(str, model.code)), " x ".join(map(str, model.conversion.shape))
    mse, where, seconds = model.metrics["mse"], model.metrics["measured_on"], model.metrics["seconds"]
    told = f"mean squared error {mse:.5f}"
    if "restored_mse" in model.metrics:
        before, after = model.metrics["corrupted_mse"], model.metrics["restored_mse"]
        told = f"corruption undone from mean squared error {before:.5f} to {after:.5f}"
    if "bits_per_pixel" in model.metrics:
        told += f" at {model.metrics['bits_per_pixel']:.3f} bits per pixel (quality {model.recipe.latent.quality})"
    if "codes_used" in model.metrics:
        told += f", {_percent(model.metrics['codes_used'])} of the code words used"
    new = "" if model.sampler is None else f"; new ones by {model.sampler.in_words()}"
    return f"{image} numbers to {code} and back, {told} on {where}{new}; {seconds:.1f} s"
