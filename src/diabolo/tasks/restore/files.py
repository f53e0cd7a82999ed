"""Picture files restored: one or a folder of them, and what goes beside each: a preview, a map, figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Passed, ignore
from diabolo.pixels import Picture, is_picture, read_picture, write_picture
from diabolo.sources import open_source
from diabolo.tasks.nearness import full_range
from diabolo.tasks.places import change, change_pictures, check_target, folder, is_pictures
from diabolo.tasks.restore.figures import against, check_reference
from diabolo.tasks.restore.preview import before_and_after
from diabolo.tasks.restore.restorer import Restored

# (picture, its name, progress) -> what was restored, the picture it goes into, and words and figures to tell
Restore = Callable[[Picture, str, Callable[[int, int], None]], tuple[Restored, Picture, dict[str, Any]]]
QUARTERS = 4  # the map of how sure it is: 4 steps of its bytes are 1 of 255
ROWS = 256  # of a large map that are computed at once


@dataclasses.dataclass(frozen=True)
class Beside:
    """Where further pictures go or come from: files for one picture, folders for a folder; "" = nowhere."""

    preview: str = ""  # before and after, side by side
    reference: str = ""  # the clean picture, to measure against
    uncertainty: str = ""  # a map of half the width of the 90 % interval
    mask: str = ""  # what is missing
    enlarges: bool = False  # the clean picture is larger than the one that is restored

    def check(self, place: str, out: str) -> None:
        """Refuse what cannot be, before the work."""
        if not is_pictures(place):
            given = [name for name in ("preview", "reference", "uncertainty") if getattr(self, name)]
            if given:
                raise Mistake(f"--{given[0]} is for pictures", got=place, allowed="a picture or a folder of pictures")
        taken = [_path(name) for name in (self.reference, self.mask) if name]
        for target in filter(None, (out, self.preview, self.uncertainty)):
            if _path(target) in taken:
                raise Mistake("two things at one place", got=target, allowed="a place of its own for each")
            taken += [_path(target), _path(place)]  # that the output is not the input is looked at elsewhere
        for target in filter(None, (self.preview, self.uncertainty)):
            _check_beside(place, target)
        if self.reference and Path(place).is_dir() != Path(self.reference).is_dir():
            allowed = "a folder of clean pictures" if Path(place).is_dir() else "the clean picture"
            raise Mistake("the reference does not go with what is restored", got=self.reference, allowed=allowed)


def restore_place(
    place: str, out: str, restore: Restore, beside: Beside, *, strict: bool = False, listen: Listener = ignore
) -> list[dict[str, Any]]:
    """Restore a picture, a folder of pictures or an array file; a row of figures for each picture.

    All that can be kept of a picture is: its depth, transparency, colour profile, EXIF and name. An array's images are
    restored one by one. A broken picture in a folder is told of and left out, unless `strict`.
    """
    beside.check(place, out)
    rows: list[dict[str, Any]] = []
    single = not Path(place).is_dir()

    def progress(done: int, total: int) -> None:
        if single:
            listen(Passed(done, total, "tiles"))

    def one(picture: Picture, name: str) -> Picture:
        clean = read_picture(companion(beside.reference, name)) if beside.reference else None
        if clean:
            check_reference(clean, picture, beside.enlarges)
        restored, after, told = restore(picture, name, progress)
        figures = against(clean, picture, after) if clean else {}
        figures |= _write_beside(beside, single, name, picture, after, restored)
        rows.append({"name": name, **told, **figures})
        return after

    def batch(images: np.ndarray) -> np.ndarray:
        results = []
        for image in images:
            picture = _as_picture(image)
            _, after, told = restore(picture, str(len(rows)), lambda done, total: None)
            rows.append({"name": str(len(rows)), **told})
            results.append(_as_image(after.values, picture.values, image))
            listen(Passed(len(rows), count))
        return np.stack(results)

    if is_pictures(place):
        clear = beside.mask != "auto"  # which fills what is transparent
        change_pictures(place, out, one, clear=clear, strict=strict, listen=listen)
    else:
        source = open_source(place, strict=strict)
        count = len(source)
        if source.read(0).ndim < 2:
            raise Mistake("not pictures", got=f"vectors in {place}", allowed="arrays (n, h, w) or (n, h, w, 3)")
        change(place, out, batch, strict=strict, listen=listen)
    return rows


def companion(place: str, name: str) -> Path:
    """The file that goes with a picture: the place itself, or that of the same name below it, of any format."""
    if not Path(place).is_dir():
        return Path(place)
    exact = Path(place) / name
    if exact.exists() or not exact.parent.is_dir():
        return exact
    others = sorted(path for path in exact.parent.iterdir() if path.stem == exact.stem and is_picture(path))
    return others[0] if others else exact


def _check_beside(place: str, target: str) -> None:
    if not Path(place).is_dir():
        check_target(target)
    elif Path(target).suffix or Path(target).is_file():
        remedy = str(Path(target).with_suffix("")) if Path(target).suffix else ""
        raise Mistake("what goes beside a folder is a folder", got=target, remedy=remedy)


def _write_beside(
    beside: Beside, single: bool, name: str, before: Picture, after: Picture, restored: Restored
) -> dict[str, Any]:
    if beside.preview:
        write_picture(_target(beside.preview, single, name), Picture(before_and_after(before.values, after.values)))
    if not beside.uncertainty or restored.bounds is None:
        return {}
    unit = 255 / full_range(before.values)
    shown = np.empty(restored.bounds.shape, np.uint8)
    for rows in (slice(top, top + ROWS) for top in range(0, len(shown), ROWS)):
        shown[rows] = np.clip(np.rint(restored.bounds[rows] * (unit * QUARTERS)), 0, 255)
    write_picture(_target(beside.uncertainty, single, name), Picture(shown))
    unsure = max(1, int(np.count_nonzero(restored.bounds)))  # beside a hole everything is sure
    return {"half_width": round(float(restored.bounds.sum(dtype=np.float64)) * unit / unsure, 3)}


def _target(place: str, single: bool, name: str) -> Path:
    """Where what goes beside a picture is written; a picture of another format keeps its suffix within its name."""
    if single:
        return Path(place)
    target = Path(place) / (name if name.lower().endswith(".png") else f"{name}.png")
    folder(target.parent)
    return target


def _as_picture(image: np.ndarray) -> Picture:
    grey = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    return Picture(grey.astype(np.float32) if grey.dtype == np.float64 else grey)


def _as_image(after: np.ndarray, before: np.ndarray, image: np.ndarray) -> np.ndarray:
    """A restored picture in the shape and type of the array's image, to the bit where nothing was changed."""
    shaped = after.astype(image.dtype, copy=False).reshape(*after.shape[:2], *image.shape[2:])
    return shaped if after.shape != before.shape else np.where((after == before).reshape(image.shape), image, shaped)


def _path(name: str) -> Path:
    return Path(name).resolve()
