"""The page: what must be known first, then pictures, figures with floor and ceiling, copies, and how all was found."""

from __future__ import annotations

import math
import os

import numpy as np

from diabolo.fidelity import Interval
from diabolo.tasks.quality import sheets
from diabolo.tasks.quality.memory import KEPT
from diabolo.tasks.quality.record import Figure, Quality, Usefulness
from diabolo.tasks.quality.verdicts import beyond, interval, points, share, verdicts
from diabolo.tasks.report.page import Block, Cell, Page, Section, Sentence, Table, write_page

COLUMNS = 24  # of a table that are told one by one
ARMS = {"real": "real", "synthetic": "synthetic", "both": "real + synthetic"}


def write_report(quality: Quality, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all. Raises `Mistake` where the path cannot be written."""
    write_page(page(quality), path)


def page(quality: Quality) -> Page:
    """The whole page."""
    real, synthetic = quality.real, quality.synthetic
    lead = f"{synthetic.description}, beside {real.description}."
    sections = [Section("figures", "How alike they are", (_figures(quality), Sentence(_read(quality))))]
    if quality.usefulness:
        sections.insert(
            0, Section("usefulness", "What it teaches", tuple(_usefulness(quality.usefulness, quality.real.noun)))
        )
    if quality.columns:
        sections.append(Section("columns", "Column by column", (_columns(quality),)))
    else:
        sections.insert(0, Section("pictures", "Real beside synthetic", (sheets.beside(quality),)))
        sections.append(Section("apart", "What gives it away", (sheets.apart(quality),)))
    sections.append(Section("copies", "Is it copied?", tuple(_copies(quality))))
    sections.append(Section("method", "How it was measured", tuple(Sentence(text) for text in _method(quality))))
    return Page("What a synthetic set is worth", lead, verdicts(quality), tuple(sections), _foot(quality))


def _figures(quality: Quality) -> Table:
    head = tuple(Cell(text) for text in ("", "real against real", "synthetic", "spoilt"))
    rows = tuple(_row(figure) for figure in quality.figures)
    spoilt = "every pixel from another picture"
    if quality.columns:
        spoilt = "every value from another row; for columns and pairs, values drawn evenly"
    silent = " Tells nothing here: spoilt ones do no worse than real ones, as where there are few."
    caption = (
        f"Floor, figure, ceiling, on as many of each: real against other real ones; synthetic; spoilt ({spoilt}). "
        f"Distances in {quality.features}, scaled to a mean variance of 1. Below: the 95 % interval, where known."
        + ("" if all(figure.tells for figure in quality.figures) else silent)
    )
    return Table(head, rows, caption)


def _row(figure: Figure) -> tuple[Cell, ...]:
    kind = "distance" in figure.name
    cells = (_cell(value, kind) for value in (figure.floor, figure.value, figure.ceiling))
    return (Cell(figure.title, "" if figure.tells else "tells nothing here"), *cells)


def _cell(value: Interval, distance: bool) -> Cell:
    tell = _distance if distance else _plain
    below = "" if math.isnan(value.low) else f"{tell(value.low)} to {tell(value.high)}"
    return Cell(tell(value.value), below)


def _plain(value: float) -> str:
    return f"{value:.3f}"


def _distance(value: float) -> str:
    return (f"{value:.3g}" if abs(value) >= 1e-3 else f"{value:.4f}").replace("-", "−")


def _read(quality: Quality) -> str:
    words = (
        "Precision: synthetic ones that lie where real ones lie. Recall: real ones that lie where synthetic ones lie. "
        "Density: how thickly synthetic ones lie among the real, 1 = as expected. Coverage: places of real ones that a "
        f"synthetic one reaches. Told apart: a classifier's accuracy on {quality.real.noun}s it did not learn from, "
        ".5 = by chance."
    )
    if not quality.columns:
        return words
    return words + " Column shape and pair trends: 0 = as in the real table, 1 = nothing in common."


def _usefulness(found: Usefulness, noun: str) -> list[Block]:
    gains = {"synthetic": found.synthetic_gain, "both": found.both_gain}
    head = [Cell("learned from"), Cell("count"), Cell("accuracy"), Cell("less real, points")]
    head += [Cell("AUROC")] if found.aurocs else []
    rows = []
    for arm, values in found.accuracies.items():
        spread = f"{share(values.min())} to {share(values.max())}"
        gain = gains.get(arm)
        mark = "" if gain is None else "best" if gain.low > found.given_away else "worse" if gain.high < 0 else ""
        row = [Cell(ARMS[arm]), Cell(str(found.counts[arm])), Cell(share(values.mean()), spread)]
        row.append(Cell("–") if gain is None else Cell(points(gain.value), interval(gain, points), mark))
        row += [Cell(f"{found.aurocs[arm].mean():.3f}")] if found.aurocs else []
        rows.append(tuple(row))
    caption = (
        f"Accuracy on {found.tested} real ones that no classifier learned from: the mean of "
        f"{len(found.accuracies['real'])} seeds, least and greatest below. Differences are paired by seed and {noun}; "
        f"their 95 % interval tells of other seeds and other {noun}s. All classifiers make equally many steps. Always "
        f"naming the most frequent class: {share(found.chance)}."
    )
    return [Table(tuple(head), tuple(rows), caption)]


def _columns(quality: Quality) -> Table:
    found = quality.columns
    assert found is not None
    order = np.argsort(-found.shapes, kind="stable")[:COLUMNS]
    rows = []
    for i in order:
        pairs = found.pairs[i]
        worst = int(np.nanargmax(pairs)) if len(pairs) > 1 else -1
        beside = f"{pairs[worst]:.3f}, with {found.names[worst]}" if worst >= 0 else "–"
        mean = f"{np.nanmean(pairs):.3f}" if worst >= 0 else "–"
        kind = "categories" if found.categorical[i] else "numbers"
        rows.append((Cell(found.names[i]), Cell(kind), Cell(f"{found.shapes[i]:.3f}"), Cell(mean), Cell(beside)))
    head = tuple(Cell(text) for text in ("column", "holds", "shape error", "pairs, mean", "worst pair"))
    hidden = len(found.names) - len(order)
    rest = f" Not shown: {hidden} with smaller errors of shape." if hidden else ""
    caption = (
        "Shape: the Kolmogorov-Smirnov distance of numbers, or the total variation of categories. Pairs: half the "
        f"difference of correlations, or the total variation of the table of both.{rest}"
    )
    return Table(head, tuple(rows), caption)


def _copies(quality: Quality) -> list[Block]:
    memory = quality.memory
    copied = memory.copying.share
    rows = [
        (
            f"nearer than {beyond(memory.copying)}",
            share(memory.copying.chance),
            Cell(share(copied.value), interval(copied, share)),
            "100 %",
        ),
        ("equal in every value", share(memory.real_copies), Cell(share(memory.copies.mean())), "100 %"),
    ]
    if memory.nearer and memory.membership:
        told = memory.membership
        cell = Cell(share(memory.nearer.value), interval(memory.nearer, share))
        rows.append(("nearest real one was learned from, not held out", share(memory.nearer_by_chance), cell, "100 %"))
        rows.append(("who was learned from, AUROC", "0.500", Cell(_plain(told.value), interval(told, _plain)), "1.000"))
    head = tuple(Cell(text) for text in ("synthetic ones", "nothing copied", "here", "all copied"))
    who = (
        "Who was learned from: how well the distance to the nearest synthetic one tells them from those that were held "
        "out. "
    )
    caption = (
        f"Looked for among {memory.searched} real ones. {who if memory.membership else ''}"
        "Nothing copied, equal in every value: "
        + ("held-out ones that stand among the real." if quality.held_out else "real ones that stand there twice.")
    )
    table = Table(head, tuple((Cell(name), Cell(floor), cell, Cell(all_)) for name, floor, cell, all_ in rows), caption)
    return [table] if quality.columns else [table, sheets.suspicious(quality)]


def _method(quality: Quality) -> list[str]:
    counts = quality.compared
    told = [
        f"{quality.real.of} real and {quality.synthetic.of} synthetic were there, of which {len(quality.real)} and "
        f"{len(quality.synthetic)} were read, drawn at random. Classifiers learned from {counts['learned_from']} real "
        f"ones and were tested on {counts['tested_on']} others"
        + (", which were held out." if quality.held_out else ", the other half of the real set."),
        f"Distances and neighbourhoods (of 5) are measured in {quality.features}. No network from elsewhere was used, "
        "so that they can be compared with other figures of this page only, and not with published ones.",
        f"Copies are looked for by the distance in {_space(quality)}. How near is usual is told by "
        + ("held-out ones." if quality.held_out else "each real one beside all the others."),
    ]
    return told + list(quality.notes)


def _space(quality: Quality) -> str:
    """Where copies are looked for, in words."""
    if math.prod(quality.conversion.shape) <= KEPT:
        return "the standardised columns" if quality.columns else "all pixels"
    hides = "" if quality.columns else ", so that blur or grain hides none"
    return f"the {KEPT} leading principal components of all sets together{hides}"


def _foot(quality: Quality) -> str:
    held = f", held out: {quality.held_out.description}" if quality.held_out else ""
    return f"Real: {quality.real.description}; synthetic: {quality.synthetic.description}{held}."
