"""`diabolo evaluate MODEL --good DIR --bad DIR`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.restoring import device
from diabolo.cli.show import Show

NAME = "evaluate"
HELP = "say how well a detector tells bad pictures from good ones, where both are known"
EXAMPLES = (
    "diabolo evaluate good.diabolo --good TEST/good --bad TEST/bad",
    "diabolo evaluate good.diabolo --good TEST/good --bad TEST/bad --masks TEST/masks --sheet maps.png",
)


def add(parser: ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="of diabolo fit detect GOOD/")
    parser.add_argument("--good", required=True, metavar="IN", help="normal pictures, none that it learned from")
    parser.add_argument("--bad", required=True, metavar="IN", help="abnormal ones; folders below are kinds")
    parser.add_argument("--masks", metavar="DIR", help="for each bad picture one of its name: not 0 where it is wrong")
    parser.add_argument("--sheet", default="", metavar="PNG", help="draw pictures, maps and masks side by side")
    parser.add_argument("--alpha", type=float, default=0.05, metavar="X", help="the allowed false alarms [0.05]")
    parser.add_argument("--strict", action="store_true", help="an unreadable picture is an error")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps [cpu]")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.detect import AnomalyDetector
    from diabolo.tasks.detect.evaluate import evaluate

    detector = AnomalyDetector(arguments.model, alpha=arguments.alpha, device=device(arguments))
    good, bad, masks = arguments.good, arguments.bad, arguments.masks
    result = evaluate(detector, good, bad, masks, sheet=arguments.sheet, strict=arguments.strict, listen=show.listen)
    show.say(f"{result['good']} good and {result['bad']} bad: {_told(result)}")
    for kind, figures in result.get("by_kind", {}).items():
        show.say(f"  {kind or 'without a folder'}: {figures['count']}, {_told(figures)}")
    if masks:
        show.say(f"pixels, {result['masks']} masks: AUROC {result['pixel_auroc']:.3f}, AUPRO {result['aupro']:.3f}")
    if arguments.sheet:
        show.say(f"{arguments.sheet}: pictures, maps and masks")
    return result


def _told(figures: dict[str, Any]) -> str:
    alarms, found = figures["false_alarms"], figures["found"]
    return f"AUROC {figures['auroc']:.3f}, {found:.1%} found at {alarms:.1%} false alarms"
