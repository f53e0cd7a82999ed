"""The errors of diabolo: the user's mistakes, told in one line, and a training that diverged."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

LONGEST = 600  # characters of one part of a message; what is longer quotes somebody's file


class Mistake(ValueError):
    """What the user asked for cannot be done; the message is one line and names the way out.

    Four parts: what is wrong, what was got, what is allowed, what to type instead. The command line prints the
    line on stderr and exits with code 2; in Python it is a `ValueError`. Whatever the parts quote, the message stays
    one line of readable length.

    >>> str(Mistake("the latent size is too small", got="0", allowed="1 or more", remedy="--latent.size 32"))
    'the latent size is too small: got 0; allowed: 1 or more; try: --latent.size 32'
    """

    def __init__(self, wrong: str, got: str = "", allowed: str = "", remedy: str = "") -> None:
        super().__init__(wrong, got, allowed, remedy)
        self.wrong, self.got, self.allowed, self.remedy = map(_line, (wrong, got, allowed, remedy))

    def __str__(self) -> str:
        detail = [f"got {self.got}"] if self.got else []
        detail += [f"allowed: {self.allowed}"] if self.allowed else []
        remedy = self.remedy if self.remedy.startswith("did you mean") else f"try: {self.remedy}"
        detail += [remedy] if self.remedy else []
        return self.wrong + (": " if detail else "") + "; ".join(detail)


class Diverged(RuntimeError):
    """The loss exploded, or is no number; `model` has the last good weights, None if no epoch was survived.

    `learned`: whether its network learned to the end, and it was a prior that did not.
    """

    model: Any = None
    learned = False


def _line(text: str) -> str:
    """Text without line breaks and other control characters, its middle left out where it is very long."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= LONGEST else f"{line[: LONGEST * 2 // 3]} ... {line[-LONGEST // 3 :]}"


def unknown(what: str, got: str, allowed: Iterable[str]) -> Mistake:
    """The mistake of a name that is not in a table, with the nearest names as the remedy."""
    names = list(allowed)
    near = difflib.get_close_matches(got[:100], names, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else ""
    listed = ", ".join(names) if len(names) <= 20 or not near else ""
    return Mistake(f"unknown {what}", got=repr(got), allowed=listed, remedy=remedy)
