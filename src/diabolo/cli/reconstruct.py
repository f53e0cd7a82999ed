"""`diabolo reconstruct IN -m MODEL -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.show import Show

NAME = "reconstruct"
HELP = "send pictures through a model's code and back"
EXAMPLES = (
    "diabolo reconstruct photo.png -m photos.diabolo -o seen.png",
    "diabolo reconstruct PHOTOS/ -m photos.diabolo -o SEEN/",
    "diabolo reconstruct images.npy -m digits.diabolo -o seen.npy",
)


def add(parser: ArgumentParser) -> None:
    add_places(parser, "a picture, a folder of pictures, an array file or a named set", "a place of the same kind")


def add_places(parser: ArgumentParser, place: str, out: str) -> None:
    """The arguments of every verb that takes IN, a model and OUT."""
    parser.add_argument("place", metavar="IN", help=place)
    parser.add_argument("-m", "--model", required=True, metavar="MODEL", help="a trained model, *.diabolo")
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=out)
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def reconstructor(arguments: Namespace, show: Show) -> Any:
    """The task with the model that was named."""
    from diabolo import artifact
    from diabolo.tasks.reconstruct import Reconstructor
    from diabolo.training import find_device

    return Reconstructor(artifact.load(arguments.model, device=find_device(arguments.device)), show.listen)


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    count = reconstructor(arguments, show).reconstruct_place(arguments.place, arguments.out, arguments.strict)
    show.say(f"{arguments.out}: {count} reconstructed")
    return {"out": arguments.out, "images": count}
