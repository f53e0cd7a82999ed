"""`diabolo inpaint IN --mask MASK -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import add_restoring, device, run_restoring
from diabolo.cli.show import Show

NAME = "inpaint"
HELP = "fill in missing pixels; all others stay as they are"
EXAMPLES = (
    "diabolo inpaint photo.png --mask mask.png -o whole.png",
    "diabolo inpaint cutout.png --mask auto -o whole.png",
    "diabolo inpaint PHOTOS/ --mask MASKS/ -o WHOLE/",
)


def add(parser: ArgumentParser) -> None:
    add_restoring(parser, "inpaint", starter=True)
    parser.add_argument(
        "--mask",
        required=True,
        metavar="MASK",
        help="white = missing; a picture, a folder of them, .npy, or auto: transparent or NaN pixels",
    )


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.restore import Inpainter
    from diabolo.tasks.restore.masks import Masks

    inpainter = Inpainter(arguments.model, device=device(arguments), listen=show.listen)
    masks = Masks(arguments.mask)

    def restore(picture: Any, name: str, progress: Any) -> Any:
        missing = masks.of(picture, name)
        restored = inpainter.restore(picture.values, missing, bool(arguments.uncertainty), progress)
        told = {"missing": round(float(missing.mean()), 6)}
        return restored, masks.without_holes(picture.with_values(restored.values), missing), told

    return run_restoring(arguments, show, inpainter, restore, "filled in")
