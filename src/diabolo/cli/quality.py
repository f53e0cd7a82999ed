"""`diabolo quality REAL SYNTHETIC -o REPORT.html`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from diabolo.cli.compare import check_page, whole
from diabolo.cli.labels import add_categorical, chosen_categorical
from diabolo.cli.show import Show
from diabolo.errors import Mistake

NAME = "quality"
HELP = "say what a synthetic set is worth beside the real one: likeness, use, copies, as text, JSON or a page"
EXAMPLES = (
    "diabolo quality REAL/ SYNTHETIC/ -o report.html",
    "diabolo quality REAL/ SYNTHETIC/ --labels-from-folders --held-out TEST/ -o report.html",
    "diabolo quality REAL/ SYNTHETIC/ --labels labels.csv -o report.html",
    "diabolo quality mnist made.npz --held-out mnist-test --json",
    "diabolo quality real.csv synthetic.csv --labels species --categorical colour -o report.html",
)


def add(parser: ArgumentParser) -> None:
    kinds = "a folder, zip, .npy, .npz, idx(.gz), table or named set"
    parser.add_argument("real", metavar="REAL", help=f"what the synthetic set was made from: {kinds}")
    parser.add_argument("synthetic", metavar="SYNTHETIC", help="the set to judge, by whatever made it")
    parser.add_argument("-o", "--out", default="", metavar="REPORT", help="a page of it all, *.html")
    held = "real ones that nothing was made from [half of REAL takes their place, where that can be]"
    parser.add_argument("--held-out", metavar="SOURCE", help=held)
    parser.add_argument("--labels-from-folders", action="store_true", help="the first folder of a name is its label")
    labels = "the column of a table that holds the labels; of folders the table of labels in each of them"
    parser.add_argument("--labels", default="", metavar="COLUMN|NAME.csv", help=labels)
    add_categorical(parser)
    parser.add_argument("--side", metavar="N", default="0", help="bring every picture to N x N pixels [as they are]")
    parser.add_argument("--channels", metavar="N", default="0", help="1 = grey, 3 = colour [as they are]")
    parser.add_argument(
        "--most", metavar="N", default="10000", help="compare at most N of each set, 24 or more [10000]"
    )
    parser.add_argument("--seeds", metavar="N", default="3", help="train each classifier N times, 2 or more [3]")
    parser.add_argument("--seed", metavar="N", default="0", help="of the drawing and of what is spoilt [0]")
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    if arguments.out:
        check_page(Path(arguments.out))
    least = {"side": 0, "channels": 0, "most": 24, "seeds": 2, "seed": 0}
    numbers = {name: whole(name, getattr(arguments, name), lowest) for name, lowest in least.items()}
    if arguments.labels and arguments.labels_from_folders:
        raise Mistake("labels from two places", "--labels and --labels-from-folders", "one of them")
    from diabolo.tasks.quality import measure_quality
    from diabolo.tasks.quality.page import write_report
    from diabolo.tasks.quality.verdicts import verdicts

    found = measure_quality(
        arguments.real,
        arguments.synthetic,
        held_out=arguments.held_out,
        labels=arguments.labels or None,
        labels_from_folders=arguments.labels_from_folders,
        categorical=chosen_categorical(arguments),
        strict=arguments.strict,
        listen=show.listen,
        **numbers,
    )
    for sentence in verdicts(found):
        show.say(sentence.text)
    if arguments.out:
        write_report(found, arguments.out)
        show.say(f"{arguments.out}: the report, one page")
    return ({"report": arguments.out} if arguments.out else {}) | found.to_dict()
