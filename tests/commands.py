"""The command line as tests call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from diabolo import cli


def run(*arguments: Any) -> int:
    """The exit code of `diabolo ARGUMENTS`."""
    return cli.main([str(argument) for argument in arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: Any) -> str:
    """The one line with which the command refuses, having ended with 2."""
    assert run(*arguments) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("diabolo: ")
    return line


def interrupted(function: Callable[..., None], after: int) -> Callable[..., None]:
    """The function, which a Ctrl-C comes to when it was called so often."""
    calls = iter(range(after))

    def call(*what: Any) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        function(*what)

    return call
