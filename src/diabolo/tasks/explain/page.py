"""The page: what was found in each image, what the model needs, what its code means, and whether all this is true."""

from __future__ import annotations

import collections
import os

import numpy as np

from diabolo.model import Model
from diabolo.tasks.detect.overlay import overlay
from diabolo.tasks.explain import drawings, workings
from diabolo.tasks.explain.reasons import Explanation, Reason, number
from diabolo.tasks.explain.study import Study
from diabolo.tasks.report.page import Block, Cell, Page, Section, Sentence, Sheet, Table, write_page

MOST = 24  # images or rows that are shown
NAMED = 4  # places in one sentence


def write_report(study: Study, model: Model, path: str | os.PathLike[str]) -> None:
    """Write the page, whole or not at all. Raises `Mistake` where the path cannot be written."""
    write_page(page(study, model), path)


def page(study: Study, model: Model) -> Page:
    """The whole page of a study."""
    kind = "rows" if study.columns else "pictures"
    lead = (
        f"{len(study.explanations)} {kind}, judged at a rate of false alarms of {study.alpha:g}. Of each abnormal one: "
        "the fewest changes found that make it normal. Scores are higher for what is more normal."
    )
    chosen = sorted((one for one in study.explanations if one.abnormal), key=lambda one: one.score)
    chosen = (chosen or sorted(study.explanations, key=lambda one: one.score))[:MOST]
    explained = _rows(chosen) if study.columns else _pictures(chosen, study, model)
    hidden = len(study.explanations) - len(chosen)
    explained += (Sentence(f"Not shown: {hidden} that are more normal than these."),) if hidden else ()
    sections = (
        Section("explained", "What is abnormal, and what would be normal", explained),
        *workings.sections(study, model),
    )
    source = model.provenance.get("source", "unknown data")
    return Page("Why these scores", lead, _summary(study), sections, f"Model of {source}.")


def _summary(study: Study) -> tuple[Sentence, ...]:
    found = study.explanations
    abnormal = [one for one in found if one.abnormal]
    told = [Sentence(f"{len(abnormal)} of {len(found)} are abnormal.", "worse" if abnormal else "best")]
    if abnormal:
        repaired = [one for one in abnormal if one.is_repaired]
        count = sum(len(one.reasons) for one in repaired) / max(1, len(repaired))
        what = "features" if study.columns else "regions"
        told.append(Sentence(f"{len(repaired)} of these become normal by changing {count:.1f} {what} on average."))
    if study.columns:
        blamed = collections.Counter(reason.place for one in abnormal for reason in one.reasons)
        most = ", ".join(f"{place} ({times})" for place, times in blamed.most_common(NAMED))
        told += [Sentence(f"Most often to blame: {most}.")] if most else []
    return (*told, *workings.verdicts(study), *(Sentence(f"{note}.") for note in study.notes))


def _rows(chosen: list[Explanation]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for one in chosen:
        blocks.append(Sentence(_verdict(one), "worse" if one.abnormal else "plain"))
        if one.reasons or one.abnormal:
            blocks.append(_reasons(one))
    meaning = (
        "Seen: what stood in the row. Expected: what the row's other values say, once it is repaired, ± one standard "
        "deviation of such guesses on normal rows. Changed to: the value of the repair. Gain: how much the score rises "
        "by this change after those above it; the others were left alone, and their gain is that of one more change."
    )
    return (Sentence(meaning), *blocks)


def _verdict(one: Explanation) -> str:
    verdict = "abnormal" if one.abnormal else "normal"
    text = f"{one.name}: {verdict}, score {one.score:.3g}, p = {one.p_value:.2g}"
    if not one.reasons:
        return text
    after = "normal" if one.is_repaired else "still abnormal"
    return f"{text}; repaired it is {after}, score {one.repaired_score:.3g}, p = {one.repaired_p_value:.2g}"


def _reasons(one: Explanation) -> Table:
    head = tuple(Cell(text) for text in ("", "seen", "expected", "off by", "changed to", "gain"))
    rows = [_reason(reason, "worse") for reason in one.reasons] + [_reason(reason, "") for reason in one.others[:2]]
    return Table(head, tuple(rows), "")


def _reason(reason: Reason, mark: str) -> tuple[Cell, ...]:
    missing = np.isnan(reason.seen)
    off = "–" if missing or reason.spread <= 0 else f"{abs(reason.seen - reason.expected) / reason.spread:.1f} ×"
    return (
        Cell(reason.place),
        Cell("missing" if missing else number(reason.seen, reason.spread), mark=mark),
        Cell(f"{number(reason.expected, reason.spread)} ± {reason.spread:.2g}"),
        Cell(off),
        Cell("–" if reason.repaired is None else number(reason.repaired, reason.spread)),
        Cell(f"{reason.gain:+.2g}" if reason.gain else "0"),
    )


def _pictures(chosen: list[Explanation], study: Study, model: Model) -> tuple[Block, ...]:
    hottest = max((float(one.heat.max()) for one in study.explanations if one.heat.ndim == 2), default=1.0)
    most = max(hottest, 2 * study.peak)
    rows = []
    for one in chosen:
        before, after = drawings.shown(np.stack((one.image, one.repaired)), model.conversion)
        heat = one.heat if one.heat.ndim == 2 else np.zeros(before.shape[:2], np.float32)
        verdict = "abnormal" if one.abnormal else "normal"
        cells = (
            (drawings.uri(before), f"seen: {verdict}, p = {one.p_value:.2g}"),
            (drawings.uri(overlay(before, heat, study.peak, most)), "where"),
            (drawings.uri(after), f"repaired: p = {one.repaired_p_value:.2g}"),
            (drawings.uri(drawings.difference(before, after)), "what was added and taken away"),
        )
        rows.append((one.name, cells))
    caption = (
        "As seen; under the map of what is abnormal (outlined where no normal picture is so hot); repaired, region by "
        "region; and the difference: red was added, blue taken away."
    )
    told = [one for one in chosen if one.reasons]
    head = tuple(Cell(text) for text in ("", "seen", "expected", "off by", "changed to", "gain"))
    table = [(Cell(f"{one.name}: {r.place}"), *_reason(r, "worse")[1:]) for one in told for r in one.reasons]
    meaning = (
        "Regions in the order in which they were redrawn. Seen and expected: means over the region, ± the "
        "network's error at one pixel elsewhere. Gain: how much the score rises by this region after those above it."
    )
    sheet = Sheet(tuple(rows), caption, size="large")
    return (sheet, Table(head, tuple(table), meaning)) if table else (sheet,)
