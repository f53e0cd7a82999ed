"""What a synthetic set is worth to learn from: classifiers of one protocol, tested on real images."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from diabolo.errors import Mistake
from diabolo.fidelity import auroc, exact_copies, paired
from diabolo.tasks.quality.given import Side
from diabolo.tasks.quality.record import Usefulness
from diabolo.training.classifier import Classifier, train_on

STEPS = 300  # of every classifier: more images are seen less often each
REPEATED = 2  # times as often as in real ones: what the synthetic set has of those tested on is then no chance


def check_classes(real: Side, synthetic: Side, test: Side) -> tuple[str, ...]:
    """The real classes that the synthetic set lacks; a `Mistake` where it or `test` has others, or there is one."""
    classes, others = _classes(real), _classes(synthetic)
    for side, has in ((synthetic, others), (test, _classes(test))):
        strange = [label for label in has if label not in classes]
        if strange:
            wrong = f"the {side.role} set has labels that the real one has not"
            raise Mistake(wrong, _listed(strange), _listed(classes), "the same names on both sides")
    if len(classes) < 2:
        raise Mistake(
            "the real set has one label alone", _listed(classes), "two classes or more", "leave the labels out"
        )
    return tuple(str(label) for label in classes if label not in others)


def usefulness(
    learn: Side, test: Side, synthetic: Side, missing: tuple[str, ...], seeds: int, step: Callable[[str], None]
) -> tuple[Usefulness, Classifier]:
    """Train on real, on as many synthetic, and on real + all synthetic images, `seeds` times; test on real ones.

    With it the first classifier of real images, whose features serve elsewhere.
    """
    arms = dict(_arms(learn, synthetic))
    right: dict[str, list[np.ndarray]] = {arm: [] for arm in arms}
    areas: dict[str, list[float]] = {arm: [] for arm in arms}
    first: Classifier | None = None
    assert test.labels is not None
    classes, counts = np.unique(test.labels, return_counts=True)
    for seed in range(seeds):
        for arm, (images, labels) in arms.items():
            step(f"learning from {arm}, seed {seed}")
            if len(np.unique(labels)) < 2:  # a synthetic set of one class: it teaches that answer alone
                right[arm].append(test.labels == labels[0])
                continue
            classifier = train_on(images, labels, seed=seed, steps=STEPS)
            first = first or classifier
            scores = classifier.scores(test.images)
            right[arm].append(classifier.classes[scores.argmax(1)] == test.labels)
            if len(classes) == len(classifier.classes) == 2:
                odds = scores[:, 1] - scores[:, 0]
                areas[arm].append(auroc(odds[test.labels == classes[0]], odds[test.labels == classes[1]]))
    assert first is not None
    found = {arm: np.array(values) for arm, values in right.items()}  # (seeds, test images) bool
    return Usefulness(
        accuracies={arm: values.mean(1) for arm, values in found.items()},
        aurocs={arm: np.array(values) for arm, values in areas.items() if values},
        counts={arm: len(images) for arm, (images, _) in arms.items()},
        tested=len(test),
        chance=float(counts.max() / counts.sum()),
        synthetic_gain=paired(found["synthetic"], found["real"]),
        both_gain=paired(found["both"], found["real"]),
        missing=missing,
        given_away=_given_away(learn, test, synthetic),
    ), first


def _arms(learn: Side, synthetic: Side) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    assert learn.labels is not None
    assert synthetic.labels is not None
    as_many = synthetic.part(0, len(learn))
    yield "real", (learn.images, learn.labels)
    yield "synthetic", (as_many.images, np.asarray(as_many.labels))
    both = np.concatenate((learn.images, synthetic.images)), np.concatenate((learn.labels, synthetic.labels))
    yield "both", both


def _given_away(learn: Side, test: Side, synthetic: Side) -> float:
    """The share of the images tested on that stand in the synthetic set, as rows of a table may by chance: then 0."""
    by_chance = exact_copies(test.images, learn.images).mean() * max(1, len(synthetic) / len(learn))
    found = float(exact_copies(test.images, synthetic.images).mean())
    return found if found > REPEATED * by_chance else 0.0


def _classes(side: Side) -> list[object]:
    assert side.labels is not None
    classes: list[object] = np.unique(side.labels).tolist()
    return classes


def _listed(labels: list[object]) -> str:
    return ", ".join(map(str, labels[:10])) + (f" and {len(labels) - 10} more" if len(labels) > 10 else "")
