"""Turn results/*.json into the tables of README.md and docs/: python -m benchmarks.tables [--check].

A table stands between `<!-- bench:NAME -->` and `<!-- /bench -->`, each on a line of its own, and is written anew each
time. `--check` writes nothing and fails where a table is not what its result says.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._processes import ROOT
from benchmarks._result import FOLDER

MARKED = re.compile(r"^<!-- bench:([a-z_-]+) -->\n.*?^<!-- /bench -->$", re.MULTILINE | re.DOTALL)


def table(result: dict[str, Any]) -> str:
    """A result as Markdown: its figures as a table, its gates, and one line on where they come from."""
    rows = result["figures"]
    lines = [row_of(rows[0]), row_of("---" if isinstance(v, str) else "---:" for v in rows[0].values())]
    lines += [row_of(cell(value) for value in row.values()) for row in rows]
    missed = [gate for gate in result["gates"] if not gate["passed"]]
    lines += ["", *(f"**Missed**: {g['what']} is {number(g['value'])}, promised {number(g['limit'])}." for g in missed)]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    gates = len(result["gates"])
    reached = f"{gates - len(missed)} of {gates} promised figures reached. " if gates else ""
    lines += [
        "" if missed else None,
        f"{reached}`{result['command']}`, {result['date']}, {result['processor']}; {versions}.",
    ]
    return "\n".join(line for line in lines if line is not None)


def row_of(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def cell(value: Any) -> str:
    """A number with four digits; a spread as its median with, after several runs, the least and greatest."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return number(value)
    if value["runs"] == 1:
        return number(value["median"])
    return f"{number(value['median'])} ({number(value['least'])} to {number(value['greatest'])})"


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def with_tables(text: str, results: dict[str, dict[str, Any]], where: str) -> str:
    """The text with every marked table as its result says."""

    def fresh(found: re.Match[str]) -> str:
        name = found[1]
        if name not in results:
            raise SystemExit(f"{where}: there is no result {name}; make bench NAME={name}")
        return f"<!-- bench:{name} -->\n{table(results[name])}\n<!-- /bench -->"

    return MARKED.sub(fresh, text)


def results() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def pages() -> Iterator[Path]:
    """README.md and every Markdown page of docs/."""
    yield from (path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists())


def stale(write: bool) -> list[str]:
    """The pages whose tables are not what the results say; with `write` they are mended."""
    found, known = [], results()
    for path in pages():
        text = path.read_text(encoding="utf-8")
        fresh = with_tables(text, known, path.name)
        if fresh != text:
            found.append(str(path.relative_to(ROOT)))
            if write:
                path.write_text(fresh, encoding="utf-8")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a table is stale")
    check = parser.parse_args().check
    found = stale(write=not check)
    if found:
        print(("stale tables in " if check else "wrote the tables of ") + ", ".join(found), file=sys.stderr)
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
