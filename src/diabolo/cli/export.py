"""`diabolo export MODEL -o FILE.onnx`."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from diabolo.cli.show import Show

NAME = "export"
HELP = "write a model as an ONNX file, which takes raw pictures and runs without diabolo and torch"
EXAMPLES = (
    "diabolo export digits.diabolo -o digits.onnx",
    "diabolo export good.diabolo -o good.onnx --json",
    "diabolo export denoise-color -o denoise.onnx",
)


def add(parser: ArgumentParser) -> None:
    model = (
        "a trained model, *.diabolo, or the name of a starter; not a codec. The file has no tiles: it takes pictures "
        "whole, and memory grows with them"
    )
    parser.add_argument("model", metavar="MODEL", help=model)
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="*.onnx")


def run(arguments: Namespace, show: Show) -> dict[str, Any]:
    from diabolo.tasks.export import export

    sheet = export(arguments.model, arguments.out)
    show.say(f"{arguments.out}: {sheet.size:,} bytes, opset {sheet.opset}")
    for word, ports in (("takes", sheet.inputs), ("gives", sheet.outputs)):
        for port in ports:
            kind = f"{port.dtype} ({', '.join(map(str, port.shape))})"
            show.say(f"  {word} {port.name:<14} {kind:<28} {port.meaning}")
    inputs, outputs = ([port._asdict() for port in ports] for ports in (sheet.inputs, sheet.outputs))
    return {"out": arguments.out, "bytes": sheet.size, "opset": sheet.opset, "inputs": inputs, "outputs": outputs}
