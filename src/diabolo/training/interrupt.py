"""Ctrl-C, obeyed between steps: a step that is half done could not be resumed to the same weights."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Within this block the first Ctrl-C waits until the yielded function is called, a second one does not.

    In threads other than the main one, which get no signals, nothing changes.
    """
    asked = threading.Event()

    def note(signum: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    def obey() -> None:
        if asked.is_set():
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield obey
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield obey
    finally:
        signal.signal(signal.SIGINT, before)


def ignore_in_worker(worker: int) -> None:
    """For worker processes: Ctrl-C in a terminal reaches them too, but ending them is their parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
