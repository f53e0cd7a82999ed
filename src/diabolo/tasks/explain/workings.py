"""The page's sections about the model itself: what it needs, what its code means, and whether explanations are true."""

from __future__ import annotations

import numpy as np

from diabolo.model import Model
from diabolo.tasks.explain import drawings
from diabolo.tasks.explain.faithfulness import Faithfulness
from diabolo.tasks.explain.latents import STEPS, Latents
from diabolo.tasks.explain.needs import Needs
from diabolo.tasks.explain.study import Study
from diabolo.tasks.report.page import Block, Cell, Chart, Section, Sentence, Sheet, Table

BARS = 15  # features in one chart
EFFECTS = 4  # features that are told of each latent
RELATED = 0.5  # rank correlation above which explanations do not depend on the network's weights as they should


def sections(study: Study, model: Model) -> tuple[Section, ...]:
    """The sections after the explanations, those that there is something to say in."""
    found = []
    if study.needs:
        found.append(Section("needs", "Which inputs the model needs", _needs(study.needs, study)))
    if study.latents:
        found.append(Section("latents", "What each number of the code means", _latents(study.latents, study, model)))
    if study.tested:
        found.append(Section("faithful", "Are these explanations true of the model?", _faithful(study)))
    if study.others:
        found.append(Section("others", "What other methods say", _others(study, model)))
    return tuple(found)


def verdicts(study: Study) -> tuple[Sentence, ...]:
    """What the tests of the explanations say, in a sentence or two."""
    tests = study.faithfulness
    if not tests.images:
        return ()
    areas = tests.areas
    best = max(areas, key=lambda name: areas[name])
    rest = ", ".join(f"{name} {area:.2f}" for name, area in areas.items() if name != "explanation")
    text = f"Repairing places in the explanation's order recovers {areas['explanation']:.2f} of the score ({rest})."
    told = [Sentence(text, "best" if best == "explanation" else "worse")]
    if tests.randomised > RELATED:
        text = f"With random weights explanations are similar (rank correlation {tests.randomised:.2f})."
        told.append(Sentence(text, "worse"))
    return tuple(told)


def _needs(found: Needs, study: Study) -> tuple[Block, ...]:
    about = (
        f"How much the squared error of all other inputs grows when this one is taken from another of "
        f"{found.images} that should be normal. 1 = twice the error; 0 = the model does not use it."
    )
    told = "How far the others tell an input all the same when it is wrong: 1 = wholly, 0 = the wrong value is copied."
    if not study.columns:
        grids = [drawings.shades(values.reshape(found.grid)) for values in (found.needed, found.told)]
        most = f"at most {found.needed.max():.2g}", f"at most {found.told.max():.2g}"
        cells = tuple((drawings.uri(grid), note) for grid, note in zip(grids, most, strict=True))
        caption = f"Left: {about} Right: {told} White is 0, dark red the most."
        return (Sheet((("needed, told by the others", cells),), caption, size="large"),)
    charts = []
    for values, caption in ((found.needed, about), (found.told, told)):
        order = np.argsort(-values, kind="stable")[:BARS]
        rows = [(study.columns[j], float(values[j])) for j in order]
        charts.append(Chart(drawings.bars(rows, caption), caption))
    return tuple(charts)


def _latents(found: Latents, study: Study, model: Model) -> tuple[Block, ...]:
    sparse = (
        f"{found.codes.shape[1]} numbers; {100 * found.active.mean():.0f} % of them are active in an image on average, "
        f"and {found.enough} hold 90 % of the code's variance over {len(found.codes)} images."
    )
    blocks: list[Block] = [Sentence(sparse)]
    if found.refusal:
        blocks.append(Sentence(f"Not shown: what changes when a number is moved ({found.refusal})."))
    if study.columns:
        return (*blocks, _effects(found, study))
    if found.traversals is not None:
        rows = []
        for k, moved in zip(found.chosen, found.traversals, strict=True):
            notes = [f"{step:+g}" if step else "0" for step in STEPS]
            uris = [drawings.uri(picture) for picture in drawings.shown(moved, model.conversion)]
            rows.append((f"number {k + 1}", tuple(zip(uris, notes, strict=True))))
        caption = "The mean code decoded, with one number moved by so many of its standard deviations."
        blocks.append(Sheet(tuple(rows), caption))
    rows = []
    for k, low, high in zip(found.chosen, found.lowest, found.highest, strict=True):
        chosen = [*low, *high[::-1]]
        uris = [drawings.uri(picture) for picture in drawings.shown(study.beside.images[chosen], model.conversion)]
        notes = [f"{found.codes[i, k]:.2g}" for i in chosen]
        rows.append((f"number {k + 1}", tuple(zip(uris, notes, strict=True))))
    blocks.append(Sheet(tuple(rows), "The pictures with the least (left) and the most (right) of each number."))
    return tuple(blocks)


