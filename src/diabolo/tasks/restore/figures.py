"""How near a restored picture is to the clean one, strip by strip: large pictures take little memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from diabolo import metrics
from diabolo.errors import Mistake
from diabolo.pixels import Picture
from diabolo.tasks.nearness import ROWS, full_range, psnr

EQUAL = 100.0  # dB, told where nothing differs


def check_reference(clean: Picture, before: Picture, enlarges: bool = False) -> None:
    """Refuse a clean picture that is none of the same picture."""
    (height, width), (high, wide) = before.values.shape[:2], clean.values.shape[:2]
    times = high // height if enlarges else 1
    if (high, wide) != (height * times, width * times) or clean.values.ndim != before.values.ndim:
        got = f"{_size(clean)} beside {_size(before)}"
        raise Mistake("the reference is another picture", got=got, allowed="the same size and channels")


def against(clean: Picture, before: Picture, after: Picture) -> dict[str, float]:
    """PSNR (dB) and SSIM of a picture to the clean one, before and after; a `Mistake` where they do not fit."""
    check_reference(clean, after)
    figures = {}
    for moment, picture in (("before", before), ("after", after)):
        if picture.values.shape == clean.values.shape:
            figures[f"psnr_{moment}"] = round(_psnr(picture.values, clean.values), 3)
            if min(clean.values.shape[:2]) >= metrics.WINDOW:
                figures[f"ssim_{moment}"] = round(_ssim(picture.values, clean.values), 4)
    return figures


def _psnr(values: np.ndarray, truth: np.ndarray) -> float:
    known = np.nan_to_num(values) if values.dtype.kind == "f" else values
    return min(EQUAL, psnr(known, truth))


def _ssim(values: np.ndarray, truth: np.ndarray) -> float:
    """The mean over all places of the window: those of a strip count by their rows."""
    window = metrics.WINDOW - 1
    sums = [float(metrics.ssim(*pair)) * (pair[0].shape[2] - window) for pair in _strips(values, truth, window)]
    return sum(sums) / (len(values) - window)


def _strips(values: np.ndarray, truth: np.ndarray, shared: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Both pictures as (1, c, rows, w) in 0..1, in strips that share so many rows with the next."""
    for top in range(0, len(values) - shared, ROWS):
        rows = slice(top, top + ROWS + shared)
        yield _tensor(values[rows]).nan_to_num(), _tensor(truth[rows])


def _tensor(values: np.ndarray) -> torch.Tensor:
    planes = values if values.ndim == 3 else values[..., None]
    return torch.from_numpy(planes.astype(np.float32) / full_range(values)).permute(2, 0, 1)[None]


def _size(picture: Picture) -> str:
    height, width = picture.values.shape[:2]
    return f"{width} x {height} {'grey' if picture.values.ndim == 2 else 'colour'}"
