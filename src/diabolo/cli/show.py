"""What a person sees while a command works: progress and notes on stderr, results on stdout."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from diabolo.events import Evaluated, Event, Note, Passed, Started, Stepped

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Show:
    """Draws events. Progress is drawn only where stderr is a terminal; notes are always told, once each."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet  # --json: no text on stdout
        self.leading = os.environ.get("RANK", "0") == "0"  # of torchrun's processes one speaks
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._told: set[str] = set()
        self._held_out, self._total, self._drawn = 0, 0, 0.0

    def say(self, text: str) -> None:
        """A line of the result, on stdout; nothing with --json."""
        self.close()
        if not self.quiet and self.leading:
            # A model's file may hold any text; the terminal obeys control characters.
            print("".join(c if c.isprintable() or c == "\n" else "?" for c in text), flush=True)

    def listen(self, event: Event) -> None:
        """Draw one event."""
        if not self.leading:
            return
        if isinstance(event, Note):
            self._note(event)
        elif isinstance(event, Started):
            self._held_out = event.held_out
            resumed = f", going on from step {event.done}" if event.done else ""
            self._line(
                f"training on {event.images} images ({event.held_out} held out), "
                f"{event.parameters:,} parameters, {event.steps} steps{resumed}"
            )
            self._bar(event.done, event.steps, "")
        elif isinstance(event, Stepped):
            text = f"epoch {event.epoch + 1}, loss {event.loss:.4g} nats, {event.images_per_second:,.0f} images/s"
            self._bar(event.step, event.steps, text)
        elif isinstance(event, Passed):
            self._bar(event.done, event.total, event.kind)
        elif isinstance(event, Evaluated):
            where = "held-out " if self._held_out else ""
            mark = " *" if event.best and self._held_out else ""
            self._line(
                f"epoch {event.epoch + 1}: {where}loss {event.loss:.6g} nats per image{mark}", only_terminal=True
            )

    def close(self) -> None:
        """Put the progress bar away; a new one is drawn when there is something new."""
        if self._progress:
            self._progress.stop()
        self._progress = self._task = None

    def _note(self, note: Note) -> None:
        if note.text not in self._told:
            self._told.add(note.text)
            self._line(("warning: " if note.warning else "") + note.text)

    def _line(self, text: str, only_terminal: bool = False) -> None:
        if self._progress:
            self._progress.console.print(text, markup=False, highlight=False)
        elif not only_terminal or sys.stderr.isatty():
            print(text, file=sys.stderr, flush=True)

    def _bar(self, done: int, total: int, text: str) -> None:
        if not sys.stderr.isatty():
            return
        if not self._progress or self._total != total:
            self.close()
            self._progress, self._task, self._total = _bar(), None, total
            self._progress.start()
            self._task = self._progress.add_task("", total=total, text=text)
        if done == total or time.monotonic() - self._drawn > 0.1:  # drawing costs more than a small step
            self._drawn = time.monotonic()
            assert self._task is not None
            self._progress.update(self._task, completed=done, text=text)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[text]}"))
    return Progress(*columns, console=Console(stderr=True))
