"""`diabolo synthesize DATASET -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.generate import add_drawing
from diabolo.cli.labels import add_categorical, add_labels, chosen_categorical, chosen_labels
from diabolo.cli.parser import add_recipes, chosen_options
from diabolo.cli.restoring import device
from diabolo.cli.show import Show

NAME = "synthesize"
HELP = "turn a labelled set, or a table, into a synthetic one of the same layout: train, then generate"
EXAMPLES = (
    "diabolo synthesize SCANS/ -o SYNTHETIC/",
    "diabolo synthesize mnist -o synthetic.npz --keep mnist.diabolo",
    "diabolo synthesize SCANS/ -o SYNTHETIC/ -n 5000 --balanced --preprocessing.side 64",
    "diabolo synthesize patients.csv -o synthetic.csv --labels outcome",
)
NEEDS_ARGUMENTS = True


def add(parser: ArgumentParser, arguments: list[str]) -> None:
    dataset = "a folder with a folder for each class, .npz, a named set, or a table (.csv, .tsv)"
    parser.add_argument("dataset", metavar="DATASET", help=dataset)
    out = "a new folder with a folder for each class, or with a table where one told the labels; "
    out += "OUT.npz with the arrays images and labels; "
    out += "of a table OUT.csv; of records OUT.csv with pictures in OUT/, or OUT/ with both"
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=out)
    parser.add_argument("-n", "--count", type=int, metavar="N", help="how many pictures [as many as there are]")
    add_labels(parser)
    add_categorical(parser)
    add_drawing(parser)
    parser.add_argument("--keep", default="", metavar="MODEL", help="write the trained model, too: *.diabolo")
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")
    add_recipes(parser, "generate", arguments, without=("training.seed",))


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.generate.synthesize import synthesize

    result = synthesize(
        arguments.dataset,
        arguments.out,
        labels=chosen_labels(arguments),
        categorical=chosen_categorical(arguments),
        count=arguments.count,
        balanced=arguments.balanced,
        guidance=arguments.guidance,
        seed=arguments.seed,
        options={**chosen_options(arguments), "training.seed": arguments.seed},
        keep=arguments.keep,
        strict=arguments.strict,
        device=device(arguments),
        listen=show.listen,
    )
    kinds = ", ".join(
        f"{name} has {len(values)} value{'s' * (len(values) > 1)}" for name, values in result["labels"].items()
    )
    things = next(name for name in ("records", "rows", "images") if name in result)
    told = f"{result[things]} new {'pictures' if things == 'images' else things}"
    show.say(f"{arguments.out}: {told}{f'; {kinds}' if kinds else ''}")
    return result
