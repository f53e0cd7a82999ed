"""`diabolo data`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.show import Show

NAME = "data"
HELP = "list the named sets of pictures, or write one of them as a folder or an array"
EXAMPLES = ("diabolo data", "diabolo data photos -o PHOTOS/", "diabolo data mnist -o mnist.npy")


def add(parser: ArgumentParser) -> None:
    parser.add_argument("set", nargs="?", metavar="SET", help="a named set; without one, all of them are listed")
    parser.add_argument("-o", "--out", metavar="OUT", help="a folder of PNG pictures, or .npy")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.errors import Mistake, unknown
    from diabolo.sources import NAMED, list_sets, open_source

    rows = list_sets()
    if arguments.set and arguments.set not in NAMED:
        raise unknown("set", arguments.set, NAMED)
    if arguments.set and arguments.out:
        from diabolo.tasks.places import write_source

        count = write_source(open_source(arguments.set), arguments.out, show.listen)
        show.say(f"{arguments.out}: {count} pictures")
        return {"out": arguments.out, "images": count}
    if arguments.out:
        raise Mistake("which set?", allowed=", ".join(NAMED), remedy=f"diabolo data photos -o {arguments.out}")
    for row in rows:
        if arguments.set in (None, row["name"]):
            show.say(f"{row['name']:<20} {row['shape']:<22} {row['description']} ({row['licence']}; {row['obtained']})")
    return {"sets": [row for row in rows if arguments.set in (None, row["name"])]}
