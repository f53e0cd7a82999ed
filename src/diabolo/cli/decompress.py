"""`diabolo decompress IN.dbl -o OUT`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from diabolo.cli.compress import add_model
from diabolo.cli.restoring import MOST, device
from diabolo.cli.show import Show

NAME = "decompress"
HELP = "make pictures of the files that compress has written, or a region of them"
EXAMPLES = (
    "diabolo decompress photo.dbl -o photo.png",
    "diabolo decompress SMALL/ -o PHOTOS/",
    "diabolo decompress large.dbl -o cut.png --region 4000,3000,800,600",
    "diabolo decompress scans.dbl -o SCANS/ -m scans.diabolo --exact",
)


def add(parser: ArgumentParser) -> None:
    parser.add_argument("place", metavar="IN", help="a file *.dbl, or a folder of them")
    out = "a picture; a folder for a folder, or for a file of many pictures, which also goes to *.npy"
    parser.add_argument("-o", "--out", required=True, metavar="OUT", help=out)
    add_model(parser)
    region = "pixels: decode this rectangle alone, without the rest"
    parser.add_argument("--region", type=_rectangle, metavar="X,Y,W,H", help=region)
    exact = "the same pixels to the bit on every machine; about twice the time"
    parser.add_argument("--exact", action="store_true", help=exact)
    parser.add_argument("--strict", action="store_true", help="a damaged file in a folder is an error")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.compress import Compressor
    from diabolo.tasks.compress.files import decompress_place

    task = Compressor(arguments.model, exact=arguments.exact, device=device(arguments))
    rows = decompress_place(
        arguments.place, arguments.out, task, region=arguments.region, strict=arguments.strict, listen=show.listen
    )
    for row in rows[:MOST]:
        many = f"{row['pictures']} pictures of " if row["pictures"] > 1 else ""
        show.say(f"{row['name']}: {many}{row['size']} pixels, from {row['bytes']:,} bytes")
    if len(rows) > MOST:
        show.say(f"... and {len(rows) - MOST} more (--json tells of all)")
    count = sum(row["pictures"] for row in rows)
    show.say(f"{arguments.out}: {count} picture{'s' * (count > 1)}")
    return {"out": arguments.out, "pictures": count, "files": rows}


def _rectangle(text: str) -> tuple[int, int, int, int]:
    """`x,y,w,h` as (top, left, height, width).

    >>> _rectangle("10,20,300,400")
    (20, 10, 400, 300)
    """
    try:
        x, y, width, height = map(int, text.split(","))
    except ValueError as error:
        raise ArgumentTypeError(f"not a region: got {text!r}; allowed: X,Y,W,H in pixels") from error
    return y, x, height, width
