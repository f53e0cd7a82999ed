"""Detection from place to place: a picture, a folder, an array or a table in; verdicts, and maps beside them."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from diabolo import conformal
from diabolo.errors import Mistake
from diabolo.events import Listener, Note, Passed, ignore
from diabolo.files import check_writable
from diabolo.judgement import judge
from diabolo.pixels import Picture, write_picture
from diabolo.preprocessing import UNIT
from diabolo.sources import Source, open_source
from diabolo.tasks.detect.detector import AnomalyDetector
from diabolo.tasks.detect.overlay import overlay
from diabolo.tasks.places import AT_ONCE, folder, is_pictures, refuse_same, write_npy

FULLEST = 2.0  # times the limit: where the colour of a map is fullest


@dataclasses.dataclass(frozen=True)
class Found:
    """One image as it was judged: its name, the image as the model saw it, its score and its map."""

    name: str
    image: np.ndarray
    score: float
    heat: np.ndarray


def judged(detector: AnomalyDetector, place: Any, strict: bool = False, listen: Listener = ignore) -> Iterator[Found]:
    """Every image of a place, judged; one that cannot be read or does not fit is left out and told, unless `strict`."""
    source = place if isinstance(place, Source) else open_source(place, strict=strict)
    model, array, count = detector._model, getattr(source, "array", None), len(source)
    done = 0
    for start in range(0, count, AT_ONCE if array is not None else 1):
        try:
            images = array[start : start + AT_ONCE] if array is not None else model.bring(source.read(start))[None]
            result = judge(model, np.asarray(images))
        except Mistake as mistake:
            if strict or array is not None or count == 1:
                raise
            listen(Note(f"left out {source.name(start)}: {mistake}", warning=True))
            continue
        for i, image in enumerate(images):
            yield Found(source.name(start + i), image, float(result.scores[i]), result.maps[i])
        done += len(images)
        listen(Passed(start + len(images), count))
    for name, reason in getattr(source, "unreadable", ()):
        listen(Note(f"left out {name}: {reason}", warning=True))
    if not done:
        raise Mistake(f"no image of {source.description} could be used", got=f"{count} that failed")


def detect_place(
    place: str, detector: AnomalyDetector, maps: str = "", *, strict: bool = False, listen: Listener = ignore
) -> list[dict[str, Any]]:
    """The verdict on every image of a place, and its map in `maps`, a folder, or for an array or table an `.npy`.

    A row has "name", "score" (higher = more normal), "p_value", "abnormal", and for pictures "wrong", the share of the
    pixels that are above the limit of the map.
    """
    detector.check()
    limit = detector.map_limit_
    source = open_source(place, strict=strict)
    _check_maps(place, maps, source, detector)
    names = Counter(str(Path(source.name(i)).with_suffix("")) for i in range(len(source)))
    rows, heats = [], []
    for found in judged(detector, source, strict, listen):
        row: dict[str, Any] = {"name": found.name, "score": found.score}
        if found.heat.ndim == 2:
            row["wrong"] = float((found.heat > limit).mean())
        rows.append(row)
        if maps.endswith(".npy"):
            heats.append(found.heat)
        elif maps:
            alone = names[str(Path(found.name).with_suffix(""))] == 1
            write_map(Path(maps), found if alone else dataclasses.replace(found, name=f"{found.name}.png"), limit)
    if heats:
        write_npy(maps, np.stack(heats))
    p = conformal.p_values(np.array([row["score"] for row in rows]), detector._normal_scores)
    abnormal = p <= detector.alpha + 1e-12
    if detector.control == "false-discoveries":
        abnormal = conformal.benjamini_hochberg(p, detector.alpha)
        fewest = math.ceil(len(p) / (detector.alpha * (len(detector._normal_scores) + 1)))
        if not abnormal.any() and fewest > 1:
            kept = len(detector._normal_scores)
            text = f"{kept} normal pictures are kept to compare with: fewer than {fewest} discoveries cannot be made"
            listen(Note(text))
    for row, value, wrong in zip(rows, p, abnormal, strict=True):
        row |= {"p_value": float(value), "abnormal": bool(wrong)}
    return rows


def write_map(out: Path, found: Found, limit: float) -> None:
    """Write the picture under its map as PNG below the folder `out`, by its own name."""
    if found.heat.ndim != 2:
        raise Mistake("vectors have no map to draw", allowed="-o OUT.npy for their values", remedy="--maps OUT.npy")
    target = (out / found.name.lstrip("/")).with_suffix(".png")
    if ".." in target.parts:
        raise Mistake("a name leads out of the folder", got=found.name)
    folder(target.parent)
    write_picture(target, Picture(overlay(shown(found.image), found.heat, limit, FULLEST * limit)))


def shown(image: np.ndarray) -> np.ndarray:
    """A raw image as a picture can be drawn: floats stretched from their least to their greatest value."""
    if image.dtype.name in UNIT and image.dtype != bool:
        return image
    low, high = float(image.min()), float(image.max())
    within = low >= 0 and high <= 1
    return image.astype(np.float32) if within else ((image - low) / ((high - low) or 1.0)).astype(np.float32)


def _check_maps(place: str, maps: str, source: Source, detector: AnomalyDetector) -> None:
    """Refuse, before the work, a place where the maps could not be written, or would replace what is judged."""
    vectors = detector._model.conversion.layout == "vector"
    if maps and vectors and not maps.endswith(".npy"):
        raise Mistake("vectors have no map to draw", maps, "an array file of their values", "--maps OUT.npy")
    if maps.endswith(".npy"):
        if getattr(source, "array", None) is None:
            raise Mistake("maps of pictures go to a folder", got=maps, remedy="--maps OUT/")
        refuse_same(place, maps)
        check_writable(maps)
    elif maps and Path(maps).exists() and not Path(maps).is_dir():
        raise Mistake("maps go to a folder", got=f"{maps}, a file", remedy="--maps OUT/")
    elif maps and is_pictures(place):
        refuse_same(Path(place) if Path(place).is_dir() else Path(place).parent, maps)
