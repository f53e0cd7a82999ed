"""`diabolo generate -m MODEL -n N -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import device
from diabolo.cli.show import Show
from diabolo.errors import Mistake

NAME = "generate"
HELP = "make new pictures, or rows of a table, like those a model learned from, of any class it knows"
EXAMPLES = (
    "diabolo generate -m digits.diabolo -n 1000 -o NEW/",
    "diabolo generate -m digits.diabolo -n 100 --label 3 -o THREES/ --seed 7",
    "diabolo generate -m faces.diabolo -n 20 --label glasses=yes,hair=dark --guidance 1.5 -o NEW/",
    "diabolo generate -m digits.diabolo -n 60000 --balanced -o synthetic.npz",
    "diabolo generate -m patients.diabolo -n 5000 -o new.csv",
)


def add(parser: ArgumentParser) -> None:
    model = "of diabolo fit generate, or any variational model"
    parser.add_argument("-m", "--model", required=True, metavar="MODEL", help=model)
    parser.add_argument("-n", "--count", type=int, default=16, metavar="N", help="how many pictures [16]")
    out = "a new folder of PNG pictures, with a folder for each class; OUT.npy: images; OUT.npz: images and labels; "
    out += "of a table: OUT.csv"
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=out)
    label = "the class, or attributes as NAME=VALUE,NAME=VALUE [all, as often as in what was learned from]"
    parser.add_argument("--label", metavar="VALUE", help=label)
    add_drawing(parser)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def add_drawing(parser: ArgumentParser) -> None:
    """How new pictures are drawn."""
    parser.add_argument("--balanced", action="store_true", help="every class equally often")
    guidance = "above 1: more typical of the class, less varied; 1: as learned [the model's own]"
    parser.add_argument("--guidance", type=float, metavar="X", help=guidance)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed gives the same pictures [0]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.generate import Generator
    from diabolo.tasks.generate.files import generate_place

    generator = Generator(arguments.model, device=device(arguments))
    label = wanted(arguments.label, generator.labels_)
    how = {"balanced": arguments.balanced, "guidance": arguments.guidance, "seed": arguments.seed}
    count, out = arguments.count, arguments.out
    generate_place(generator, count, out, label, listen=show.listen, **how)
    things = "pictures" if generator._model.encoding is None else "rows"
    show.say(f"{out}: {count} new {things}{f' of {arguments.label}' if arguments.label else ''}")
    return {"out": out, "images": count, "label": arguments.label, "seed": arguments.seed}


def wanted(text: str | None, known: dict[str, tuple[str, ...]]) -> Any:
    """What is typed after `--label`: a value of the only attribute, or pairs of attributes and values."""
    if text is None or "=" not in text or (len(known) == 1 and text in next(iter(known.values()))):
        return text
    pairs = [pair.split("=", 1) for pair in text.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise Mistake("--label is not a list of pairs", got=text, allowed="NAME=VALUE,NAME=VALUE")
    return {name.strip(): value.strip() for name, value in pairs}
