"""What an explanation says: which places made a score, what stood there, and what would be normal."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

DIGITS = 6  # significant, of numbers that are told


@dataclasses.dataclass(frozen=True)
class Reason:
    """A feature of a table, or a region of a picture, in the data's own units (of a region: means over its pixels)."""

    place: str  # the column's name, or the region in words
    where: tuple[int, ...]  # (column,), or (top, left, bottom, right) in pixels, the last two beyond the region
    seen: float  # NaN: it was missing
    expected: float  # what the network makes of this place from the rest, once the input is repaired
    spread: float  # one standard deviation of such guesses on normal data
    gain: float  # how much the score rises when this place is repaired too
    repaired: float | None = None  # what it was changed to; None where nothing was

    def text(self) -> str:
        """In words: `age: seen 93, expected 41 ± 6 (+3.2)`."""
        seen = "missing" if math.isnan(self.seen) else f"seen {number(self.seen, self.spread)}"
        expected = f"expected {number(self.expected, self.spread)} ± {self.spread:.2g}"
        return f"{self.place}: {seen}, {expected} ({self.gain:+.2g})"

    def to_dict(self) -> dict[str, Any]:
        told = dataclasses.asdict(self)
        told["where"] = list(self.where)
        return {key: _plain(value) if isinstance(value, float) else value for key, value in told.items()}


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why one image or row has its score: the fewest changes found that make it normal, and what each brings.

    The gains of `reasons`, in their order, sum up to the score of what is repaired less the score of what was seen.
    """

    name: str
    score: float  # higher = more normal
    p_value: float  # how probable it is that a normal one scores as low
    alpha: float  # up to this p-value it counts as abnormal
    repaired_score: float
    repaired_p_value: float
    reasons: tuple[Reason, ...]  # what was changed, the change that raises the score most first
    others: tuple[Reason, ...]  # the next ones, which were left as they are: what changing each alone would bring
    image: np.ndarray  # as seen
    repaired: np.ndarray  # of the same shape and type
    strength: np.ndarray  # (d,) or (h, w): how much each place counts, 0 = not at all; the order of the explanation
    heat: np.ndarray  # the model's map: (d,), (h, w), or one number where no witness knows places

    @property
    def abnormal(self) -> bool:
        """Is it called abnormal at `alpha`?"""
        return self.p_value <= self.alpha

    @property
    def is_repaired(self) -> bool:
        """Would it be normal after the changes?"""
        return self.repaired_p_value > self.alpha

    @property
    def order(self) -> np.ndarray:
        """Places from the one that counts most to the one that counts least, as indices of the flat image."""
        return np.argsort(-self.strength.reshape(-1), kind="stable")

    def text(self) -> str:
        """Some lines for a person."""
        verdict = "abnormal" if self.abnormal else "normal"
        lines = [f"{self.name}: {verdict}, score {self.score:.3g}, p = {self.p_value:.3g}"]
        lines += [f"  {reason.text()}" for reason in self.reasons]
        if self.reasons:
            after = "then normal" if self.is_repaired else "still abnormal"
            lines.append(f"  {after}: score {self.repaired_score:.3g}, p = {self.repaired_p_value:.3g}")
        elif self.abnormal:
            lines.append("  no change of a single place raises its score")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON; pictures are not in it, a repaired row is."""
        told: dict[str, Any] = {
            "name": self.name,
            "abnormal": self.abnormal,
            "score": _plain(self.score),
            "p_value": _plain(self.p_value),
            "alpha": self.alpha,
            "repaired_score": _plain(self.repaired_score),
            "repaired_p_value": _plain(self.repaired_p_value),
            "is_repaired": self.is_repaired,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "others": [reason.to_dict() for reason in self.others],
        }
        if self.image.ndim == 1:
            told["repaired"] = [_plain(float(value)) for value in self.repaired]
        return told


def _plain(value: float) -> float | None:
    """A number of few digits, None where there is none: JSON knows no NaN."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def number(value: float, spread: float) -> str:
    """A number with as many digits as its spread leaves it.

    >>> number(41.2345, 6.1), number(0.01234567, 0.0001), number(1234567.0, 5000.0)
    ('41', '0.0123', '1235000')
    """
    if not math.isfinite(value) or spread <= 0 or not math.isfinite(spread):
        return f"{value:.4g}"
    places = max(0, -math.floor(math.log10(spread)) if spread < 1 else 0)
    if spread < 1:
        return f"{value:.{min(places, 12)}f}"
    unit = 10.0 ** max(0, math.floor(math.log10(spread)) - 0)
    return f"{round(value / unit) * unit:.0f}" if unit > 100 else f"{value:.0f}"
