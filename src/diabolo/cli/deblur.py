"""`diabolo deblur IN -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import add_restoring, device, restore_blindly, run_restoring
from diabolo.cli.show import Show

NAME = "deblur"
HELP = "sharpen pictures that are out of focus"
EXAMPLES = (
    "diabolo deblur photo.jpg -o sharp.jpg -m deblur.diabolo",
    "diabolo deblur PHOTOS/ -o SHARP/ -m deblur.diabolo",
)


def add(parser: ArgumentParser) -> None:
    add_restoring(parser, "deblur", starter=False)


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.restore import Deblurrer

    task = Deblurrer(arguments.model, device=device(arguments), listen=show.listen)
    return run_restoring(arguments, show, task, restore_blindly(arguments, task), "sharpened")
