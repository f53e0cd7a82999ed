"""Train a detector on each of some sets and try it: detecting.py SEED FOLDER SETS MOST AGAIN OPTION=VALUE ...

SETS, with commas: tiles, or sets of `_normality`. FOLDER keeps of each set SET-SEED.npz with the scores of normal
images that nothing was learned from (`kept`, `good`) and of abnormal ones (`bad`), and the model of the tiles. MOST: of
each part of a set for a trial; 0 = all. AGAIN 1: what FOLDER has of the same recipe is reported again. Reports by set;
`fit` and `score` are CPU-seconds, `score` of all that is judged, of the tiles with maps and with reading them.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from _measure import Clock, report, warm_up
from _normality import split
from _tiles import kind, mask, tiles

from diabolo.options import to_plain
from diabolo.recipe import with_options
from diabolo.recipes import named, suited
from diabolo.sources import Source, open_source
from diabolo.tasks.detect import AnomalyDetector
from diabolo.tasks.detect.figures import aupro, auroc, pixel_auroc
from diabolo.tasks.detect.files import Found, judged
from diabolo.tasks.models import shapes_of

Report = dict[str, Any]


def tried(name: str, seed: int, folder: Path, most: int, again: bool, options: dict[str, str]) -> Report:
    parts = tiles(seed, most) if name == "tiles" else tuple(map(open_source, split(name, seed, most)))
    recipe = with_options(named(suited("detect", shapes_of(parts[0]))), options)
    told = json.dumps([to_plain(recipe), most], sort_keys=True)
    kept = folder / f"{name}-{seed}.npz"
    if again and kept.exists():
        with np.load(kept) as held:
            if held["told"] == told:
                return json.loads(str(held["report"]))
    detector = AnomalyDetector(options=options, random_state=seed)
    clock = Clock()
    detector.fit(parts[0])
    made = {"fit": clock.read()["cpu_seconds"], "learned": len(parts[0])} | numbers(detector)
    clock = Clock()
    if name == "tiles":
        fine, poor = (list(judged(detector, part)) for part in parts[1:])
        good, bad = (np.array([one.score for one in found]) for found in (fine, poor))
        made |= clocked(clock, parts) | on_tiles(good, fine, poor)
        detector.save(folder / f"{name}-{seed}.diabolo")
    else:
        good, bad = (detector.score_samples(part) for part in parts[1:])
        made |= clocked(clock, parts)
    made |= {"auroc": auroc(good, bad)}
    normal = detector.model_.normal.scores.double().numpy()
    names = [parts[2].name(i) for i in range(len(bad))] if name == "tiles" else []
    np.savez(kept, kept=normal, good=good, bad=bad, names=names, told=told, report=json.dumps(made))
    return made


def numbers(detector: AnomalyDetector) -> Report:
    """How many the network and its witnesses keep; scores and examples to compare with are not counted."""
    model = detector.model_
    witnesses = sum(t.numel() for t in model.normal.witnesses.state_dict().values())
    return {"parameters": model.metrics["parameters"], "witnesses": witnesses}


def clocked(clock: Clock, parts: tuple[Source, ...]) -> Report:
    return {"score": clock.read()["cpu_seconds"], "judged": len(parts[1]) + len(parts[2])}


def on_tiles(good: np.ndarray, fine: list[Found], poor: list[Found]) -> Report:
    """AUROC by kind, and the figures of places; a flaw whose mask is empty has no place."""
    kinds = defaultdict(list)
    for found in poor:
        kinds[kind(found.name)].append(found.score)
    masks = [mask(found.name, found.image.shape[:2]) for found in poor]
    pairs = [(found.heat, there) for found, there in zip(poor, masks, strict=True) if there.any()]
    blank = [(found.heat, np.zeros(found.heat.shape, bool)) for found in fine]
    return {
        "kinds": {name: auroc(good, np.array(scores)) for name, scores in sorted(kinds.items())},
        "masks": len(pairs),
        "pixel_auroc": pixel_auroc(*zip(*pairs, *blank, strict=True)),
        "aupro": aupro(*zip(*pairs, strict=True)),
    }


seed, folder, sets, most, again, *options = sys.argv[1:]
chosen = dict(option.split("=", 1) for option in options)
warm_up()
report(**{name: tried(name, int(seed), Path(folder), int(most), again == "1", chosen) for name in sets.split(",")})
