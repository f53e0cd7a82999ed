"""An exported detector under ONNX Runtime beside torch: exporting.py SET MOST.

SET: tiles, or a set of `_normality`. Reports, of up to MOST normal and MOST abnormal images, the greatest difference of
scores and maps, both in standard deviations of normal images, the same over their value where this is more than 1, the
greatest difference of p-values, and how many verdicts differ at ALPHA.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from _measure import report
from _normality import split
from _tiles import tiles

from diabolo import conformal
from diabolo.judgement import TILE, judge
from diabolo.sources import open_source
from diabolo.tasks.detect import AnomalyDetector
from diabolo.tasks.export import export

ALPHA = 0.05
FEW_STEPS = {"tiles": {"steps": 40}}


def compared(name: str, most: int) -> dict[str, Any]:
    parts = tiles(0) if name == "tiles" else tuple(map(open_source, split(name, 0)))
    detector = AnomalyDetector(options=FEW_STEPS.get(name, {}), random_state=0).fit(parts[0])
    model = detector.model_
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.onnx"
        export(model, path)
        session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    found: list[tuple[dict[str, np.ndarray], dict[str, np.ndarray]]] = []
    for part in parts[1:]:
        for place in range(min(most, len(part))):
            images = model.bring(part.read(place))[None].astype(model.conversion.dtype)
            if model.conversion.any_size and max(images.shape[1:3]) > TILE:
                raise SystemExit(f"{part.name(place)} is judged by tiles: this compares whole pictures")
            given = session.run(None, {"images": images, "alpha": np.array(ALPHA, np.float32)})
            ours = judge(model, images)
            p = conformal.p_values(ours.scores, model.normal.scores.double().numpy())
            told = {"score": ours.scores, "p_value": p, "verdict": np.where(p <= ALPHA, -1, 1)}
            found.append((told | {"map": ours.maps}, dict(zip(names, given, strict=True))))
    made = {"images": len(found), "verdicts": sum(int((a["verdict"] != b["verdict"]).sum()) for a, b in found)}
    made |= {"p-value": max(float(np.abs(a["p_value"] - b["p_value"]).max()) for a, b in found)}
    for what in ("score", "map"):
        if what in names:
            pairs = [(a[what].astype(float), np.abs(a[what].astype(float) - b[what])) for a, b in found]
            made[what] = max(float(apart.max()) for _, apart in pairs)
            made[f"{what}, relative"] = max(float((apart / np.abs(ours).clip(1)).max()) for ours, apart in pairs)
    return made


report(**compared(sys.argv[1], int(sys.argv[2])))
