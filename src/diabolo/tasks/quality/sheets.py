"""Sheets of pictures: real beside synthetic, what gives it away, and the nearest real one of each suspicious one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from diabolo.tasks.explain import drawings
from diabolo.tasks.quality.given import Side
from diabolo.tasks.quality.record import Quality
from diabolo.tasks.quality.verdicts import beyond
from diabolo.tasks.report.page import Sheet
from diabolo.tasks.report.pictures import data_uri

ROW, ROWS = 12, 3  # pictures in a row; rows of each set where there are no classes
CLASSES = 10  # that are shown
SUSPICIOUS = 8
LARGE = 128  # pixels: larger pictures are drawn smaller

Cells = tuple[tuple[str, str], ...]


def beside(quality: Quality) -> Sheet:
    """Real and synthetic pictures drawn at random, a row of each for every class, or a few rows of each."""
    real, synthetic = quality.real, quality.synthetic
    rows: list[tuple[str, Cells]] = []
    if real.labels is not None and synthetic.labels is not None:
        classes = np.unique(real.labels)
        for label in classes[:CLASSES].tolist():
            for side in (real, synthetic):
                found = np.flatnonzero(side.labels == label)[:ROW]
                rows.append((f"{label}, {side.role}", _cells(quality, side, found)))
        hidden = len(classes) - CLASSES
        rest = f" {hidden} more classes are not shown." if hidden > 0 else ""
        return Sheet(tuple(rows), f"A row of each class, drawn at random.{rest}")
    for side in (real, synthetic):
        for start in range(0, ROW * ROWS, ROW):
            rows.append((side.role, _cells(quality, side, np.arange(start, min(start + ROW, len(side))))))
    return Sheet(tuple(row for row in rows if row[1]), "Drawn at random.")


def apart(quality: Quality) -> Sheet:
    """The synthetic pictures that a classifier was surest and least sure of."""
    order = quality.telling.synthetic[np.argsort(-quality.telling.scores, kind="stable")]
    rows = (
        ("most unlike real ones", _cells(quality, quality.synthetic, order[:ROW])),
        ("most like real ones", _cells(quality, quality.synthetic, order[::-1][:ROW])),
    )
    return Sheet(rows, "Synthetic pictures, by how sure the classifier is that tells them from real ones.")


def suspicious(quality: Quality) -> Sheet:
    """The synthetic pictures that lie nearest to a real one, and these real ones."""
    copying = quality.memory.copying
    chosen = copying.suspicious[:SUSPICIOUS]
    limit = max(copying.limit, 1e-12)
    notes = [f"{copying.distances[i] / limit:.2f} ×" for i in chosen]
    nearest = copying.index[chosen]
    names = [quality.real.names[i][-16:] for i in nearest]
    rows = (
        ("synthetic", _cells(quality, quality.synthetic, chosen, notes)),
        ("nearest real one", _cells(quality, quality.real, nearest, names)),
    )
    caption = (
        "The synthetic pictures nearest to a real one, with their distance: 1 × is what "
        f"{beyond(copying)} are beyond, 0 × an equal picture."
    )
    return Sheet(rows, caption, size="large")


def _cells(quality: Quality, side: Side, places: np.ndarray, notes: Iterable[str] = ()) -> Cells:
    if not len(places):
        return ()
    told = list(notes) or [""] * len(places)
    seen = drawings.shown(side.images[places], quality.conversion)
    return tuple((_uri(picture), note) for picture, note in zip(seen, told, strict=True))


def _uri(picture: np.ndarray) -> str:
    return drawings.uri(picture) if max(picture.shape[:2]) > LARGE else data_uri(picture)
