"""Measure what a synthetic set is worth: how it looks, what it teaches, whether it repeats what it was made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Passed, ignore
from diabolo.preprocessing import Conversion, Preprocessing
from diabolo.sources import Arrays
from diabolo.sources.table import is_table
from diabolo.tasks.quality.given import FEWEST, SEARCHED, Reading, Side, of_one_kind, read
from diabolo.tasks.quality.likeness import described, likeness, telling
from diabolo.tasks.quality.memory import memory
from diabolo.tasks.quality.mixed import as_numbers, has_text
from diabolo.tasks.quality.record import Quality, Telling
from diabolo.tasks.quality.tables import column_errors
from diabolo.tasks.quality.usefulness import STEPS, check_classes, usefulness
from diabolo.training.classifier import train_on
from diabolo.training.pictures import Pictures
from diabolo.training.survey import survey

MOST = 10_000  # images of each side that are compared
SEEDS = 3
FEWEST_HELD_OUT = 100  # for a 1 % quantile
ARMS = 3  # what is learned from: real, synthetic, both


def measure_quality(
    real: Any,
    synthetic: Any,
    *,
    held_out: Any = None,
    labels: Any = None,
    synthetic_labels: Any = None,
    held_out_labels: Any = None,
    labels_from_folders: bool = False,
    categorical: Sequence[str] = (),
    side: int = 0,
    channels: int = 0,
    seeds: int = SEEDS,
    most: int = MOST,
    seed: int = 0,
    strict: bool = False,
    listen: Listener = ignore,
) -> Quality:
    """Compare a synthetic set with the real one it was made from; both are whatever `open_source` opens.

    Parameters
    ----------
    real : place or array
        The images that the synthetic ones were made from. Copies are looked for among up to 60000 of them.
    synthetic : place or array
        The images to judge, of the same size and channels, or rows of the same columns.
    held_out : place or array
        Real images that nothing was made from: figures are then measured on them, and membership can be told. Without
        them half of `real` takes their place, which whatever made the synthetic images may have seen.
    labels, synthetic_labels, held_out_labels : array of (n,), or the name of a table's column
        Of folders of pictures, the name of a table of labels that lies in each of them, "labels.csv".
        Named sets, idx files with labels beside, and archives that hold `labels` (or `y`, `target`) bring their own.
    labels_from_folders : bool
        The first folder of a picture's name is its label.
    categorical : names
        Columns of a table whose numbers are names; columns of text are categories by themselves.
    side, channels : int
        Bring every picture to side x side pixels, to grey (1) or colour (3); 0 = as they are.
    seeds : int
        How often each classifier is trained.
    most : int
        At most so many images of each side are compared, drawn at random.

    Raises
    ------
    Mistake
        Where the sets cannot be compared.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits().images
    >>> found = measure_quality(digits[:600], digits[600:1200], held_out=digits[1200:])
    >>> bool(found.memory.copies.any())
    False
    """
    _check_numbers(seeds=seeds, most=most)
    given = {"real": (real, labels), "synthetic": (synthetic, synthetic_labels)}
    if held_out is not None:
        given["held-out"] = (held_out, held_out_labels)
    column, notes = _column([own for _, own in given.values()]), []
    called = "label" if not column or is_table(Path(column)) else column
    if has_text(real):
        tables = as_numbers({role: place for role, (place, _) in given.items()}, column, categorical)
        categorical, column = sorted({*categorical, *tables.texts}), ""
        given = {role: (rows, given[role][1] if own is None else own) for role, (rows, own) in tables.sides.items()}
        notes = tables.notes
    how = Reading(Preprocessing(side=side, channels=channels), labels_from_folders, column, seed, strict, listen)
    caps = {"real": max(most, SEARCHED)}
    sides = [
        read(role, place, None if isinstance(own, str) else own, caps.get(role, most), how)
        for role, (place, own) in given.items()
    ]
    sides = [dataclasses.replace(one, label_name=called) for one in of_one_kind(sides, listen)]
    found = _measured(
        sides[0], sides[1], sides[2] if held_out is not None else None, categorical, seeds, most, seed, listen
    )
    return dataclasses.replace(found, notes=(*found.notes, *notes))


def _measured(
    real: Side,
    synthetic: Side,
    held_out: Side | None,
    categorical: Sequence[str],
    seeds: int,
    most: int,
    seed: int,
    listen: Listener,
) -> Quality:
    half = min(most, len(real) // 2)
    learn, test = (
        (real.part(0, half), real.part(half, 2 * half)) if held_out is None else (real.part(0, most), held_out)
    )
    conversion = _conversion(learn.images, listen, learn.columns)
    for one in (synthetic, test):
        _conversion(one.images, ignore, one.columns)  # refuses what is not finite
    unlabelled = [one.role for one in (real, synthetic, test) if one.labels is None]
    step = _Steps((0 if unlabelled else seeds * ARMS) + 3, listen)
    taught, classifier = None, None
    if not unlabelled:
        taught, classifier = usefulness(learn, test, synthetic, check_classes(real, synthetic, test), seeds, step)
    elif learn.labels is not None and conversion.layout != "vector" and len(np.unique(learn.labels)) > 1:
        classifier = train_on(learn.images, learn.labels, seed=seed, steps=STEPS)  # for its features
    step("features and distances")
    features, words = described(learn.images, classifier, conversion)
    near = likeness(features, test.images, synthetic.images, seed)
    step("telling synthetic from real")
    told = telling(learn.images, test.images, synthetic.images, seed)
    step("looking for copies")
    return Quality(
        real=real,
        synthetic=synthetic,
        held_out=held_out,
        conversion=conversion,
        features=words,
        compared={"learned_from": len(learn), "tested_on": len(test), "synthetic": len(synthetic)},
        likeness=near,
        telling=told,
        memory=memory(real.images, synthetic.images, held_out.images if held_out else None, conversion),
        usefulness=taught,
        columns=column_errors(test, synthetic, categorical, seed) if conversion.layout == "vector" else None,
        notes=tuple(_notes(unlabelled, held_out, learn.noun, told)),
    )


def _column(given: list[Any]) -> str:
    """The column that holds all tables' labels, "" where none was named."""
    names = sorted({own for own in given if isinstance(own, str)})
    arrays = [own for own in given if own is not None and not isinstance(own, str)]
    if len(names) + bool(arrays) > 1:
        got = ", ".join([repr(name) for name in names] + ["an array"] * bool(arrays))
        raise Mistake("labels from two places", got, "one column of all tables, or an array for each set")
    return "".join(names)


