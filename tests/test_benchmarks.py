"""The benchmarks' results are whole, and the documentation's tables say what they say."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import tables  # noqa: E402
from benchmarks._result import FOLDER, Gate, Spread, plain  # noqa: E402

RESULTS = sorted(FOLDER.glob("*.json"))
KEYS = {"name", "command", "date", "processor", "versions", "figures", "gates"}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_is_whole(path: Path) -> None:
    result = json.loads(path.read_text(encoding="utf-8"))
    assert set(result) >= KEYS
    assert result["name"] == path.stem
    assert importlib.import_module(f"benchmarks.{path.stem}").__doc__
    assert {"diabolo", "python", "torch"} <= set(result["versions"])
    assert len({tuple(row) for row in result["figures"]}) == 1, "rows with different columns"
    for gate in result["gates"]:
        assert gate["passed"] == Gate(gate["what"], gate["value"], gate["limit"], gate["greatest"]).passed


def test_tables_are_current() -> None:
    assert not tables.stale(write=False), "python -m benchmarks.tables"


def test_a_table_tells_the_figures_and_what_was_missed() -> None:
    result = {
        "command": "make bench NAME=x",
        "date": "2026-01-02",
        "processor": "two cores",
        "versions": {"python": "3.11.0"},
        "figures": [{"method": "ours", "error": plain(Spread.of([0.3, 0.1, 0.2])), "n": 60000}],
        "gates": [{"what": "error", "value": 0.2, "limit": 0.1, "greatest": True, "passed": False}],
    }
    old = "before\n<!-- bench:x -->\nstale\n<!-- /bench -->\nafter\n"
    assert tables.with_tables(old, {"x": result}, "page") == (
        "before\n<!-- bench:x -->\n"
        "| method | error | n |\n| --- | ---: | ---: |\n| ours | 0.2 (0.1 to 0.3) | 60,000 |\n\n"
        "**Missed**: error is 0.2, promised 0.1.\n\n"
        "0 of 1 promised figures reached. `make bench NAME=x`, 2026-01-02, two cores; python 3.11.0.\n"
        "<!-- /bench -->\nafter\n"
    )


def test_a_table_without_a_result_is_refused() -> None:
    with pytest.raises(SystemExit, match="make bench NAME=nothing"):
        tables.with_tables("<!-- bench:nothing -->\n<!-- /bench -->", {}, "page")
