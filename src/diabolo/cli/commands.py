"""The literal table of commands: a verb and the module that does it."""

from __future__ import annotations

import importlib
from argparse import ArgumentParser, Namespace
from typing import Any, Protocol

from diabolo.cli.show import Show

COMMANDS = {
    "demo": "diabolo.cli.demo",
    "fit": "diabolo.cli.fit",
    "reconstruct": "diabolo.cli.reconstruct",
    "denoise": "diabolo.cli.denoise",
    "inpaint": "diabolo.cli.inpaint",
    "deblock": "diabolo.cli.deblock",
    "deblur": "diabolo.cli.deblur",
    "enlarge": "diabolo.cli.enlarge",
    "compress": "diabolo.cli.compress",
    "decompress": "diabolo.cli.decompress",
    "encode": "diabolo.cli.encode",
    "decode": "diabolo.cli.decode",
    "detect": "diabolo.cli.detect",
    "evaluate": "diabolo.cli.evaluate",
    "explain": "diabolo.cli.explain",
    "generate": "diabolo.cli.generate",
    "synthesize": "diabolo.cli.synthesize",
    "compare": "diabolo.cli.compare",
    "quality": "diabolo.cli.quality",
    "export": "diabolo.cli.export",
    "info": "diabolo.cli.info",
    "data": "diabolo.cli.data",
}


class Command(Protocol):
    """A command's module; with `NEEDS_ARGUMENTS = True` its options depend on the arguments, and `add` gets them."""

    NAME: str
    HELP: str
    EXAMPLES: tuple[str, ...]

    def add(self, parser: ArgumentParser, *arguments: list[str]) -> None: ...
    def run(self, arguments: Namespace, show: Show) -> dict[str, Any] | None: ...


def command(verb: str) -> Command:
    """The module of a verb."""
    module: Any = importlib.import_module(COMMANDS[verb])
    return module


def overview() -> str:
    """What `diabolo --help` says."""
    rows = "\n".join(f"  {verb:<12} {command(verb).HELP}" for verb in COMMANDS)
    return f"""diabolo: train an autoencoder on your own pictures, and use it.

usage: diabolo VERB ...

{rows}

  diabolo VERB --help shows a verb's options and examples; --json prints one JSON object instead of text.

A first look:
  diabolo demo
  diabolo denoise photo.png -o clean.png
  diabolo compress photo.png -o photo.dbl
  diabolo fit deep digits -o digits.diabolo --latent.size 8
  diabolo compare digits -o report.html"""