class _Steps:
    """Counts the parts of the work for whoever listens."""

    def __init__(self, total: int, listen: Listener) -> None:
        self.done, self.total, self.listen = 0, total, listen

    def __call__(self, words: str) -> None:
        self.listen(Passed(self.done, self.total, words))
        self.done += 1


def _conversion(images: np.ndarray, listen: Listener, columns: list[str] | None = None) -> Conversion:
    table = images.ndim == 2
    preprocessing = Preprocessing(scaling="columns", impute=True) if table else Preprocessing()
    return survey(Pictures(Arrays(images, columns=columns), preprocessing), 0, listen)[1]


def _notes(unlabelled: list[str], held_out: Side | None, noun: str, told: Telling) -> Iterator[str]:
    """What was not measured, and what must be known to read the rest."""
    if unlabelled:
        yield f"What the synthetic set teaches was not measured: there are no labels in the {unlabelled[0]} set."
    if held_out is None:
        yield (
            f"No held-out {noun}s were given: half of the real ones took their place, which whatever made the "
            "synthetic ones may have learned from, so that every figure may be kinder than it should."
        )
        yield f"Whether it tells who was learned from (membership) was not measured: it takes held-out {noun}s."
        return
    if len(held_out) < FEWEST_HELD_OUT:
        yield f"{len(held_out)} held-out {noun}s are few for a 1 % quantile of their distances: read it with care."
    if told.real_apart:
        yield (
            f"The held-out {noun}s are not drawn like the real ones: a classifier tells these apart in "
            f"{100 * told.figures[0].floor.value:.1f} % of cases. What is nearer to the real ones may then only be "
            "more like them, and need not have been learned from them."
        )


def _check_numbers(**numbers: int) -> None:
    least = {"seeds": 2, "most": FEWEST}
    for name, number in numbers.items():
        if number < least[name]:
            raise Mistake(f"{name} is too small", got=str(number), allowed=f"{least[name]} or more")
