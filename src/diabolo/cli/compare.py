"""`diabolo compare SOURCE -o REPORT.html`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from diabolo.cli.show import Show
from diabolo.errors import Mistake

NAME = "compare"
HELP = "put PCA and autoencoders side by side on your images, as one page of pictures and figures"
EXAMPLES = (
    "diabolo compare digits -o report.html",
    "diabolo compare mnist --test mnist-test -o report.html --sizes 2,16,64 --epochs 10",
    "diabolo compare PHOTOS/ -o report.html --side 32 --recipes linear,deep,conv,variational",
    "diabolo compare table.npy -o report.html --json",
)


def add(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="folder, zip, .npy, .npz, idx(.gz), or a named set")
    parser.add_argument("-o", "--out", required=True, metavar="REPORT", help="the page to write, *.html")
    parser.add_argument("--test", metavar="SOURCE", help="measure on these images [a fifth of SOURCE, drawn at random]")
    parser.add_argument("--sizes", metavar="N,N", help="code lengths; 2 gives the map [2,8,16,32, as far as they fit]")
    parser.add_argument("--recipes", metavar="A,B", default="linear,deep,conv", help="autoencoders [linear,deep,conv]")
    parser.add_argument("--epochs", metavar="N", help="epochs of each training [as many as make about 1000 steps]")
    parser.add_argument("--side", metavar="N", default="0", help="bring every picture to N x N pixels [as they are]")
    parser.add_argument("--channels", metavar="N", default="0", help="1 = grey, 3 = colour [as they are]")
    parser.add_argument("--most", metavar="N", default="20000", help="use at most N images, drawn at random [20000]")
    parser.add_argument("--seed", metavar="N", default="0", help="of the split, the drawing and the trainings [0]")
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps [auto]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.preprocessing import Preprocessing
    from diabolo.tasks.report import check_able, write_report

    out = Path(arguments.out)
    check_able()
    check_page(out)
    numbers = {name: whole(name, getattr(arguments, name), least) for name, least in (("seed", 0), ("most", 1))}
    epochs = whole("epochs", arguments.epochs, 1) if arguments.epochs else None
    sizes = [whole("sizes", size, 1) for size in arguments.sizes.split(",")] if arguments.sizes else None
    sides = Preprocessing(side=arguments.side, channels=arguments.channels)
    from diabolo.tasks.compare import compare

    comparison = compare(
        arguments.source,
        sizes=sizes,
        recipes=arguments.recipes.split(","),
        epochs=epochs,
        test=arguments.test,
        preprocessing=sides,
        strict=arguments.strict,
        device=arguments.device,
        listen=show.listen,
        **numbers,
    )
    write_report(comparison, out)
    for size in comparison.sizes:
        best, reference = comparison.best(size), comparison.reference(size)
        show.say(f"{size} numbers: {best.method} is best, error {best.mse:.5f}; PCA {reference.mse:.5f}")
    for result in comparison.results:
        if comparison.excess(result) > 0:
            show.say(f"{result.method} is worse than PCA at {result.size} numbers: {result.mse:.5f}")
    show.say(f"{out}: the report, one page")
    return {"report": str(out), **comparison.figures()}


def check_page(out: Path) -> None:
    """Refuse before the work what would be refused after it."""
    from diabolo.files import atomic

    if out.suffix not in (".html", ".htm"):
        raise Mistake("not the name of a page", got=str(out), allowed="*.html", remedy=f"-o {out.with_suffix('.html')}")
    if not out.exists():
        with atomic(out) as beside:
            beside.touch()
        out.unlink()


def whole(name: str, text: str, least: int) -> int:
    """An option's text as a whole number; a `Mistake` where it is none, or less than `least`."""
    allowed = f"{least} or more"
    try:
        number = int(text)
    except ValueError:
        raise Mistake(f"--{name} is not a whole number", repr(text), allowed) from None
    if number < least:
        raise Mistake(f"--{name} is too small", text, allowed)
    return number
