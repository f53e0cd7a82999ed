"""Reports: one self-contained page of pictures, charts and figures."""

from __future__ import annotations

import importlib.util
import os

from diabolo.errors import Mistake
from diabolo.tasks.comparison.record import Comparison

__all__ = ["check_able", "write_report"]


def check_able() -> None:
    """Raises `Mistake` where the library that draws the charts is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        raise Mistake("a report needs matplotlib, which is missing", remedy='pip install "diabolo[report]"')


def write_report(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write a comparison as one HTML page that asks nothing of the network, whole or not at all.

    Raises `Mistake` where matplotlib is missing or the path cannot be written.
    """
    check_able()
    from diabolo.tasks.report.page import write_page
    from diabolo.tasks.report.sections import page

    write_page(page(comparison), path)