def _effects(found: Latents, study: Study) -> Table:
    """What a number of the code does to the columns, and who has most of it."""
    columns = study.columns or []
    spread = np.maximum(study.beside.images.astype(np.float64).std(0), 1e-12)
    rows = []
    for n, k in enumerate(found.chosen):
        cells = [Cell("–")] * EFFECTS
        if found.traversals is not None:
            moved = found.traversals[n].astype(np.float64)
            change = (moved[3] - moved[1]) / 2  # from one standard deviation below the mean to one above
            most = np.argsort(-np.abs(change / spread), kind="stable")[:EFFECTS]
            cells = [Cell(columns[j], f"{change[j]:+.3g}") for j in most]
            cells += [Cell("")] * (EFFECTS - len(cells))
        low, high = (study.beside.names[ranks[n][0]] for ranks in (found.lowest, found.highest))
        rows.append((Cell(f"number {k + 1}"), *cells, Cell(low), Cell(high)))
    caption = (
        "The columns that change most, in units of their spread, when a number of the mean code grows by one of its "
        "standard deviations, and by how much; and the rows with the least and the most of it."
    )
    effects = [Cell("changes most"), *[Cell("")] * (EFFECTS - 1)]
    return Table((Cell(""), *effects, Cell("least"), Cell("most")), tuple(rows), caption)


def _faithful(study: Study) -> tuple[Block, ...]:
    tests = study.faithfulness
    what = "features" if study.columns else "cells of an 8 × 8 grid"
    caption = (
        f"{what[:1].upper()}{what[1:]} replaced by their repair one after the other, in several orders: the share of "
        f"the score's rise that is reached, the mean of {tests.images} abnormal ones. Higher earlier is better."
    )
    chart = Chart(
        drawings.curves({k: list(v) for k, v in tests.curves.items()}, "recovery", f"{what} replaced"), caption
    )
    return chart, _figures(tests)


def _figures(tests: Faithfulness) -> Table:
    rows = [
        (Cell(f"area under the curve: {name}"), Cell(f"{area:.3f}"), Cell("1 = at once, 0 = never"))
        for name, area in tests.areas.items()
    ]
    random = "0 = the explanation depends on what the network learned"
    rows.append((Cell("rank correlation with random weights"), Cell(f"{tests.randomised:.3f}"), Cell(random)))
    complete = "0 = the gains sum up to the rise of the score"
    rows.append((Cell("error of completeness"), Cell(f"{tests.completeness:.1e}"), Cell(complete)))
    return Table((Cell("test"), Cell("result"), Cell("meaning")), tuple(rows), "Tests of the explanations above.")


def _others(study: Study, model: Model) -> tuple[Block, ...]:
    methods = {"explanation": np.stack([one.strength for one in study.tested]), **study.others}
    if study.columns:
        rows = []
        for i, one in enumerate(study.tested):
            tops = [np.argsort(-strength[i], kind="stable")[:2] for strength in methods.values()]
            rows.append((Cell(one.name), *(Cell(", ".join(study.columns[j] for j in top)) for top in tops)))
        head = (Cell(""), *(Cell(name) for name in methods))
        return (Table(head, tuple(rows), "The two columns that each method blames most, in order."),)
    sheet = []
    for i, one in enumerate(study.tested):
        cells = [(drawings.uri(drawings.shown(one.image[None], model.conversion)[0]), "seen")]
        cells += [(drawings.uri(drawings.shades(strength[i])), name) for name, strength in methods.items()]
        sheet.append((one.name, tuple(cells)))
    return (
        Sheet(tuple(sheet), "Where each method sees what is abnormal: white nothing, dark red most.", size="large"),
    )
