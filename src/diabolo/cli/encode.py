"""`diabolo encode IN -m MODEL -o CODES`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.reconstruct import add_places, reconstructor
from diabolo.cli.show import Show

NAME = "encode"
HELP = "turn pictures into codes"
EXAMPLES = (
    "diabolo encode PHOTOS/ -m photos.diabolo -o codes.npz",
    "diabolo encode images.npy -m digits.diabolo -o codes.npy",
)


def add(parser: ArgumentParser) -> None:
    add_places(
        parser, "a picture, a folder of pictures, an array file or a named set", ".npz (codes and names) or .npy"
    )


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    count = reconstructor(arguments, show).encode_place(arguments.place, arguments.out, arguments.strict)
    show.say(f"{arguments.out}: {count} encoded")
    return {"out": arguments.out, "images": count}
