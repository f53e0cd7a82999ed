"""Inject faults into normal rows of tables and explain them: explaining.py SEED FOLDER TABLES ROWS; TABLES with commas.

`detect` learns from each table as in `detecting`. Of the normal rows that nothing was learned from, those that are not
flagged are base rows: in 1, 3 or 5 of their features values of other such normal rows are put, flagged or not, each of
a row of its own, and what is flagged then is explained, up to ROWS of all base rows and as many of those at or above
the median normal score. FOLDER keeps of each table TABLE-SEED.diabolo, and TABLE-SEED.npz with `rows`, of three faults,
and `background`. Reports by table, see `tried`; times are CPU-milliseconds a row.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _measure import report, warm_up
from _normality import split

from diabolo import conformal
from diabolo.judgement import known, scores
from diabolo.model import Model
from diabolo.tasks.detect import AnomalyDetector
from diabolo.tasks.explain import Explainer, others
from diabolo.tasks.explain.faithfulness import faithfulness
from diabolo.tasks.explain.guesses import Typical
from diabolo.tasks.explain.rows import repair_rows

ALPHA = 0.05
FAULTS = (1, 3, 5)
MAIN = 3  # faults: what is told of faithfulness and of time
FEWEST = 15  # flagged rows
AT_ONCE, ROUNDS = 200, 40  # draws
TURNS = 3
BATCH = 4096  # rows that are scored together, as the explainer does
BACKGROUND = 100  # rows
Report = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Faulty:
    """Flagged rows (n, d), the features (n, m) that made them so, and the scores (n,) of what they were before."""

    rows: np.ndarray
    features: np.ndarray
    before: np.ndarray


def tried(name: str, seed: int, folder: Path, most: int) -> Report:
    """`flagged` and `hits` by base rows and number of faults, `hits` by order too; the rest is of `MAIN` faults."""
    train, good, _ = split(name, seed)
    detector = AnomalyDetector(alpha=ALPHA, random_state=seed).fit(train)
    detector.save(folder / f"{name}-{seed}.diabolo")
    model = dataclasses.replace(detector.model_, batch_size=BATCH)
    middle = float(known(model).scores.double().median())
    made: Report = {"features": good.shape[1], "flagged": {}, "hits": {}}
    for faults in FAULTS:
        faulty = injected(model, good, faults, most, middle, np.random.default_rng([seed, faults]))
        upper = np.flatnonzero(faulty.before >= middle)[:most]
        chosen = {"all": np.arange(min(most, len(faulty.rows))), "upper": upper}
        enough = {base: rows for base, rows in chosen.items() if len(rows) >= FEWEST}
        for base, rows in chosen.items():
            made["flagged"].setdefault(base, {})[str(faults)] = len(rows)
        if not enough:
            continue
        used = np.unique(np.concatenate(list(enough.values())))
        rows, features = faulty.rows[used], faulty.features[used]
        explainer = Explainer(model, alpha=ALPHA, features=faults)
        explained = explainer.explain(rows)
        blame = {"residual": residual(model, rows)} | others.attributions(model, rows, baselines(model, rows), seed)
        orders = {"repair": np.stack([one.order for one in explained])}
        orders |= {method: np.argsort(-values, 1, kind="stable") for method, values in blame.items()}
        for base, part in enough.items():
            at = np.searchsorted(used, part)
            hits = {method: hit_rate(order[at], features[at]) for method, order in orders.items()}
            made["hits"].setdefault(base, {})[str(faults)] = hits
        if faults == MAIN and "all" in enough:
            at = np.searchsorted(used, enough["all"])
            tested = [int(i) for i in at if explained[i].abnormal and explained[i].reasons]
            strengths = {f"{method} ": values[tested] for method, values in blame.items()}
            found = faithfulness(model, [explained[i] for i in tested], explainer.again, strengths, seed)
            made["faithfulness"] = found.to_dict() | {"repaired": float(np.mean([e.is_repaired for e in explained]))}
            made |= times(model, explainer, rows[at])
            np.savez(folder / f"{name}-{seed}.npz", rows=rows[at], background=background(train, seed))
    return made


def injected(
    model: Model, good: np.ndarray, faults: int, most: int, middle: float, draw: np.random.Generator
) -> Faulty:
    """Draw until `most` rows, and as many whose score was `middle` or more, are flagged, or ROUNDS times."""
    limit = conformal.threshold(known(model).scores.double().numpy(), ALPHA)
    before = scores(model, good)
    bases, columns = np.flatnonzero(before >= limit), np.flatnonzero(np.ptp(good, 0) > 0)
    found = [Faulty(good[:0], np.zeros((0, faults), int), before[:0])]
    if len(columns) >= faults:
        for _ in range(ROUNDS):
            chosen = draw.choice(bases, AT_ONCE)
            features = np.stack([draw.choice(columns, faults, replace=False) for _ in chosen])
            rows, every = good[chosen].copy(), np.arange(AT_ONCE)[:, None]
            rows[every, features] = good[draw.integers(len(good), size=features.shape), features]
            changed = (rows[every, features] != good[chosen[:, None], features]).all(1)
            kept = changed & (scores(model, rows) < limit)
            found.append(Faulty(rows[kept], features[kept], before[chosen[kept]]))
            if sum((one.before >= middle).sum() for one in found) >= most:
                break
    fields = (field.name for field in dataclasses.fields(Faulty))
    return Faulty(*(np.concatenate([getattr(one, field) for one in found]) for field in fields))


def hit_rate(orders: np.ndarray, features: np.ndarray) -> float:
    """The mean share of the m injected features (n, m) among the first m of each order (n, d)."""
    count = features.shape[1]
    return float((orders[:, :count, None] == features[:, None]).any(1).mean())


def residual(model: Model, rows: np.ndarray) -> np.ndarray:
    """Squared, in the network's units, in which columns are alike."""
    seen, back = (model.conversion.to_network(one).double().numpy() for one in (rows, model.reconstruct(rows)))
    return np.square(seen - back)


def baselines(model: Model, rows: np.ndarray) -> np.ndarray:
    """The medians of the typical rows, as `diabolo explain --compare` has them."""
    return np.broadcast_to(np.median(Typical(model, rows.dtype).rows, 0), rows.shape).copy()


def background(train: np.ndarray, seed: int) -> np.ndarray:
    return train[np.random.default_rng(seed).permutation(len(train))[:BACKGROUND]]


def times(model: Model, explainer: Explainer, rows: np.ndarray) -> Report:
    """Of the repair alone, the median of TURNS, and of the whole explanation, once; all rows in one call."""
    limit = conformal.threshold(known(model).scores.double().numpy(), ALPHA)
    repair = [clocked(lambda: repair_rows(model, Typical(model, rows.dtype), rows, MAIN, limit)) for _ in range(TURNS)]
    each = 1e3 / len(rows)
    return {"repair": median(repair) * each, "explanation": clocked(lambda: explainer.explain(rows)) * each}


def clocked(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


seed, folder, tables, most = sys.argv[1:]
warm_up()
began = time.process_time()
done = {name: tried(name, int(seed), Path(folder), int(most)) for name in tables.split(",")}
report(tables=done, cpu_seconds=round(time.process_time() - began, 1))
