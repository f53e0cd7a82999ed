"""Ctrl-C and SIGTERM, obeyed between steps: a step that is half done could not be resumed to the same weights."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

GRACE = 5  # seconds that worker processes outlive SIGTERM


@contextlib.contextmanager
def held_back(ending: bool = True) -> Iterator[Callable[[], bool]]:
    """Within this block the first Ctrl-C only makes the yielded function say True; a second one does not wait.

    So does SIGTERM, unless not `ending`; behind the block it goes to whoever got it before, who by default ends the
    program. In threads other than the main one, which get no signals, nothing changes.
    """
    asked, told_to_end, process = threading.Event(), threading.Event(), os.getpid()

    def note(signum: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    def note_end(signum: int, frame: Any) -> None:
        if os.getpid() != process:  # a worker, which has nothing to keep
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        elif told_to_end.is_set():
            signal.signal(signum, before_end)
            signal.raise_signal(signum)
        told_to_end.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before, before_end = signal.signal(signal.SIGINT, note), signal.getsignal(signal.SIGTERM)
    ending = ending and before_end not in (None, signal.SIG_IGN)  # None: one that is not Python's
    if ending:
        signal.signal(signal.SIGTERM, note_end)
    try:
        yield lambda: asked.is_set() or told_to_end.is_set()
    finally:
        signal.signal(signal.SIGINT, before)
        if ending:
            signal.signal(signal.SIGTERM, before_end)
        if told_to_end.is_set():
            signal.raise_signal(signal.SIGTERM)


def ignore_in_worker(worker: int) -> None:
    """For worker processes: signals to all of a group reach them too, but ending them is their parent's business.

    They outlive SIGTERM for a while, in which it writes a last checkpoint.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGTERM, _end_later)


def _end_later(signum: int, frame: Any) -> None:
    signal.alarm(GRACE)
