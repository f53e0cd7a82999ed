"""`diabolo detect IN -m MODEL`."""

from __future__ import annotations

import csv
import io
from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import MOST, device
from diabolo.cli.show import Show
from diabolo.errors import Mistake

NAME = "detect"
HELP = "tell which pictures, or rows of a table, are not like the normal ones, and where"
EXAMPLES = (
    "diabolo detect photo.png -m good.diabolo --maps MAPS/",
    "diabolo detect NEW/ -m good.diabolo --alpha 0.01 --csv",
    "diabolo detect NEW/ -m good.diabolo --control false-discoveries --alpha 0.1",
    "diabolo detect new.csv -m table.diabolo --json",
)


def add(parser: ArgumentParser) -> None:
    parser.add_argument("place", metavar="IN", help="a picture, a folder of pictures, an array file or a table")
    add_detector(parser)
    maps = "write each picture with a heat map where it is wrong; OUT.npy for the plain maps of an array or table"
    parser.add_argument("--maps", default="", metavar="OUT", help=maps)
    parser.add_argument("--csv", action="store_true", help="print the table of verdicts as CSV on stdout")


def add_detector(parser: ArgumentParser) -> None:
    """The model, the rate that is allowed, and where it computes."""
    parser.add_argument("-m", "--model", required=True, metavar="MODEL", help="of diabolo fit detect GOOD/")
    alpha = "the share of false alarms that is allowed: below this p-value it is abnormal [0.05]"
    parser.add_argument("--alpha", type=float, default=0.05, metavar="X", help=alpha)
    control = (
        "false-alarms: of the normal, those called abnormal; false-discoveries: of those called abnormal, the normal"
    )
    parser.add_argument("--control", default="false-alarms", metavar="NAME", help=f"{control} [false-alarms]")
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.detect import AnomalyDetector
    from diabolo.tasks.detect.files import detect_place

    if arguments.csv and arguments.json:
        raise Mistake("two kinds of output at once", "--csv and --json", "one of them")
    chosen = device(arguments)
    detector = AnomalyDetector(arguments.model, alpha=arguments.alpha, control=arguments.control, device=chosen)
    place, maps, strict = arguments.place, arguments.maps, arguments.strict
    rows = detect_place(place, detector, maps, strict=strict, listen=show.listen)
    if arguments.csv:
        show.say(_csv(rows))
    else:
        _tell(rows, show)
    abnormal = sum(row["abnormal"] for row in rows)
    return {"alpha": arguments.alpha, "control": arguments.control, "abnormal": abnormal, "images": rows}


def _tell(rows: list[dict[str, Any]], show: Show) -> None:
    for row in rows[:MOST]:
        verdict = "ABNORMAL" if row["abnormal"] else "normal"
        where = f", {row['wrong']:.1%} of the pixels are wrong" if row["abnormal"] and row.get("wrong") else ""
        show.say(f"{row['name']}: {verdict}, p {row['p_value']:.3g}, score {row['score']:.2f}{where}")
    if len(rows) > MOST:
        show.say(f"... and {len(rows) - MOST} more (--json or --csv tells of all)")
    show.say(f"{sum(row['abnormal'] for row in rows)} of {len(rows)} are abnormal")


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().rstrip("\n")
