"""The repair of a row: the fewest values to change, and what to, so that it becomes normal."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from diabolo.judgement import scores
from diabolo.model import Model
from diabolo.tasks.explain.guesses import Typical, typed

WIDTH = 3  # sets of changes that are followed side by side
DONORS = 5  # typical rows whose values are tried
HOPEFUL = 24  # columns that are tried again after the first change, at least
FASTEST = 0.95  # the greatest ratio of two steps towards a limit that is believed
AT_ONCE = 2**22  # values of rows that are scored together


@dataclasses.dataclass(frozen=True)
class Repair:
    """A row, what it becomes, and what each column brings."""

    repaired: np.ndarray  # (d,)
    changed: tuple[int, ...]  # the change that raises the score most first
    gains: tuple[float, ...]  # of each: how much the score rises when it is made after those before it
    further: tuple[int, ...]  # columns that the search would have changed next, had it gone on
    single: np.ndarray  # (d,): how much one more change, of this column, raises the score of what is repaired
    score: float  # of the row as seen
    repaired_score: float

    @property
    def order(self) -> np.ndarray:
        """Columns (d,) from the one that counts most: those changed, those further, then by `single`."""
        by_gain = [int(j) for j in np.argsort(-self.single, kind="stable")]
        return np.array(list(dict.fromkeys((*self.changed, *self.further, *by_gain))))


@dataclasses.dataclass
class _Try:
    """A row on its way, and for each of `columns` the best score that a change of it gives, and the value for that."""

    row: np.ndarray
    score: float
    columns: np.ndarray
    donors: np.ndarray  # (donors, d)
    changed: tuple[int, ...] = ()
    after: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    values: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))


def repair_rows(model: Model, typical: Typical, rows: np.ndarray, features: int, limit: float) -> list[Repair]:
    """Change up to `features` values of each complete row (n, d), in its own units, until its score is `limit` or more.

    Each column is tried with what the network makes of the row, and with the values of the typical rows that are
    nearest when the `features` greatest differences do not count. The three sets of changes with the highest scores
    are followed side by side (beam search), their values made more exact by the network. The first set that makes the
    row normal is the repair, or else the best; the search goes on to `features` columns all the same, since the next
    ones tell what else is wrong.
    """
    first = scores(model, rows)
    starts = [
        _Try(row, float(score), np.arange(rows.shape[1]), _donors(typical, row, features))
        for row, score in zip(rows, first, strict=True)
    ]
    beams = [[start] for start in starts]
    ends = list(starts)
    searched = [i for i, score in enumerate(first) if score < limit]
    for _ in range(features):
        some = [one for i in searched for one in beams[i]]
        for one in some:
            one.columns = np.setdiff1d(one.columns, one.changed)
        _look(model, some)
        for i in searched:
            beams[i] = _best(beams[i], max(HOPEFUL, 2 * features))
        _polish(model, [one for i in searched for one in beams[i]])
        for i in searched:
            beams[i].sort(key=lambda one: -one.score)
            if ends[i].score < limit and beams[i][0].score > ends[i].score:
                ends[i] = beams[i][0]
    return _finished(model, rows, starts, ends, [beam[0].changed for beam in beams])


def _donors(typical: Typical, row: np.ndarray, features: int) -> np.ndarray:
    apart = typical.distances(row[None])[0]  # (k, d)
    kept = apart.shape[1] - features
    trimmed = np.partition(apart, max(0, kept - 1), 1)[:, :kept].sum(1)
    donors: np.ndarray = typical.rows[np.argsort(trimmed, kind="stable")[:DONORS]]
    return donors


def _best(beam: Sequence[_Try], hopeful: int) -> list[_Try]:
    """The sets of one more column with the highest scores, each once."""
    if not beam[0].changed:  # later only the columns that look hopeful now are tried again
        one = beam[0]
        columns = np.sort(one.columns[np.argsort(-one.after, kind="stable")[:hopeful]])
    else:
        columns = np.union1d(beam[0].columns, beam[0].changed)
    pairs = [(float(after), b, c) for b, one in enumerate(beam) for c, after in enumerate(one.after)]
    found: dict[frozenset[int], _Try] = {}
    for after, b, c in sorted(pairs, key=lambda pair: -pair[0]):
        one = beam[b]
        changed = (*one.changed, int(one.columns[c]))
        if frozenset(changed) not in found:
            row = one.row.copy()
            row[one.columns[c]] = one.values[c]
            found[frozenset(changed)] = _Try(row, after, columns, one.donors, changed)
        if len(found) == WIDTH:
            break
    return list(found.values())


def _polish(model: Model, tries: Sequence[_Try]) -> None:
    """Move the changed values towards what the network would leave as it is, the others held, where the score rises.

    One pass, two, and the limit of a sequence that goes on as these did (Aitken 1926) are tried.
    """
    if not tries:
        return
    rows = np.stack([one.row for one in tries])
    changed = np.zeros(rows.shape, bool)
    for i, one in enumerate(tries):
        changed[i, list(one.changed)] = True
    once = np.where(changed, model.reconstruct(rows), rows)
    twice = np.where(changed, model.reconstruct(once), once)
    first, second = once.astype(np.float64) - rows, twice.astype(np.float64) - once
    ratio = np.clip(second / np.where(first == 0, 1, first), 0, FASTEST)
    limit = rows + first / (1 - ratio)
    limit = np.where(changed, typed(limit, rows.dtype), rows)
    offers = np.stack((once, twice, limit))
    scored = scores(model, offers.reshape(-1, rows.shape[1])).reshape(len(offers), len(rows))
    for i, one in enumerate(tries):
        best = int(scored[:, i].argmax())
        if scored[best, i] > one.score:
            one.row, one.score = offers[best, i], float(scored[best, i])


def _look(model: Model, tries: Sequence[_Try]) -> None:
    """Fill in `after` and `values` of each."""
    if not tries:
        return
    restored = model.reconstruct(np.stack([one.row for one in tries]))
    for part in _parts(tries):
        blocks, offers = [], []
        for i in part:
            one, every = tries[i], np.arange(len(tries[i].columns))
            offer = np.concatenate((restored[i][None], one.donors))[:, one.columns]  # (offers, columns)
            block = np.broadcast_to(one.row, (*offer.shape, len(one.row))).copy()
            block[:, every, one.columns] = offer
            blocks.append(block.reshape(-1, len(one.row)))
            offers.append(offer)
        scored = np.split(scores(model, np.concatenate(blocks)), np.cumsum([len(block) for block in blocks])[:-1])
        for i, offer, score in zip(part, offers, scored, strict=True):
            table = score.reshape(offer.shape)
            best = table.argmax(0)
            every = np.arange(len(best))
            tries[i].after, tries[i].values = table[best, every], offer[best, every]


def _parts(tries: Sequence[_Try]) -> Iterator[list[int]]:
    part: list[int] = []
    total = 0
    for i, one in enumerate(tries):
        size = (len(one.donors) + 1) * len(one.columns) * len(one.row)
        if part and total + size > AT_ONCE:
            yield part
            part, total = [], 0
        part.append(i)
        total += size
    if part:
        yield part


def _finished(
    model: Model, rows: np.ndarray, starts: list[_Try], ends: list[_Try], searched: list[tuple[int, ...]]
) -> list[Repair]:
    """The gains in the order in which they raise the score most, and what one more change would add."""
    partial = rows.copy()
    steps: list[list[tuple[int, float]]] = [[] for _ in rows]
    for _ in range(max(len(one.changed) for one in ends)):
        asked = [(i, j) for i, one in enumerate(ends) for j in one.changed if j not in [done for done, _ in steps[i]]]
        block = np.stack([partial[i] for i, _ in asked])
        for row, (i, j) in zip(block, asked, strict=True):
            row[j] = ends[i].row[j]
        after = scores(model, block)
        for i in {i for i, _ in asked}:
            score, j = max((float(s), j) for s, (k, j) in zip(after, asked, strict=True) if k == i)
            partial[i, j] = ends[i].row[j]
            steps[i].append((j, score))
    again = [
        dataclasses.replace(start, row=end.row, columns=np.arange(rows.shape[1]))
        for start, end in zip(starts, ends, strict=True)
    ]
    _look(model, again)
    found = []
    for start, done, one, deep in zip(starts, steps, again, searched, strict=True):
        heights = [start.score, *(score for _, score in done)]
        single = one.after - heights[-1]
        changed, gains = tuple(j for j, _ in done), tuple(np.diff(heights).tolist())
        further = tuple(j for j in deep if j not in changed)
        found.append(Repair(one.row, changed, gains, further, single, start.score, heights[-1]))
    return found
