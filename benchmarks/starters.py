"""The starter models: for each its size, what it took to train, and one figure on pictures that it never saw.

Pictures, noise and masks as in `denoise_sets`, `denoise_color`, `inpaint` and `deblock`, which say more. One thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks._inpaint import mask_of
from benchmarks._restoring import Done, arguments, centre, keep, luminance, noisy, photos, psnr, restored
from benchmarks._result import Gate
from benchmarks.deblock import saved
from diabolo.starters import FOLDER, STARTERS, starter

LARGEST = 3.0  # MB


def run() -> None:
    count = arguments(__doc__).parse_args().pictures
    rows, gates, runs = [], [], []
    for name in [name for name, (verb, _) in STARTERS.items() if verb != "compress"]:  # see `codec`
        told, before, after, done = MEASURED[name](count)
        size = (FOLDER / f"{name}.diabolo").stat().st_size / 1e6
        model = starter(name)
        rows.append(
            {
                "starter": f"`{name}`",
                "numbers": float(model.metrics["parameters"]),
                "file, MB": size,
                "CPU-minutes to train": float(model.provenance["cpu_minutes"]),
                "measured on": told,
                "PSNR before, dB": before,
                "after": after,
                "CPU-seconds a picture": float(np.mean(done.seconds)),
            }
        )
        gates.append(Gate(f"size of {name}, MB", size, LARGEST))
        runs.append(done)
    keep("starters", rows, gates, runs, count)


def denoised(name: str, told: str, grey: bool) -> Any:
    def measure(count: int | None) -> tuple[str, float, float, Done]:
        clean = photos(name, count, grey)
        spoiled = noisy(clean, 25)
        return told, *_scored("denoise", clean, spoiled, spoiled)

    return measure


def inpainted(name: str, kind: str, told: str) -> Any:
    def measure(count: int | None) -> tuple[str, float, float, Done]:
        clean = [centre(photo) for photo in photos("kodak", count)]
        masks = [mask_of(kind, k, photo.shape[:2]) for k, photo in enumerate(clean)]
        holed = [np.where(mask[..., None], 0, photo).astype(np.uint8) for photo, mask in zip(clean, masks, strict=True)]
        return told, *_scored("inpaint", clean, holed, holed, masks, 255, model=name)

    return measure


def deblocked(count: int | None) -> tuple[str, float, float, Done]:
    clean = [luminance(photo) for photo in photos("kodak", count)]
    files = saved(clean, 10)
    return "Kodak luminance, JPEG of quality 10", *_scored("deblock", clean, files, files, None, 255)


def _scored(
    verb: str,
    clean: Sequence[np.ndarray],
    spoiled: Sequence[np.ndarray],
    given: Sequence[np.ndarray],
    masks: Sequence[np.ndarray] | None = None,
    full: float = 1.0,
    model: str | None = None,
) -> tuple[float, float, Done]:
    """PSNR of the spoiled pictures and of the restored ones: over all pixels, or over the missing ones."""
    done = restored(verb, given, masks, model=model)
    places = masks or [None] * len(clean)  # type: ignore[list-item]
    before, after = (
        float(np.mean([psnr(p, c, full, m) for p, c, m in zip(pictures, clean, places, strict=True)]))
        for pictures in (spoiled, done.pictures)
    )
    return before, after, done


MEASURED = {
    "denoise-gray": denoised("bsd68", "BSD68, noise of 25", True),
    "denoise-color": denoised("kodak", "Kodak, noise of 25", False),
    "inpaint-color": inpainted("inpaint-color", "half", "Kodak squares, half of the pixels missing"),
    "inpaint-crisp": inpainted("inpaint-crisp", "hole", "Kodak squares, a hole of 64 x 64"),
    "deblock": deblocked,
}

if __name__ == "__main__":
    run()
