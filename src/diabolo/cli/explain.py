"""`diabolo explain IN -m MODEL`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from diabolo.cli.compare import check_page
from diabolo.cli.restoring import MOST, device
from diabolo.cli.show import Show

NAME = "explain"
HELP = "say why pictures or rows are abnormal, and what would be normal, as text, JSON or a page"
EXAMPLES = (
    "diabolo explain new.csv -m table.diabolo",
    "diabolo explain PICTURES/ -m good.diabolo -o report.html",
    "diabolo explain new.csv -m table.diabolo --features 2 --alpha 0.01 --json",
    "diabolo explain new.npy -m good.diabolo -o report.html --normal GOOD/ --compare",
)


def add(parser: ArgumentParser) -> None:
    parser.add_argument("place", metavar="IN", help="a picture, a folder of pictures, an array file or a table")
    parser.add_argument("-m", "--model", required=True, metavar="MODEL", help="of diabolo fit detect GOOD/")
    parser.add_argument("-o", "--out", default="", metavar="REPORT", help="a page of it all, *.html")
    features = "the most features of a row, or regions of a picture, that are changed [3]"
    parser.add_argument("--features", type=int, default=3, metavar="N", help=features)
    alpha = "the share of false alarms that is allowed: up to this p-value it is abnormal [0.05]"
    parser.add_argument("--alpha", type=float, default=0.05, metavar="X", help=alpha)
    normal = "normal images to see what the model needs and what its code means [typical rows of a table, or IN]"
    parser.add_argument("--normal", default="", metavar="SOURCE", help=normal)
    compare = "on the page: integrated gradients, occlusion and KernelSHAP as well; slow, needs captum"
    parser.add_argument("--compare", action="store_true", help=compare)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.errors import Mistake
    from diabolo.tasks.explain import Explainer

    if arguments.out:
        check_page(Path(arguments.out))
    elif not arguments.json and (arguments.compare or arguments.normal):
        wrong = "only the page and --json tell of the model itself"
        raise Mistake(wrong, "--compare" if arguments.compare else "--normal", remedy="-o report.html")
    explainer = Explainer(
        arguments.model,
        alpha=arguments.alpha,
        features=arguments.features,
        device=device(arguments),
        listen=show.listen,
    )
    if not arguments.out and not arguments.json:
        found = explainer.explain(arguments.place)
        _tell(found, show)
        return {}
    from diabolo.tasks.explain.study import study

    whole = study(explainer, arguments.place, normal=arguments.normal or None, compare=arguments.compare)
    if arguments.out:
        from diabolo.tasks.explain.page import write_report

        write_report(whole, explainer.trained, arguments.out)
    _tell(whole.explanations, show)
    show.say(f"{arguments.out}: the report, one page")
    return ({"report": arguments.out} if arguments.out else {}) | whole.to_dict()


def _tell(found: list[Any], show: Show) -> None:
    for one in found[:MOST]:
        show.say(one.text())
    if len(found) > MOST:
        show.say(f"... and {len(found) - MOST} more (--json tells of all)")
    show.say(f"{sum(one.abnormal for one in found)} of {len(found)} are abnormal")
