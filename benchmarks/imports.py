"""How long a user waits for nothing: `import diabolo` and `diabolo --help`, RUNS fresh processes each, in turns.

The wall's time of a whole process, Python's own start included, and the processor's time beside it, which does not grow
when the machine is busy. Files are in the system's cache: one run of each goes before and is not counted.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from benchmarks._processes import HERE
from benchmarks._result import Gate, Spread, write

RUNS = 15
COMMANDS = {
    "python -c pass": [HERE, "-c", "pass"],
    "import diabolo": [HERE, "-c", "import diabolo"],
    "diabolo --help": [str(Path(HERE).parent / "diabolo"), "--help"],
}
LIMITS = {"import diabolo": 0.3, "diabolo --help": 0.5}


def run() -> None:
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for _ in range(RUNS + 1):
        for name, command in COMMANDS.items():
            seconds[name].append(timed(command))
    walls = {name: Spread.of(wall for wall, _ in runs[1:]) for name, runs in seconds.items()}
    processor = {name: Spread.of(cpu for _, cpu in runs[1:]) for name, runs in seconds.items()}
    figures = [{"command": name, "seconds": walls[name], "CPU-seconds": processor[name]} for name in COMMANDS]
    gates = [Gate(f"{name}: median seconds", walls[name].median, limit) for name, limit in LIMITS.items()]
    write("imports", figures, gates, {})


def timed(command: list[str]) -> tuple[float, float]:
    """The seconds of the wall and of the processor that a command took."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, os.times()
    spent = after.children_user - before.children_user + after.children_system - before.children_system
    return round(wall, 4), round(spent, 4)


if __name__ == "__main__":
    run()
