"""`diabolo denoise IN -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import about, add_restoring, device, run_restoring
from diabolo.cli.show import Show

NAME = "denoise"
HELP = "take noise out of pictures, of any size and strength of noise"
EXAMPLES = (
    "diabolo denoise photo.png -o clean.png",
    "diabolo denoise PHOTOS/ -o CLEAN/",
    "diabolo denoise photo.jpg -o clean.jpg --preview both.png --uncertainty sure.png",
    "diabolo denoise photo.png -o clean.png --sigma 25 -m my.diabolo",
)


def add(parser: ArgumentParser) -> None:
    add_restoring(parser, "denoise", starter=True)
    parser.add_argument(
        "--sigma",
        type=float,
        metavar="X",
        help="standard deviation of the noise, of 255; found in each picture without",
    )


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.restore import Denoiser

    denoiser = Denoiser(arguments.model, sigma=arguments.sigma, device=device(arguments))

    def restore(picture: Any, name: str, progress: Any) -> Any:
        denoiser.listen = about(name, show.listen)
        restored = denoiser.restore(picture.values, bounds=bool(arguments.uncertainty), progress=progress)
        level = denoiser.level_
        told = {"sigma": round(level.sigma, 2), "shot": round(level.shot, 2), "given": arguments.sigma is not None}
        return restored, picture.with_values(restored.values), told

    return run_restoring(arguments, show, denoiser, restore, "denoised")
