"""What a benchmark leaves behind: figures, gates, and how they were measured, as one JSON file."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import json
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
PACKAGES = ("diabolo", "numpy", "scikit-image", "scikit-learn", "scipy", "torch")


@dataclasses.dataclass(frozen=True)
class Spread:
    """A figure that was measured several times: its median, least and greatest value."""

    median: float
    least: float
    greatest: float
    runs: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        seen = sorted(values)
        return cls(statistics.median(seen), seen[0], seen[-1], len(seen))


@dataclasses.dataclass(frozen=True)
class Gate:
    """A figure that was promised: reached or missed."""

    what: str
    value: float
    limit: float
    greatest: bool = True  # the limit is the greatest value allowed; otherwise the least

    @property
    def passed(self) -> bool:
        return self.value <= self.limit if self.greatest else self.value >= self.limit


def write(
    name: str,
    figures: Sequence[dict[str, Any]],
    gates: Sequence[Gate],
    versions: dict[str, str],
    folder: Path = FOLDER,
    **more: Any,
) -> None:
    """Keep a result in results/NAME.json, or in another folder, and print it.

    `figures`: the rows of the table, all with the same columns in the same order; a cell is a text, a number or a
    `Spread`. `versions`: of the peers' packages, beside those of this environment. `more`: what else is worth keeping.
    """
    result = {
        "name": name,
        "command": " ".join(
            ["make", "bench", f"NAME={name}", *([f'ARGS="{" ".join(sys.argv[1:])}"'] if sys.argv[1:] else [])]
        ),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "processor": processor(),
        "versions": {"python": platform.python_version()} | installed() | versions,
        "figures": [{column: plain(cell) for column, cell in row.items()} for row in figures],
        "gates": [dataclasses.asdict(gate) | {"passed": gate.passed} for gate in gates],
    } | more
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    for row in result["figures"]:
        print("  ".join(f"{column}: {cell}" for column, cell in row.items()))
    for gate in gates:
        print(f"{'reached' if gate.passed else 'MISSED '}  {gate.what}: {gate.value:.4g}, limit {gate.limit:.4g}")
    print(f"kept in {path}")


def plain(cell: Any) -> Any:
    """A cell as JSON data."""
    return dataclasses.asdict(cell) if isinstance(cell, Spread) else cell


def processor() -> str:
    """The processor's name and its number of cores; on Linux from /proc/cpuinfo."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.exists() else ""
    models = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{models[0] if models else name}, {max(1, len(models))} cores"


def installed() -> dict[str, str]:
    return {package: importlib.metadata.version(package) for package in PACKAGES}
