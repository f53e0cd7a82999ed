"""Restore pictures one after another by one method, ours or another's: restoring.py METHOD IN OUT OPTIONS ...

IN (.npz) holds picture-0, picture-1, ... and, where pixels are missing, mask-0, ... (not 0 = missing). All are restored
once with each of the OPTIONS (a=1,b=2 or - for none): OUT gets picture-0, ... and, with bounds=1 of ours, bounds-0,
..., counted on over the options. Reports the CPU-seconds of each; the first picture goes through once before that, cut
to 64 x 64 pixels, since a first call prepares what the later ones have.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from _measure import Clock, report

Options = dict[str, str]
Restore = Callable[[np.ndarray, Any], Any]


def ours(verb: str, options: Options, channels: int) -> Restore:
    import diabolo

    kinds = {"denoise": diabolo.Denoiser, "inpaint": diabolo.Inpainter, "deblock": diabolo.Deblocker}
    estimator = kinds[verb](options.get("model"))
    bounds = "bounds" in options
    if verb == "denoise":
        given = float(options["sigma"]) if "sigma" in options else None
        return lambda picture, mask: estimator.restore(picture, given, bounds=bounds)
    if verb == "inpaint":
        return lambda picture, mask: estimator.restore(picture, mask, bounds=bounds)
    return lambda picture, mask: estimator.restore(picture, bounds=bounds)


def bm3d(options: Options, channels: int) -> Restore:
    from bm3d import bm3d, bm3d_rgb

    function, sigma = (bm3d_rgb if channels == 3 else bm3d), float(options["sigma"]) / 255
    return lambda picture, mask: function(picture, sigma)


def non_local_means(options: Options, channels: int) -> Restore:
    from skimage.restoration import denoise_nl_means

    sigma = float(options["sigma"]) / 255
    chosen = {"patch_size": int(options["patch"]), "patch_distance": int(options["distance"])}
    chosen |= {"h": float(options["strength"]) * sigma, "sigma": sigma, "fast_mode": True}
    axis = -1 if channels == 3 else None
    return lambda picture, mask: denoise_nl_means(picture, **chosen, channel_axis=axis)


def total_variation(options: Options, channels: int) -> Restore:
    from skimage.restoration import denoise_tv_chambolle

    weight, axis = float(options["weight"]), -1 if channels == 3 else None
    return lambda picture, mask: 255 * denoise_tv_chambolle(picture, weight, channel_axis=axis)


def opencv_means(options: Options, channels: int) -> Restore:
    """OpenCV's takes 8-bit pictures only: what lies beyond 0..255 is clipped, the rest rounded."""
    import cv2

    cv2.setNumThreads(1)
    strength = float(options["h"])

    def restore(picture: np.ndarray, mask: Any) -> np.ndarray:
        raw = np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
        if channels == 3:  # in OpenCV's order of the channels
            bgr = np.ascontiguousarray(raw[..., ::-1])
            return cv2.fastNlMeansDenoisingColored(bgr, None, strength, float(options["hue"]))[..., ::-1] / 255.0
        return cv2.fastNlMeansDenoising(raw, None, strength) / 255.0

    return restore


def opencv_inpainting(options: Options, channels: int) -> Restore:
    import cv2

    cv2.setNumThreads(1)
    way = cv2.INPAINT_NS if options["way"] == "navier-stokes" else cv2.INPAINT_TELEA
    return lambda picture, mask: cv2.inpaint(picture, mask.astype(np.uint8), 3, way)


class _Zeroed:
    """NumPy whose `empty` is `zeros`."""

    def __getattr__(self, name: str) -> Any:
        return np.zeros if name == "empty" else getattr(np, name)


def biharmonic(options: Options, channels: int) -> Restore:
    """scikit-image 0.26 leaves garbage in its matrix where pixels near the border are missing: there 0 is meant."""
    module = importlib.import_module("skimage.restoration.inpaint")
    module.np, axis = _Zeroed(), -1 if channels == 3 else None  # type: ignore[attr-defined]
    return lambda picture, mask: 255 * module.inpaint_biharmonic(picture, mask, channel_axis=axis)


def mean(options: Options, channels: int) -> Restore:
    def restore(picture: np.ndarray, mask: Any) -> np.ndarray:
        filled = picture.astype(np.float64)
        filled[mask] = picture[~mask].mean(0)
        return filled

    return restore


METHODS: dict[str, tuple[str, Callable[[Options, int], Restore]]] = {
    "denoise": ("torch", lambda options, channels: ours("denoise", options, channels)),
    "inpaint": ("torch", lambda options, channels: ours("inpaint", options, channels)),
    "deblock": ("torch", lambda options, channels: ours("deblock", options, channels)),
    "bm3d": ("bm3d", bm3d),
    "non-local-means": ("scikit-image", non_local_means),
    "total-variation": ("scikit-image", total_variation),
    "opencv-means": ("opencv-python-headless", opencv_means),
    "opencv-inpainting": ("opencv-python-headless", opencv_inpainting),
    "biharmonic": ("scikit-image", biharmonic),
    "mean": ("numpy", mean),
}


def run(method: str, source: str, out: str, *given: str) -> None:
    package, make = METHODS[method]
    with np.load(source) as held:
        count = sum(name.startswith("picture-") for name in held)
        pictures = [held[f"picture-{k}"] for k in range(count)]
        masks = [held.get(f"mask-{k}") for k in range(count)]
    results: dict[str, np.ndarray] = {}
    seconds: list[float] = []
    for text in given:
        options = {} if text == "-" else dict(option.split("=", 1) for option in text.split(","))
        restore = make(options, pictures[0].shape[2] if pictures[0].ndim == 3 else 1)
        if not seconds:
            restore(pictures[0][:64, :64], None if masks[0] is None else np.arange(4096).reshape(64, 64) % 7 == 0)
        for picture, mask in zip(pictures, masks, strict=True):
            clock = Clock()
            restored = restore(picture, mask)
            took = clock.read()["cpu_seconds"]
            values, bounds = restored if isinstance(restored, tuple) else (restored, None)
            results[f"picture-{len(seconds)}"] = values
            if bounds is not None:
                results[f"bounds-{len(seconds)}"] = bounds
            seconds.append(took)
    np.savez(out, **results)
    report(cpu_seconds=seconds, version={package: version(package)})


if __name__ == "__main__":
    run(*sys.argv[1:])
