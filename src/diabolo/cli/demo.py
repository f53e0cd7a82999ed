"""`diabolo demo`."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.show import Show

NAME = "demo"
HELP = "train four autoencoders on real pictures in about a minute and a half, and write a report"
EXAMPLES = ("diabolo demo", "diabolo demo -o FOLDER")


def add(parser: ArgumentParser) -> None:
    parser.add_argument("-o", "--out", default="diabolo-demo", metavar="FOLDER", help="where to write [diabolo-demo]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.demo import demo

    made = demo(arguments.out, listen=show.listen)
    show.say("models:")
    for path in made.models.values():
        show.say(f"  {path}")
    show.say(f"report, open it in a browser:\n  {made.report}")
    out = shlex.quote(arguments.out)
    show.say("try next:")
    show.say(f"  diabolo reconstruct {out}/noisy.png -m {out}/denoise.diabolo -o {out}/clean.png")
    show.say(f"  diabolo encode digits -m {out}/deep.diabolo -o {out}/codes.npy")
    show.say(f"  diabolo compare digits -o {out}/more.html --recipes linear,deep,variational --sizes 2,4,16")
    means = {name: float(values.mean()) for name, values in made.tiles.psnr.items()}
    paths = {"models": {name: str(path) for name, path in made.models.items()}, "report": str(made.report)}
    return {**paths, "psnr": means, "comparison": made.comparison.figures()}
