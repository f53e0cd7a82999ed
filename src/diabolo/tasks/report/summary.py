"""What must be known first: the winners and the losers against PCA, in sentences made from the figures."""

from __future__ import annotations

import numpy as np

from diabolo.tasks.comparison.record import REFERENCE, TOLERANCE, Comparison, Result
from diabolo.tasks.report import words
from diabolo.tasks.report.page import Sentence

CHANCE = 2.0  # standard errors of the mean difference, below which it may be chance


def summary(comparison: Comparison) -> tuple[Sentence, ...]:
    """A sentence for each winner, for each method that is worse than PCA anywhere, and for what equals it."""
    sentences = [_won(comparison, name) for name in comparison.methods]
    sentences += [_lost(comparison, name) for name in comparison.methods if name != REFERENCE]
    sentences += [_same(comparison, name) for name in comparison.methods if name != REFERENCE]
    sentences += [_copied(comparison)]
    sentences += [Sentence(f"{name} is left out: {reason}.") for name, reason in comparison.left_out.items()]
    return tuple(sentence for sentence in sentences if sentence)


def _won(comparison: Comparison, name: str) -> Sentence | None:
    won = [size for size in comparison.sizes if comparison.best(size).method == name]
    if not won:
        return None
    results = [comparison.best(size) for size in won]
    if name == REFERENCE:
        errors = words.listed([words.error(result.mse) for result in results])
        text = f"PCA has the least error at {_numbers(won)}: {errors}; no autoencoder here does better."
    else:
        pairs = [(words.error(r.mse), words.error(comparison.reference(r.size).mse)) for r in results]
        against = [f"{own} against PCA's {reference}" for own, reference in pairs]
        text = f"{name} has the least error at {_numbers(won)}: {words.listed(against)}{_chance(comparison, results)}."
    return Sentence(text, "best")


def _lost(comparison: Comparison, name: str) -> Sentence | None:
    lost = [r for r in comparison.results if r.method == name and comparison.excess(r) > 0]
    if not lost:
        return None
    by = words.listed([words.percent(comparison.excess(result)) for result in lost])
    text = f"{name} is worse than PCA at {_numbers([r.size for r in lost])}: {by} error{_chance(comparison, lost)}."
    return Sentence(text, "worse")


def _same(comparison: Comparison, name: str) -> Sentence | None:
    results = [r for r in comparison.results if r.method == name]
    if any(comparison.excess(result) for result in results):
        return None
    ratios = [abs(r.mse / max(comparison.reference(r.size).mse, 1e-300) - 1) for r in results]
    text = f"{name} is PCA: at every code length its error differs by less than {_power(max(ratios))} of PCA's"
    if name in comparison.cosines:
        text += f", and every component lies along PCA's (|cos| at least {comparison.cosines[name].min():.6f})"
    return Sentence(text + ".")


def _copied(comparison: Comparison) -> Sentence | None:
    copier = comparison.copier
    if copier is None:
        return None
    reference = comparison.reference(comparison.focus)
    text = (
        f"An overcomplete code of {copier.size} numbers without any pressure has an error of "
        f"{words.error(copier.mse)}, but its copy score is {copier.copy_score:.2f}, against "
        f"{reference.copy_score:.2f} of PCA with {comparison.focus} numbers: it has learned to copy, noise too."
    )
    return Sentence(text) if copier.copy_score > reference.copy_score else None


def _chance(comparison: Comparison, results: list[Result]) -> str:
    """A remark for the code lengths at which the difference from PCA may be chance, given the test images."""
    unsure = []
    for result in results:
        difference = result.errors - comparison.reference(result.size).errors
        error = float(difference.std(ddof=1)) / np.sqrt(len(difference))
        if abs(float(difference.mean())) < CHANCE * error:
            unsure.append(result.size)
    return f" (with {len(results[0].errors)} test images it may be chance at {_numbers(unsure)})" if unsure else ""


def _numbers(sizes: list[int]) -> str:
    return f"{words.listed(sizes)} number{'s' if sizes != [1] else ''}"


def _power(ratio: float) -> str:
    """The power of ten just above a small ratio, in words: one part in 10^12."""
    exponent = int(np.ceil(np.log10(min(max(ratio, 1e-16), TOLERANCE)) + 1e-9))
    return f"1e{exponent:+03d}"
