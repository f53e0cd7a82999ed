"""`diabolo deblock IN -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import add_restoring, device, restore_blindly, run_restoring
from diabolo.cli.show import Show

NAME = "deblock"
HELP = "take the blocks and rings of JPEG out of pictures"
EXAMPLES = ("diabolo deblock photo.jpg -o better.png", "diabolo deblock PHOTOS/ -o BETTER/")


def add(parser: ArgumentParser) -> None:
    add_restoring(parser, "deblock", starter=True)


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.restore import Deblocker

    task = Deblocker(arguments.model, device=device(arguments), listen=show.listen)
    return run_restoring(arguments, show, task, restore_blindly(arguments, task), "deblocked")
