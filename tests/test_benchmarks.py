"""The benchmarks' results are whole, and the documentation's tables say what they say."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import detect_promise, tables  # noqa: E402
from benchmarks._detect import Scores  # noqa: E402
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


def test_promises_are_kept_by_scores_of_one_kind_and_broken_ones_are_named() -> None:
    draw = np.random.default_rng(0)
    held = Scores(draw.normal(size=60), draw.normal(size=60), draw.normal(-6, size=60))
    found = detect_promise.rates([held])
    assert set(found) == {f"{control}, {alpha:g}" for control in detect_promise.CONTROLS for alpha in (0.05, 0.1, 0.2)}
    assert abs(found["false alarms, 0.2"].mean - 12 / 61) < 0.012  # 12 of the 61 ranks are alarms
    assert 0 < found["false discoveries, 0.2"].mean < 0.12  # half of what is tested is normal
    gates, broken = detect_promise.judged({"good": found, "bad": {"false alarms, 0.1": detect_promise.Rate(0.2, 0.01)}})
    assert broken["false alarms, 0.1"] == ["bad"]
    assert [gate.what for gate in gates if not gate.passed] == [
        "sets with more false alarms than 0.1 and two standard errors"
    ]
