"""How good a detector is, where good and bad images are known; nothing is learned or chosen here."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Note, ignore
from diabolo.files import check_writable
from diabolo.pixels import Picture, is_picture, read_picture, write_picture
from diabolo.tasks.detect.detector import AnomalyDetector
from diabolo.tasks.detect.figures import aupro, auroc, pixel_auroc
from diabolo.tasks.detect.files import Found, judged
from diabolo.tasks.detect.overlay import mask_of
from diabolo.tasks.detect.sheet import sheet as draw
from diabolo.tasks.detect.sheet import spread
from diabolo.tasks.places import names_below


def evaluate(
    detector: AnomalyDetector,
    good: Any,
    bad: Any,
    masks: str | os.PathLike[str] | None = None,
    *,
    sheet: str = "",
    strict: bool = False,
    listen: Listener = ignore,
) -> dict[str, Any]:
    """Figures of a detector on known good and bad images, which it must not have learned from.

    "auroc"; "false_alarms" and "found", the shares of good and of bad called abnormal at the detector's alpha;
    "by_kind", the figures of the bad images of each folder below `bad`. With `masks`, a folder of pictures under the
    names of the bad ones (not 0 = wrong), also "pixel_auroc" over good and bad, and "aupro" over the bad. `sheet`: a
    PNG to write, of bad pictures with their maps and masks.
    """
    detector.check()
    if (sheet or masks) and detector._model.conversion.layout == "vector":
        raise Mistake("vectors have neither masks nor pictures to draw", remedy="no --masks and no --sheet")
    if sheet:
        check_writable(sheet)
    drawn = None if masks is None else Masks(Path(masks))
    limit = detector.offset_
    fine = list(judged(detector, good, strict, listen))
    poor = list(judged(detector, bad, strict, listen))
    result: dict[str, Any] = {"alpha": detector.alpha, "good": len(fine), "bad": len(poor)}
    result |= _figures(_scores(fine), _scores(poor), limit)
    kinds = defaultdict(list)
    for found in poor:
        kinds[found.name.rpartition("/")[0]].append(found.score)
    if len(kinds) > 1:
        result["by_kind"] = {kind: _figures(_scores(fine), np.array(scores), limit) for kind, scores in kinds.items()}
    there = [drawn.of(found.name, found.image.shape[:2]) for found in poor] if drawn else [None] * len(poor)
    if drawn:
        result |= _placed(fine, poor, there, listen)
    if sheet:
        chosen = spread(poor)
        page = draw([poor[i] for i in chosen], [there[i] for i in chosen], detector.map_limit_)
        write_picture(sheet, Picture(page))
    return result


class Masks:
    """The masks in a folder, found by the names of their pictures, whatever their suffix."""

    def __init__(self, place: Path) -> None:
        if not place.is_dir():
            raise Mistake("masks are pictures in a folder", got=str(place), remedy="--masks FOLDER")
        self.place = place
        self.files = {str(Path(name).with_suffix("")): name for name in names_below(place) if is_picture(name)}
        if not self.files:
            raise Mistake(f"no masks in {place}", allowed="pictures under the names of the bad ones")

    def of(self, name: str, size: tuple[int, int]) -> np.ndarray:
        """The mask of a picture, bool (h, w); a `Mistake` where there is none or it has another size."""
        stem = str(Path(name).with_suffix(""))
        if stem not in self.files:
            allowed = f"a picture {stem}.png or of another suffix in {self.place}"
            raise Mistake(f"there is no mask for {name}", allowed=allowed)
        return mask_of(read_picture(self.place / self.files[stem]).values, size, self.files[stem])


def _figures(good: np.ndarray, bad: np.ndarray, limit: float) -> dict[str, Any]:
    return {
        "count": len(bad),
        "auroc": auroc(good, bad),
        "false_alarms": float((good < limit).mean()),
        "found": float((bad < limit).mean()),
    }


def _placed(fine: list[Found], poor: list[Found], drawn: list[Any], listen: Listener) -> dict[str, Any]:
    """The figures of maps; masks without a pixel are told and left out."""
    empty = [found.name for found, mask in zip(poor, drawn, strict=True) if not mask.any()]
    if empty:
        listen(Note(f"left out of the figures of pixels, since their masks are empty: {', '.join(empty)}"))
    pairs = [(found.heat, mask) for found, mask in zip(poor, drawn, strict=True) if mask.any()]
    if not pairs:
        raise Mistake("every mask is empty", allowed="pixels that are not 0 where it is wrong")
    blank = [(found.heat, np.zeros(found.heat.shape, bool)) for found in fine]
    heats, truths = zip(*pairs, *blank, strict=True)
    wrong, there = zip(*pairs, strict=True)
    return {"masks": len(pairs), "pixel_auroc": pixel_auroc(heats, truths), "aupro": aupro(wrong, there)}


def _scores(found: list[Found]) -> np.ndarray:
    return np.array([one.score for one in found])
