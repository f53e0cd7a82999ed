"""How sure a restoration is: the share of true values within the nominal 90 % intervals of the starter models.

Set12, BSD68 (grey) and Kodak (colour) with noise as in `denoise_sets`, not told; Kodak's luminance and colour as JPEG
of four qualities, as in `deblock`; the squares of `inpaint` with half of their pixels missing, of these the filled
ones alone. A value is covered when it lies within restored +- bounds; results are not clipped before, since clipping
only brings them nearer. Half-widths are in 8-bit units. The least and the greatest share are those of single pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks._inpaint import mask_of
from benchmarks._restoring import SIGMAS, Done, arguments, centre, keep, luminance, noisy, photos, restored
from benchmarks._result import Gate
from benchmarks.deblock import GAINS, saved

NOMINAL, APART = 90.0, 2.0  # percent; percent points
Case = tuple[str, Done, list[np.ndarray], float, list[np.ndarray] | None]  # name, done, truth, white, where


def run() -> None:
    chosen = arguments(__doc__, "gray", "color", "inpaint", "deblock").parse_args()
    figures, gates, runs = [], [], []
    for name, done, clean, full, masks in cases(vars(chosen)):
        row, share = covered(done, clean, full, masks)
        figures.append({"pictures": name} | row)
        gates.append(Gate(f"{name}: covered, percent points from 90", abs(share - NOMINAL), APART))
        runs.append(done)
    keep("uncertainty", figures, gates, runs, chosen.pictures)


def cases(given: dict[str, Any]) -> Iterator[Case]:
    count = given["pictures"]
    kodak = photos("kodak", count)
    grey = [luminance(picture) for picture in kodak]
    for name, folder in (("Set12", "set12"), ("BSD68", "bsd68")):
        clean = photos(folder, count)
        for sigma in SIGMAS:
            done = restored("denoise", noisy(clean, sigma), model=given["gray"], bounds=1)
            yield f"{name}, sigma {sigma}", done, clean, 1.0, None
    done = restored("denoise", noisy(kodak, 25), model=given["color"], bounds=1)
    yield "Kodak colour, sigma 25", done, kodak, 1.0, None
    for kind, clean in (("luminance", grey), ("colour", kodak)):
        for quality in GAINS:
            done = restored("deblock", saved(clean, quality), model=given["deblock"], bounds=1)
            yield f"Kodak {kind}, JPEG {quality}", done, clean, 255.0, None
    squares = {
        "grey squares": [centre(p) for p in photos("set12", count) + grey],
        "colour squares": [centre(p) for p in kodak],
    }
    for name, clean in squares.items():
        masks = [mask_of("half", k, picture.shape[:2]) for k, picture in enumerate(clean)]
        done = restored("inpaint", clean, masks, model=given["inpaint"], bounds=1)
        yield f"{name}, half missing", done, clean, 255.0, masks


def covered(
    done: Done, clean: list[np.ndarray], full: float, masks: list[np.ndarray] | None
) -> tuple[dict[str, Any], float]:
    """A row, and the share of all values that are covered, percent."""
    inside, widths = [], []
    for k, (restored_one, half, truth) in enumerate(zip(done.pictures, done.bounds, clean, strict=True)):
        where = np.ones(truth.shape[:2], bool) if masks is None else masks[k]
        apart = np.abs(restored_one.astype(np.float64) - truth * (full / 255))
        inside.append((apart <= half)[where].ravel())
        widths.append(half[where].mean() * 255 / full)
    each = [100 * float(of.mean()) for of in inside]
    share = 100 * float(np.concatenate(inside).mean())
    row = {"covered, %": f"{share:.1f}", "least, %": f"{min(each):.1f}", "greatest, %": f"{max(each):.1f}"}
    return row | {"mean half-width": float(np.mean(widths))}, share


if __name__ == "__main__":
    run()
