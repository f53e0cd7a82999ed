"""`diabolo info MODEL`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.show import Show

NAME = "info"
HELP = "say what a model is: its recipe, its figures, where it came from"
EXAMPLES = ("diabolo info digits.diabolo", "diabolo info digits.diabolo --json", "diabolo info denoise-gray")


def add(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a trained model, *.diabolo, or the name of a starter")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    if arguments.model.lower().endswith(".dbl"):
        return _compressed(arguments.model, show)
    from diabolo.options import to_plain, walk
    from diabolo.starters import named_model

    model = named_model(arguments.model)
    show.say(f"{arguments.model}")
    show.say(f"  digest     {model.digest}")
    show.say(f"  takes      {model.conversion.describe()} {model.conversion.dtype}")
    show.say(f"  code       {' x '.join(map(str, model.code))}")
    if model.sampler is not None:
        show.say(f"  draws by   {model.sampler.in_words()}")
        for attribute in model.sampler.attributes:
            show.say(f"  {attribute.name:<10} {', '.join(attribute.values)}")
    if model.modalities is not None:
        show.say(f"  records    {', '.join(model.modalities.names)}; pictures in {model.modalities.picture.name}")
    for path, _, known, value in walk(model.recipe):
        if not path.startswith(("training", "preprocessing")) and not known.family:
            show.say(f"  {path:<28} {value}")
        elif known.family and not path.startswith(("training", "preprocessing")):
            members = value if known.many else (value,)
            show.say(f"  {path:<10} {', '.join(type(member).__name__ for member in members) or 'none'}")
    for key, value in {**model.metrics, **model.provenance}.items():
        if key != "history":
            show.say(f"  {key:<28} {value}")
    return {
        "model": arguments.model,
        "digest": model.digest,
        "takes": model.conversion.describe(),
        "code": list(model.code),
        "recipe": to_plain(model.recipe),
        "metrics": model.metrics,
        "provenance": model.provenance,
    }


def _compressed(place: str, show: Show) -> dict[str, Any]:
    """What a compressed file says of itself."""
    from diabolo.files import reading
    from diabolo.tasks.compress.container import unpack

    with reading(place) as source:
        data = source.read_bytes()
    header, chunks, alpha = unpack(data)
    told: dict[str, Any] = {
        "bytes": len(data),
        "pictures": header.count,
        "size": " x ".join(map(str, header.upright[::-1])),
        "quality": header.quality,
        "kind": f"{'grey' if header.grey else 'colour'}, {16 if header.deep else 8} bits",
        "transparency": alpha is not None,
        "chunks": len(chunks),
        "model": header.model,
        "digest": header.digest.hex(),
    }
    show.say(place)
    for key, value in told.items():
        show.say(f"  {key:<28} {value}")
    return {"file": place, **told}
