"""Run one command of diabolo in this process and report its peak memory and time: commanded.py VERB ARGUMENTS ..."""

from __future__ import annotations

import contextlib
import sys

from _measure import Clock, peak, report

clock = Clock()
from diabolo.cli import main  # noqa: E402  what a user waits for is counted

with contextlib.redirect_stdout(sys.stderr):
    code = main(sys.argv[1:])
if code:
    raise SystemExit(code)
report(**clock.read(), peak_mib=round(peak(), 1))
