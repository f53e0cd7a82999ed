"""What must be known first, in sentences made from the figures; bad news is as bold as good news."""

from __future__ import annotations

import math
from collections.abc import Callable

from diabolo.fidelity import Copying, Interval
from diabolo.fidelity.copying import QUANTILE
from diabolo.tasks.quality.record import HALF, Quality, Usefulness
from diabolo.tasks.report.page import Sentence

NOTABLE = 2  # times what is expected: a share of copies from here on is told as bad
USEFUL = 0.01  # a gain of accuracy that surely stays below it is of no use
VAGUE = 0.2  # a wider interval of an accuracy says nothing good: so few images hide any difference


def verdicts(quality: Quality) -> tuple[Sentence, ...]:
    """A sentence on each question that the page answers, and what was not measured."""
    told = _taught(quality.usefulness) if quality.usefulness else []
    told += [_apart(quality), _covered(quality), _copied(quality)]
    return (*told, *(Sentence(note) for note in quality.notes))


def _taught(found: Usefulness) -> list[Sentence]:
    gain = found.both_gain
    by = f"{points(gain.value)} points, 95 % interval {interval(gain, points)}"
    if found.helps:
        first = Sentence(f"It helps: real + synthetic teaches more than real alone ({by}).", "best")
    elif gain.low > 0:
        text = f"Whether it helps cannot be told: {share(found.given_away)} of the real ones that were tested on"
        first = Sentence(f"{text} stand in the synthetic set itself ({by}).", "worse")
    elif gain.value > 0 and gain.high >= USEFUL:
        text = f"As far as this shows, it does not help: the gain over real alone may be chance ({by})."
        first = Sentence(text, "worse")
    else:
        verdict = "less than" if gain.high < 0 else "no more than" if gain.value <= 0 else "hardly more than"
        first = Sentence(f"It does not help: real + synthetic teaches {verdict} real alone ({by}).", "worse")
    accuracies = {arm: share(values.mean()) for arm, values in found.accuracies.items()}
    as_many = "as many real" if found.counts["synthetic"] == found.counts["real"] else f"{found.counts['real']} real"
    text = (
        f"{found.counts['synthetic']} synthetic alone teach {accuracies['synthetic']}, {as_many} {accuracies['real']}."
    )
    told = [first, Sentence(text)]
    if found.missing:
        lacks = ", ".join(found.missing[:10]) + (" and more" if len(found.missing) > 10 else "")
        told.append(Sentence(f"Classes that the synthetic set lacks: {lacks}.", "worse"))
    return told


def _apart(quality: Quality) -> Sentence:
    figure = quality.telling.figures[0]
    text = (
        f"A classifier tells synthetic from real in {share(figure.value.value)} of cases "
        f"({interval(figure.value, share)}); two real sets in {share(figure.floor.value)}."
    )
    if figure.value.low > max(HALF, figure.floor.high):
        return Sentence(text, "worse")
    if not figure.tells:
        return Sentence(f"{text} Spoilt ones do no worse, so that it tells nothing here.")
    if figure.value.high - figure.value.low > VAGUE:
        return Sentence(f"{text} There are too few to say that they are alike.")
    return Sentence(text, "best")


def _covered(quality: Quality) -> Sentence:
    found = {figure.name: figure for figure in quality.likeness}
    precision, coverage = found["precision"], found["coverage"]
    silent = " and ".join(one.title for one in (precision, coverage) if not one.tells)
    return Sentence(
        f"{share(precision.value.value)} of the synthetic lie where real ones lie (real ones themselves: "
        f"{share(precision.floor.value)}); {share(coverage.value.value)} of the real ones' places are covered "
        f"({share(coverage.floor.value)})."
        + (f" Spoilt ones do no worse in {silent}, so that it tells nothing here." if silent else "")
    )


def _copied(quality: Quality) -> Sentence:
    memory = quality.memory
    near, chance, copies = memory.copying.share, memory.copying.chance, int(memory.copies.sum())
    told = f"{share(near.value)} lie nearer to a real one than {beyond(memory.copying)} do"
    expected = f"(expected: {100 * chance:.3g} %)"
    near_copies = near.value > chance + (NOTABLE - 1) * QUANTILE and near.low > chance
    doubt = " The held-out ones are of another kind, which may be all that this shows." if quality.unlike else ""
    # What is blurred may lie near to all real ones, and not to those that were learned from alone, as copies do.
    from_learned = memory.nearer is None or memory.nearer.low > memory.nearer_by_chance
    if near_copies and from_learned and near.value > HALF >= copies / len(memory.copies):
        exact = f"; exact copies: {copies}" if copies else ""
        sure = "may be" if doubt else "are"
        return Sentence(f"Most {sure} near copies of real ones: {told} {expected}{exact}.{doubt}", "worse")
    if copies > NOTABLE * memory.real_copies * len(memory.copies):
        return Sentence(f"{copies} of {len(memory.copies)} are exact copies of real ones; {told}.", "worse")
    if near_copies:
        return Sentence(f"Some may be copied: {told} {expected}.{doubt}", "worse")
    if memory.nearer and memory.remembered:
        told = f"the nearest real one of {share(memory.nearer.value)} was learned from and not held out"
        expected = f"(expected: {share(memory.nearer_by_chance)})"
        return Sentence(f"It shows what was learned from: {told} {expected}. No one lies very near.{doubt}", "worse")
    return Sentence(f"No sign of copying: {told} {expected}.", "best")


def beyond(found: Copying) -> str:
    """Whom the limit of what is near was taken from."""
    return "99 % of unseen real ones" + (" that equal none" if found.chance > QUANTILE else "")


def share(value: float) -> str:
    """A share in per cent.

    >>> share(0.98765), share(float("nan"))
    ('98.8 %', '–')
    """
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"


def points(value: float) -> str:
    """A difference of shares in points, signed.

    >>> points(-0.0026), points(0.01)
    ('−0.26', '+1.00')
    """
    return f"{100 * value:+.2f}".replace("-", "−")


def interval(value: Interval, tell: Callable[[float], str]) -> str:
    """The ends of an interval in words."""
    return "" if math.isnan(value.low) else f"{tell(value.low)} to {tell(value.high)}"
