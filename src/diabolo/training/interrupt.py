"""Ctrl-C, obeyed between steps: a step that is half done could not be resumed to the same weights."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Within this block the first Ctrl-C only makes the yielded function say True; a second one does not wait.

    In threads other than the main one, which get no signals, nothing changes.
    """
    asked = threading.Event()

    def note(signum: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def ignore_in_worker(worker: int) -> None:
    """For worker processes: Ctrl-C in a terminal reaches them too, but ending them is their parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
