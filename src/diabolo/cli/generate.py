"""`diabolo generate -m MODEL -n N -o OUT`."""

from __future__ import annotations

import re
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
    "diabolo generate -m records.diabolo -n 20 --given species=owl,weight=1.2 -o OWLS/",
    "diabolo generate -m records.diabolo --from partial.csv -o whole.csv",
)


def add(parser: ArgumentParser) -> None:
    model = "of diabolo fit generate, or any variational model"
    parser.add_argument("-m", "--model", required=True, metavar="MODEL", help=model)
    parser.add_argument("-n", "--count", type=int, metavar="N", help="how many pictures [16]")
    out = "a new folder of PNG pictures, with a folder for each class; OUT.npy: images; OUT.npz: images and labels; "
    out += "of a table: OUT.csv; of records OUT.csv with pictures in OUT/, or OUT/ with both"
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=out)
    label = (
        "the class, attributes as NAME=VALUE,NAME=VALUE, or tags as TAG,TAG [all, as often as in what was learned from]"
    )
    parser.add_argument("--label", metavar="VALUE", help=label)
    given = "of records, what they have: NAME=VALUE,NAME=VALUE; a picture by its path; may be said again"
    parser.add_argument("--given", action="append", default=[], metavar="NAME=VALUE", help=given)
    partial = "a table of records that lack cells or pictures, which are drawn to fit the others"
    parser.add_argument("--from", dest="start", default="", metavar="PARTIAL.csv", help=partial)
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
    if arguments.given or arguments.start or (generator._model.modalities and not arguments.out.endswith(".npy")):
        return _records(arguments, generator._model, show)
    arguments.count = 16 if arguments.count is None else arguments.count
    label = wanted(arguments.label, generator.labels_)
    how = {"balanced": arguments.balanced, "guidance": arguments.guidance, "seed": arguments.seed}
    count, out = arguments.count, arguments.out
    generate_place(generator, count, out, label, listen=show.listen, **how)
    things = "pictures" if generator._model.encoding is None else "rows"
    show.say(f"{out}: {count} new {things}{f' of {arguments.label}' if arguments.label else ''}")
    return {"out": out, "images": count, "label": arguments.label, "seed": arguments.seed}


def _records(arguments: Namespace, model: Any, show: Show) -> dict[str, Any]:
    """Whole records: new ones, or those of a table with what they lack."""
    from diabolo.tasks.generate.record_files import generate_records

    for flag, typed in (("--label", arguments.label), ("--balanced", arguments.balanced)):
        if typed:
            raise Mistake("records have no labels, but columns", flag, remedy="--given NAME=VALUE")
    if arguments.start and (arguments.given or arguments.count is not None):
        raise Mistake("a table says itself how many records there are, and of what", "--from with --given or -n")
    count = 16 if arguments.count is None else arguments.count
    how = {"guidance": arguments.guidance, "seed": arguments.seed, "start": arguments.start}
    made = generate_records(model, count, arguments.out, pairs(arguments.given), listen=show.listen, **how)
    show.say(f"{arguments.out}: {made} {'completed' if arguments.start else 'new'} records")
    return {"out": arguments.out, "records": made, "given": pairs(arguments.given), "seed": arguments.seed}


def pairs(given: list[str]) -> dict[str, str]:
    """What is typed after `--given`: a comma ends a value only where another NAME= follows.

    >>> pairs(["digit=3,caption=a thin, long three", "width=2.5"])
    {'digit': '3', 'caption': 'a thin, long three', 'width': '2.5'}
    """
    found = [piece.partition("=") for text in given for piece in re.split(",(?=[^,=]+=)", text)]
    for name, sign, value in found:
        if not sign or not name.strip() or not value.strip():
            raise Mistake("--given is not a list of pairs", got=name + sign + value, allowed="NAME=VALUE,NAME=VALUE")
    return {name.strip(): value.strip() for name, _, value in found}


def wanted(text: str | None, known: dict[str, tuple[str, ...]]) -> Any:
    """What is typed after `--label`: a value of the only attribute, or pairs of attributes and values, "=yes" left out.

    >>> wanted("dark,kind=owl", {"dark": ("no", "yes"), "kind": ("hawk", "owl")})
    {'dark': 'yes', 'kind': 'owl'}
    """
    from diabolo.sampler import tags_of

    if text is None or (len(known) == 1 and ("=" not in text or text in next(iter(known.values())))):
        return text
    tags, pieces = tags_of(known), [piece.strip() for piece in text.split(",")]
    if "=" not in text:
        return pieces if known else text
    pairs = [[piece, "yes"] if piece in tags else piece.split("=", 1) for piece in pieces]
    if any(len(pair) != 2 for pair in pairs):
        raise Mistake("--label is not a list of pairs", got=text, allowed="NAME=VALUE,NAME=VALUE")
    return {name.strip(): value.strip() for name, value in pairs}
