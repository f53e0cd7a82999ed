"""The command line as tests call it."""

from __future__ import annotations

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
