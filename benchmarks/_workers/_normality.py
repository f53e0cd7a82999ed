"""What is normal to learn from, and what to judge, of digits, clothes and tables; without diabolo, for peers too.

A set is a table of ADBench by its file's name without suffix, or a class of pictures: mnist-3, fashion-mnist-0. Of a
class all training pictures are learned from and all test pictures are judged, those of the other nine as abnormal. Of
a table 70 % of the normal rows, drawn by the seed, are learned from; the others and the anomalies are judged.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _measure import pictures

LABELS = {"train": "train-labels-idx1-ubyte.gz", "test": "t10k-labels-idx1-ubyte.gz"}
PICTURES = ("mnist", "fashion-mnist")
LEARNED = 0.7  # of a table's normal rows


class Split(NamedTuple):
    """Normal data to learn from, and normal and abnormal data that nothing is learned from."""

    train: np.ndarray
    good: np.ndarray
    bad: np.ndarray


def split(name: str, seed: int, most: int = 0) -> Split:
    """The parts of a set: (n, 28, 28) uint8 or (n, d) float64; for a trial at most `most` of each, 0 = all."""
    family, _, label = name.rpartition("-")
    parts = of_class(family, int(label)) if family in PICTURES else of_table(name, seed)
    return Split(*(part[: most or None] for part in parts))


def of_class(family: str, label: int) -> Split:
    train, test = (labels(family, part) == label for part in ("train", "test"))
    judged = pictures(family, "test")
    return Split(pictures(family, "train")[train], judged[test], judged[~test])


def of_table(name: str, seed: int) -> Split:
    with np.load(Path(os.environ["DIABOLO_DATA"]) / "adbench" / f"{name}.npz") as held:
        rows, wrong = held["X"].astype(np.float64), held["y"] == 1
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(~wrong))
    learned = int(LEARNED * len(normal))
    return Split(rows[normal[:learned]], rows[normal[learned:]], rows[wrong])


def labels(family: str, part: str) -> np.ndarray:
    with gzip.open(Path(os.environ["DIABOLO_DATA"]) / family / LABELS[part]) as file:
        return np.frombuffer(file.read()[8:], np.uint8)
