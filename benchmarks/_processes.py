"""Fresh processes to measure in, and environments for the peers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".bench"
HERE = sys.executable


def peer(name: str) -> str:
    """The interpreter of a peer's environment, which is made by `peers/NAME.txt` if it is not there yet.

    Lines that begin with `# without: ` name packages to remove again after installing.
    """
    folder, wanted = ENVIRONMENTS / name, Path(__file__).parent / "peers" / f"{name}.txt"
    python, made = folder / "bin" / "python", folder / ".made"
    text = wanted.read_text(encoding="utf-8")
    if made.exists() and made.read_text(encoding="utf-8") == text:
        return str(python)
    print(f"making the environment of {name} in {folder}", file=sys.stderr)
    subprocess.run([HERE, "-m", "venv", "--clear", folder], check=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # torch first and by itself: pip then takes the build it finds here, whatever the peer asks for.
    for line in (line for line in text.splitlines() if line and not line.startswith("#")):
        subprocess.run([*pip, "install", line], check=True)
    for line in (line for line in text.splitlines() if line.startswith("# without: ")):
        subprocess.run([*pip, "uninstall", "--yes", line.removeprefix("# without: ")], check=True)
    made.write_text(text, encoding="utf-8")
    return str(python)


def fit_command(recipe: str, source: str, options: dict[str, Any]) -> str:
    """The command line that trains as the worker `ours` does."""
    flags = (f"--{name.replace('_', '-')} {value}" for name, value in options.items())
    return " ".join(["diabolo fit", recipe, source, *flags])


def given(options: dict[str, Any]) -> list[str]:
    """Options as the workers take them."""
    return [f"{name}={value}" for name, value in options.items()]


def measured(worker: str, *arguments: Any, python: str = HERE, threads: int = 2) -> dict[str, Any]:
    """What `_workers/WORKER.py` reports, as a JSON object in its last line, from a fresh process."""
    script = Path(__file__).parent / "_workers" / f"{worker}.py"
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    environment = os.environ | limits | {"OMP_WAIT_POLICY": "PASSIVE"}
    command = [python, str(script), *map(str, arguments)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout.splitlines()[-1])
    print(f"{worker} {' '.join(map(str, arguments))}: {json.dumps(report)}", file=sys.stderr)
    return report
