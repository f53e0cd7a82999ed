"""Learn digits as records of four modalities, and measure how what is drawn agrees: modalities.py SHARE SEED MOST.

SHARE of the modalities of the training records is missing, at random, each by itself: a picture, a label, the whole
table row of stroke statistics, a caption. MOST: records of the training set for a trial; 0 = all. The judge of pictures
is a classifier of real ones; the statistics of a drawn picture are computed from it. Given are the test records.
Reports CPU-seconds of learning, and shares in per cent.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from _measure import Clock, report
from _records import STROKES, all_strokes, near, records, rows_of, spoken, stroke

from diabolo.sources import labels, open_source
from diabolo.tasks.generate import Generator
from diabolo.training.classifier import Classifier, train_on

GIVEN = 1000  # test records, of which one modality is given
MODALITIES = {"picture": ("picture",), "label": ("digit",), "row": STROKES, "caption": ("caption",)}
JUDGED = 30_000, 1500  # real pictures, and steps, that the judge learns from


class Truth:
    """The test records, and what drawn ones are held against."""

    def __init__(
        self, judge: Classifier, columns: dict[str, Any], digits: np.ndarray, spread: np.ndarray, thick: float
    ):
        self.judge, self.columns, self.digits, self.spread, self.thick = judge, columns, digits, spread, thick
        self.row = rows_of(columns)
        self.words = np.array([stroke(width, thick) for width in self.row[:, 1]])

    def of(self, made: dict[str, np.ndarray]) -> Told:
        return Told(self, made)


class Told:
    """What the modalities of drawn records say: of the digit, of the stroke, and of the row of statistics."""

    def __init__(self, truth: Truth, made: dict[str, np.ndarray]) -> None:
        self.truth = truth
        self.label = made["digit"].astype(int)
        self.caption, self.word = spoken(made["caption"])
        self.picture = truth.judge.predict(made["picture"])
        self.row, self.drawn = rows_of(made), all_strokes(made["picture"])
        self.stroke = np.array([stroke(width, truth.thick) for width in np.round(self.drawn[:, 1], 2)])

    def beside(self, given: str) -> dict[str, np.ndarray]:
        """How each modality that was drawn agrees with the one that was given: shares (n,), 0..1."""
        truth, found = self.truth, {}
        if given == "row":
            found["row > picture"] = near(self.drawn, truth.row, truth.spread)
            found["row > caption's stroke"] = self.word == truth.words
            return found
        for name in {"label", "picture", "caption"} - {given}:
            found[f"{given} > {name}"] = getattr(self, name) == truth.digits
        if given == "picture":
            found["picture > row"] = near(self.row, truth.row, truth.spread)
            found["picture > caption's stroke"] = self.word == truth.words
        if given == "caption":
            found["caption > picture's stroke"] = self.stroke == truth.words
        return found

    def joint(self) -> dict[str, np.ndarray]:
        """How the modalities of records drawn from nothing agree with each other."""
        digit = (self.label == self.picture) & (self.label == self.caption)
        return {
            "joint: label, picture, caption": digit,
            "joint: row and picture": near(self.row, self.drawn, self.truth.spread),
            "joint: stroke of caption and picture": self.word == self.stroke,
        }


def lacking(columns: dict[str, Any], share: float, seed: int) -> dict[str, Any]:
    """Records of which each modality is missing with a chance."""
    draw, count = np.random.default_rng(seed), len(columns["digit"])
    found = dict(columns)
    for names in MODALITIES.values():
        gone = draw.random(count) < share
        for name in names:
            empty = np.nan if name in STROKES else None
            found[name] = [empty if g else value for g, value in zip(gone, columns[name], strict=True)]
    return found


def main(share: str, seed: str, most: str) -> None:
    images, digits = open_source("mnist").array, labels("mnist")
    test, answers = open_source("mnist-test").array[:GIVEN], labels("mnist-test")[:GIVEN]
    if int(most):
        images, digits = images[: int(most)], digits[: int(most)]
    statistics = all_strokes(images)
    thick, spread = float(np.median(statistics[:, 1])), statistics.std(0)
    learned = lacking(records(images, digits, statistics, thick), float(share), int(seed))
    clock = Clock()
    generator = Generator(categorical=["digit"], random_state=int(seed)).fit(learned)
    learning = clock.read()["cpu_seconds"]
    judge = train_on(images[: JUDGED[0]], digits[: JUDGED[0]], seed=int(seed), steps=JUDGED[1])
    truth = Truth(judge, records(test, answers, all_strokes(test), thick), answers, spread, thick)
    shares: dict[str, np.ndarray] = {}
    clock = Clock()
    for given, names in MODALITIES.items():
        whole = generator.complete({name: truth.columns[name] for name in names}, seed=int(seed))
        shares |= truth.of(whole).beside(given)
    shares |= truth.of(generator.sample(GIVEN, seed=int(seed))).joint()
    drawing = clock.read()["cpu_seconds"]
    said = np.array([stroke(width, thick) == "thick" for width in np.round(statistics[:, 1], 2)])
    reader = train_on(images[: JUDGED[0]], said[: JUDGED[0]].astype(int), seed=int(seed), steps=JUDGED[1])
    other = np.random.default_rng(int(seed)).permutation(GIVEN)
    rebuilt = all_strokes(generator.model_.reconstruct(test))
    bounds = {
        "at best: label of the picture, by the judge": judge.predict(test) == answers,
        "at best: stroke of the picture, by a classifier that learned it": reader.predict(test)
        == (truth.words == "thick"),
        "at best: row of the picture that its own code gives back": near(truth.row, rebuilt, spread),
        "at best: stroke of that picture": truth.words
        == np.array([stroke(w, thick) for w in np.round(rebuilt[:, 1], 2)]),
        "by chance: row of another record": near(truth.row, truth.row[other], spread),
    }
    report(
        learning=learning,
        drawing=drawing,
        shares={name: 100 * float(np.mean(found)) for name, found in (shares | bounds).items()},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
