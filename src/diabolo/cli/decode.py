"""`diabolo decode CODES -m MODEL -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.reconstruct import add_places, reconstructor
from diabolo.cli.show import Show

NAME = "decode"
HELP = "turn codes back into pictures"
EXAMPLES = (
    "diabolo decode codes.npz -m photos.diabolo -o PICTURES/",
    "diabolo decode codes.npy -m digits.diabolo -o images.npy",
)


def add(parser: ArgumentParser) -> None:
    add_places(parser, "codes: .npy, or .npz as encode writes it", "a folder of PNG pictures, or .npy")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    count = reconstructor(arguments, show).decode_place(arguments.place, arguments.out)
    show.say(f"{arguments.out}: {count} decoded")
    return {"out": arguments.out, "images": count}
