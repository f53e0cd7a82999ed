"""Picture files restored: one or a folder of them, and what goes beside each: a preview, a map, figures."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diabolo import metrics
from diabolo.errors import Mistake
from diabolo.events import Listener, Passed, ignore
from diabolo.files import check_writable
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.sources import open_source
from diabolo.tasks.places import change, change_pictures, folder, is_pictures
from diabolo.tasks.restore.preview import before_and_after
from diabolo.tasks.restore.restorer import Restored

# (picture, its name, progress) -> what was restored, the picture it goes into, and words and figures to tell
Restore = Callable[[Picture, str, Callable[[int, int], None]], tuple[Restored, Picture, dict[str, Any]]]
QUARTERS = 4  # the map of how sure it is: 4 steps of its bytes are 1 of 255


@dataclasses.dataclass(frozen=True)
class Beside:
    """Where further pictures go or come from: files for one picture, folders for a folder; "" = nowhere."""

    preview: str = ""  # before and after, side by side
    reference: str = ""  # the clean picture, to measure against
    uncertainty: str = ""  # a map of half the width of the 90 % interval

    def check(self, place: str) -> None:
        """Refuse what cannot be, before the work."""
        if not is_pictures(place):
            given = [name for name in ("preview", "reference", "uncertainty") if getattr(self, name)]
            if given:
                raise Mistake(f"--{given[0]} is for pictures", got=place, allowed="a picture or a folder of pictures")
        for target in filter(None, (self.preview, self.uncertainty)):
            if not Path(place).is_dir():
                check_writable(target)
            elif Path(target).suffix:
                raise Mistake("what goes beside a folder is a folder", got=target, remedy=target.rpartition(".")[0])
        if self.reference and not Path(self.reference).exists():
            raise Mistake(f"there is no {self.reference}", allowed="the clean picture, or a folder of them")


def restore_place(
    place: str, out: str, restore: Restore, beside: Beside, *, strict: bool = False, listen: Listener = ignore
) -> list[dict[str, Any]]:
    """Restore a picture, a folder of pictures or an array file; a row of figures for each picture.

    All that can be kept of a picture is: its depth, transparency, colour profile, EXIF and name. An array's images are
    restored one by one. A broken picture in a folder is told of and left out, unless `strict`.
    """
    beside.check(place)
    rows: list[dict[str, Any]] = []
    single = not Path(place).is_dir()

    def progress(done: int, total: int) -> None:
        if single:
            listen(Passed(done, total))

    def one(picture: Picture, name: str) -> Picture:
        restored, after, told = restore(picture, name, progress)
        figures = _beside(beside, single, name, picture, after, restored)
        rows.append({"name": name, **told, **figures})
        return after

    def batch(images: np.ndarray) -> np.ndarray:
        results = []
        for image in images:
            grey = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
            restored, after, told = restore(_as_picture(grey), str(len(rows)), progress)
            rows.append({"name": str(len(rows)), **told})
            results.append(
                after.values.astype(images.dtype, copy=False).reshape(*after.values.shape[:2], *image.shape[2:])
            )
        return np.stack(results)

    if is_pictures(place):
        change_pictures(place, out, one, strict=strict, listen=listen)
    else:
        if open_source(place, strict=strict).read(0).ndim < 2:
            raise Mistake("not pictures", got=f"vectors in {place}", allowed="arrays (n, h, w) or (n, h, w, 3)")
        change(place, out, batch, strict=strict, listen=listen)
    return rows


def companion(place: str, single: bool, name: str) -> Path:
    """The file that goes with a picture: the place itself, or the one of the same name below it, whatever its format."""
    if single and not Path(place).is_dir():
        return Path(place)
    exact = Path(place) / name
    others = sorted(exact.parent.glob(f"{_escaped(exact.stem)}.*")) if exact.parent.is_dir() else []
    if exact.exists() or not others:
        return exact
    return others[0]


def _beside(
    beside: Beside, single: bool, name: str, before: Picture, after: Picture, restored: Restored
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    if beside.reference:
        figures = against(read_picture(companion(beside.reference, single, name)), before, after)
    if beside.preview:
        write_picture(_target(beside.preview, single, name), Picture(before_and_after(before.values, after.values)))
    if beside.uncertainty and restored.bounds is not None:
        unit = 255 / _range(before.values)
        shown = np.clip(np.rint(restored.bounds * unit * QUARTERS), 0, 255).astype(np.uint8)
        write_picture(_target(beside.uncertainty, single, name), Picture(shown))
        figures["half_width"] = round(float(restored.bounds.mean() * unit), 3)
    return figures


def against(clean: Picture, before: Picture, after: Picture) -> dict[str, float]:
    """PSNR (dB) and SSIM of a picture to the clean one, before and after; a `Mistake` where they do not fit."""
    if clean.values.shape != after.values.shape:
        got = f"{clean.values.shape} beside {after.values.shape}"
        raise Mistake("the reference is another picture", got=got, allowed="the same size and channels")
    truth = _tensor(clean.values)
    figures = {}
    for moment, picture in (("before", before), ("after", after)):
        if picture.values.shape == clean.values.shape:
            image = _tensor(picture.values).nan_to_num()
            psnr = float(metrics.psnr(image, truth)[0])
            figures[f"psnr_{moment}"] = round(psnr, 3) if math.isfinite(psnr) else 100.0
            if min(image.shape[2:]) >= metrics.WINDOW:
                figures[f"ssim_{moment}"] = round(float(metrics.ssim(image, truth)[0]), 4)
    return figures


def _target(place: str, single: bool, name: str) -> Path:
    target = Path(place) if single else (Path(place) / name).with_suffix(".png")
    if not single:
        folder(target.parent)
    return target


def _tensor(values: np.ndarray) -> torch.Tensor:
    planes = values if values.ndim == 3 else values[..., None]
    return torch.from_numpy(planes.astype(np.float32) / _range(values)).permute(2, 0, 1)[None]


def _range(values: np.ndarray) -> float:
    return float(np.iinfo(values.dtype).max) if values.dtype.kind in "ui" else 1.0


def _as_picture(image: np.ndarray) -> Picture:
    return Picture(image.astype(np.float32) if image.dtype == np.float64 else image)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
