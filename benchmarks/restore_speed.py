"""How fast the starter models restore, and the memory that large pictures take; one thread everywhere.

Speed in megapixels a CPU-second: ours as a user calls it on a photo of Kodak (noise of sigma 25, which is found; JPEG
of quality 20; half of the pixels missing), the best of TURNS; the network alone in torch and in ONNX Runtime on SIDE x
SIDE pixels, each the best of TURNS in turn, in an environment of their own; non-local means of scikit-image and OpenCV
on the same photo; BM3D on one grey square of 256 x 256. Memory: the peak (VmHWM) of a fresh process that runs
`diabolo denoise IN -o OUT` on colour pictures of so many megapixels, everything that is imported counted.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._inpaint import mask_of
from benchmarks._processes import measured, peer
from benchmarks._restoring import Done, arguments, centre, keep, luminance, noisy, photos, restored_by_each
from benchmarks._result import Gate
from benchmarks.deblock import saved

TURNS = 3
SIDE = 512
MEGAPIXELS = (1, 6, 24, 50)
MOST = 2048.0  # MiB at the largest
STARTERS = {"denoise-gray": "denoise", "denoise-color": "denoise", "inpaint-color": "inpaint", "deblock": "deblock"}


def run() -> None:
    parser = arguments(__doc__, *STARTERS)
    parser.add_argument("--memory", nargs="*", type=int, default=list(MEGAPIXELS), metavar="MP", help="sizes [all]")
    given = vars(parser.parse_args())
    photo = photos("kodak", 1)[0]
    grey = luminance(photo)
    figures, runs, versions = [], [], {}
    for name, verb in STARTERS.items():
        picture = grey if name == "denoise-gray" else photo
        faulty, masks = spoilt(verb, picture)
        model = given[name.replace("-", "_")]
        done = restored_by_each(verb, faulty, masks, [{"model": model}] * TURNS)
        bare = measured("onnx_speed", model or name, SIDE, TURNS, python=peer("onnxruntime"), threads=1)
        speed = best_speed(done, picture)
        figures.append(row(name, speed, bare["torch"], bare["onnx"], f"{bare['difference']:.0e}"))
        runs.append(done[0])
        versions |= bare["version"]
    figures += others(photo, grey, runs)
    memory = {f"{size} megapixels": peak(size, given["denoise_color"]) for size in given["memory"]}
    figures += [row(f"`diabolo denoise`, {size}") | {"peak memory, MiB": mib} for size, mib in memory.items()]
    gates = [Gate("peak memory at 50 megapixels, MiB", memory["50 megapixels"], MOST)] if 50 in given["memory"] else []
    keep("restore_speed", figures, gates, [*runs, Done([], [], [], versions)], given["pictures"])


def spoilt(verb: str, picture: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """The picture with the fault that the verb undoes, and its mask."""
    if verb == "denoise":
        return noisy([picture], 25), None
    return (saved([picture], 20), None) if verb == "deblock" else ([picture], [mask_of("half", 0, picture.shape[:2])])


def others(photo: np.ndarray, grey: np.ndarray, runs: list[Done]) -> list[dict[str, Any]]:
    """The rows of the other methods, whose runs are added to `runs`."""
    rows, square = [], centre(grey)
    means = {"patch": 5, "distance": 9, "strength": 0.5, "sigma": 25}
    for name, method, picture, options in (
        ("BM3D, grey", "bm3d", square, {"sigma": 25}),
        ("non-local means, scikit-image, grey", "non-local-means", grey, means),
        ("non-local means, OpenCV, grey", "opencv-means", grey, {"h": 22.5}),
        ("non-local means, OpenCV, colour", "opencv-means", photo, {"h": 12, "hue": 16}),
    ):
        done = restored_by_each(method, noisy([picture], 25), None, [options] * (1 if method == "bm3d" else TURNS))
        rows.append(row(name, best_speed(done, picture)))
        runs.append(done[0])
    return rows


def best_speed(done: list[Done], picture: np.ndarray) -> float:
    return picture.shape[0] * picture.shape[1] / 1e6 / min(one.seconds[0] for one in done)


def row(name: str, speed: Any = "", bare: Any = "", onnx: Any = "", difference: str = "") -> dict[str, Any]:
    return {
        "what": name,
        "megapixels a CPU-second": speed,
        "network alone, torch": bare,
        "network alone, ONNX Runtime": onnx,
        "greatest difference": difference,
        "peak memory, MiB": "",
    }


def peak(megapixels: int, model: str | None) -> float:
    """MiB of a fresh process that denoises a colour picture of that size, 3 to 2, noisy, as PNG."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    photo = photos("kodak", 1)[0]
    tiled = np.tile(photo, (height // 512 + 1, height * 3 // 2 // 768 + 1, 1))[:height, : height * 3 // 2]
    drawn = np.random.default_rng(1000).integers(-40, 41, (256, *tiled.shape[1:]), np.int16)
    for top in range(0, height, 256):
        part = tiled[top : top + 256]
        part[:] = np.clip(part + drawn[: len(part)], 0, 255)
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.png", Path(folder) / "out.png"
        Image.fromarray(tiled).save(source, compress_level=1)
        chosen = ["-m", model] if model else []
        return measured("commanded", "denoise", source, "-o", out, *chosen, threads=1)["peak_mib"]


if __name__ == "__main__":
    run()
