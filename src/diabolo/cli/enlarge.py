"""`diabolo enlarge IN -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import add_restoring, device, restore_blindly, run_restoring
from diabolo.cli.show import Show

NAME = "enlarge"
HELP = "enlarge pictures, with the detail that interpolation leaves out"
EXAMPLES = ("diabolo enlarge photo.png -o large.png -m enlarge.diabolo",)


def add(parser: ArgumentParser) -> None:
    add_restoring(parser, "enlarge", starter=False)
    parser.add_argument(
        "--factor", type=int, metavar="N", help="how many times as high and wide; what the model learned"
    )


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.restore import Enlarger

    task = Enlarger(arguments.model, factor=arguments.factor, device=device(arguments), listen=show.listen)
    return run_restoring(arguments, show, task, restore_blindly(arguments, task), "enlarged")
