"""Figures in words: errors, seconds, bytes, and lists of names."""

from __future__ import annotations

import math
from collections.abc import Sequence


def error(value: float) -> str:
    """A mean squared error with three significant digits: `0.00519`.

    >>> error(0.00519321), error(1.5e-7)
    ('0.00519', '1.50e-07')
    """
    if value and value < 1e-4:
        return f"{value:.2e}"
    return f"{value:.{max(2, 2 - math.floor(math.log10(value)))}f}" if value else "0"


def percent(ratio: float) -> str:
    """A ratio that was compared with 1, signed.

    >>> percent(0.127), percent(-0.5), percent(0.0012)
    ('+13 %', '−50 %', '+0.12 %')
    """
    size = abs(ratio) * 100
    digits = 0 if size >= 10 else 1 if size >= 1 else 2
    sign = "−" if ratio < 0 else "+"
    return f"{sign}{size:.{digits}f} %" if size >= 0.005 else "±0 %"


def seconds(value: float) -> str:
    """A time in the unit that suits it.

    >>> seconds(0.0021), seconds(12.34), seconds(3e-6)
    ('2.1 ms', '12.3 s', '3.0 µs')
    """
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1, 1e3, "ms"), (600, 1, "s")):
        if value < limit:
            return f"{value * factor:.{1 if value * factor < 100 else 0}f} {unit}"
    return f"{value / 60:.0f} min"


def size(count: int | None) -> str:
    """Bytes in the unit that suits them; a dash where they are not known.

    >>> size(5_200_000), size(None)
    ('5.2 MB', '–')
    """
    if count is None:
        return "–"
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count} B"


def listed(words: Sequence[object]) -> str:
    """A list in words.

    >>> listed([2, 8, 16])
    '2, 8 and 16'
    """
    texts = [str(word) for word in words]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
