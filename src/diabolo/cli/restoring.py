"""What the commands that restore pictures have in common: their arguments, and what they tell."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.show import Show

MOST = 100  # pictures that are told of one by one


def add_restoring(parser: ArgumentParser, verb: str, starter: bool) -> None:
    """IN, OUT, the model, and what is written beside."""
    parser.add_argument("place", metavar="IN", help="a picture, a folder of pictures, or an array file")
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help="a place of the same kind")
    without = "; the starter model without it" if starter else f", of diabolo fit {verb} FOLDER"
    parser.add_argument(
        "-m", "--model", required=not starter, metavar="MODEL", help=f"a model, *.diabolo, or a starter's name{without}"
    )
    parser.add_argument("--preview", default="", metavar="PNG", help="write before and after, side by side")
    parser.add_argument("--reference", default="", metavar="CLEAN", help="the clean picture: tells PSNR and SSIM")
    parser.add_argument(
        "--uncertainty",
        default="",
        metavar="PNG",
        help="write how sure each pixel is: a quarter of the brightness, 0..255, is half the 90%% interval",
    )
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def device(arguments: Namespace) -> str:
    """The device that was named, if it is there."""
    from diabolo.training import find_device

    return str(find_device(arguments.device))


def restore_blindly(arguments: Namespace, task: Any) -> Any:
    """What restores a picture by a task that is told nothing of it."""

    def restore(picture: Any, name: str, progress: Any) -> Any:
        restored = task.restore(picture.values, bounds=bool(arguments.uncertainty), progress=progress)
        return restored, picture.with_values(restored.values), {}

    return restore


def about(name: str, listen: Any) -> Any:
    """A listener whose notes say which picture they are about."""
    from diabolo.events import Note

    def named(event: Any) -> None:
        listen(Note(f"{name}: {event.text}", event.warning) if isinstance(event, Note) else event)

    return named


def run_restoring(arguments: Namespace, show: Show, task: Any, restore: Any, verb: str) -> dict[str, Any]:
    """Restore what is at IN, and tell what was found and reached."""
    from diabolo.tasks.restore.files import Beside, restore_place

    task.check(bool(arguments.uncertainty))
    mask = getattr(arguments, "mask", "")
    beside = Beside(arguments.preview, arguments.reference, arguments.uncertainty, mask, verb == "enlarged")
    rows = restore_place(arguments.place, arguments.out, restore, beside, strict=arguments.strict, listen=show.listen)
    for row in rows[:MOST]:
        if told := _told(row):
            show.say(f"{row['name']}: {told}")
    if len(rows) > MOST and _told(rows[0]):
        show.say(f"... and {len(rows) - MOST} more (--json tells of all)")
    count = f"{len(rows)} pictures" if len(rows) > 1 else "1 picture"
    show.say(f"{arguments.out}: {count} {verb}")
    for name in ("preview", "uncertainty"):
        if getattr(arguments, name):
            show.say(f"{getattr(arguments, name)}: {name}")
    return {"out": arguments.out, "images": len(rows), "pictures": rows}


def _told(row: dict[str, Any]) -> str:
    """A row's figures in words."""
    words = []
    if "sigma" in row:
        shot = f", and {row['shot']:.1f} more where it is brightest" if row["shot"] >= 0.5 else ""
        words.append(f"noise level {row['sigma']:.1f} of 255 {'given' if row['given'] else 'found'}{shot}")
    if "missing" in row:
        words.append(f"{row['missing']:.1%} of the pixels filled in")
    for name, unit in (("psnr", " dB"), ("ssim", "")):
        if f"{name}_after" in row:
            before = f"{row[f'{name}_before']:.4g} to " if f"{name}_before" in row else ""
            words.append(f"{name.upper()} {before}{row[f'{name}_after']:.4g}{unit}")
    if "half_width" in row:
        words.append(f"nine in ten pixels within {row['half_width']:.1f} of 255, on average")
    return ", ".join(words)
