"""The six points of the comparison, each shown by something that was measured on these images."""

from __future__ import annotations

from diabolo.tasks.comparison.record import REFERENCE, Comparison, Result, Traits
from diabolo.tasks.report import words
from diabolo.tasks.report.page import Cell, Table


def table(comparison: Comparison) -> Table:
    """A row for each point and a column for each method, at the code length in focus."""
    results = [result for result in comparison.at(comparison.focus) if result.method in comparison.traits]
    pairs = [(result, comparison.traits[result.method]) for result in results]
    size = comparison.focus
    smaller = comparison.nested_size
    nested = f", share of the {smaller}-number code that this code tells" if smaller else ""
    points = (
        ("Method", "the error relative to PCA's, and how the weights were found", _method),
        ("Linearity", "distance of f(mean of two images) from mean of f of each: encoder, and whole way", _linearity),
        ("Learning", "CPU-seconds of training, and the way to PCA's error on the validation images", _learning),
        (
            "Reduction",
            f"variance kept; explicit: {size} numbers, dimensions used; implicit: dimensions spanned",
            _reduction,
        ),
        ("Interpretability", f"neighbours in order of variance, correlation between numbers{nested}", _meaning),
        ("Scale", "growth of time for four times the images; time of one fit or epoch; size of the model", _scale),
    )
    head = (Cell(""), *(Cell(result.method) for result in results))
    rows = tuple(
        (Cell(name, about), *(cell(comparison, result, traits) for result, traits in pairs))
        for name, about, cell in points
    )
    caption = f"All with a code of {size} numbers, on test images where nothing else is said. The terms are at the end."
    return Table(head, rows, caption, wordy=True)


def _method(comparison: Comparison, result: Result, traits: Traits) -> Cell:
    how = f"{result.steps} steps" if result.steps else "closed form"
    excess = comparison.excess(result)
    if result.method == REFERENCE:
        return Cell("the reference", how)
    return Cell(f"{words.percent(excess)} error" if excess else "PCA's error", how, _mark(excess))


def _mark(excess: float) -> str:
    return "worse" if excess > 0 else "best" if excess < 0 else ""


def _linearity(comparison: Comparison, result: Result, traits: Traits) -> Cell:
    return Cell(_failure(traits.encoder_failure), f"{_failure(traits.whole_failure)} whole way")


def _failure(ratio: float) -> str:
    return f"{ratio:.0e}" if ratio < 1e-3 else f"{100 * ratio:.1f} %"


def _learning(comparison: Comparison, result: Result, traits: Traits) -> Cell:
    if not result.curve:
        return Cell(words.seconds(result.cpu_seconds), f"{result.epochs} epochs" if result.steps else "in one go")
    bar = max(comparison.validation_bar, 1e-300)
    errors = [error / bar for _, error in result.curve]
    reached = [epoch for epoch, ratio in enumerate(errors, 1) if ratio <= 1]
    end = f"reached at epoch {reached[0]}" if reached else f"×{errors[-1]:.2f} at epoch {len(errors)}"
    return Cell(words.seconds(result.cpu_seconds), f"×{errors[0]:.1f} at epoch 1\n{end}")


def _reduction(comparison: Comparison, result: Result, traits: Traits) -> Cell:
    kept = 1 - result.mse / max(float(comparison.images.test.var(0).mean()), 1e-300)
    return Cell(f"{100 * kept:.1f} % kept", f"uses {traits.used:.1f} of {result.size}\nspans {traits.spanned}")


def _meaning(comparison: Comparison, result: Result, traits: Traits) -> Cell:
    nested = "" if traits.nested is None else f"\n{100 * traits.nested:.0f} % nested"
    return Cell(f"{100 * traits.ordered:.0f} % in order", f"correlation {traits.correlation:.2f}{nested}")


def _scale(comparison: Comparison, result: Result, traits: Traits) -> Cell:
    times = [seconds for _, seconds in traits.fits]
    growth = f"×{times[-1] / max(times[0], 1e-9):.1f} time" if len(times) > 1 else "–"
    each = "an epoch" if result.steps else "a fit"
    return Cell(growth, f"{words.seconds(times[-1])} {each}\n{words.size(result.bytes)}")
