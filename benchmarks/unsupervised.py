"""Denoising learned without any clean picture: noisy Train400 alone, judged on BSD68, sigma 25.

Every picture of Train400 is seen with one noise of its own, float and not clipped, never without it. The same network,
steps and seed learn from these with their clean pictures as targets, with a second noisy copy of each (Noise2Noise),
or from the noisy ones alone: `recorrupt`, which knows that the noise is white with sigma 25, and `blind-spot`, which
knows only that a pixel's noise tells nothing of its neighbours'. No network is told the noise level. BSD68's noise is
`default_rng(1000 + k)`; results are clipped to 0..1; a score is the mean PSNR in dB. With `--tune` the last HELD
pictures of Train400 are judged in place of BSD68, the others are learned from, and nothing is kept. One thread.
"""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._processes import given, measured
from benchmarks._restoring import Done, arguments, both, keep, noisy, photos, scores
from benchmarks._result import Gate

SIGMA = 25
HELD = 40
MIDDLE = 0.5  # taken away from all pictures: floats within -1..1 stay as they are, others would be rescaled
WITHIN = 0.5  # dB of the network that saw clean pictures
ALIKE = {
    "hint": "none",
    "batch_size": 8,
    "crop": 64,
    "flip": True,
    "turn": True,
    "optimizer": "muon",
    "precision": "bfloat16",
    "validation": 0,
    "seed": 0,
}
PAIRS = {"corruption": "none"}
RECORRUPT = {"corruption": "recorrupt", "corruption.recorrupt.sigma": SIGMA}
BLIND_SPOT = {"corruption": "blind-spot", "corruption.blind-spot.share": 0.05}
WAYS = {
    "clean": ("clean pictures", PAIRS),
    "noise2noise": ("a second noisy copy (Noise2Noise)", PAIRS),
    "recorrupt": ("nothing, `recorrupt`", RECORRUPT),
    "blind-spot": ("nothing, `blind-spot`", BLIND_SPOT),
}
ALONE = ("recorrupt", "blind-spot")


def run() -> None:
    chosen = parsed()
    train = photos("train400")
    judged = train[-HELD:] if chosen.tune else photos("bsd68", chosen.pictures)
    test = [picture - np.float32(MIDDLE) for picture in noisy(judged, SIGMA)]
    alike = ALIKE | {"architecture.widths": chosen.widths, "epochs": chosen.epochs, "learning_rate": chosen.rate}
    alike |= dict(option.split("=", 1) for option in chosen.option)
    figures, quality = [], {}
    for name in chosen.ways:
        told, options = WAYS[name]
        arrays = learned(np.stack(train[:-HELD] if chosen.tune else train), name)
        done, report = trained(arrays, test, alike | options | overridden(chosen, name))
        score = scores([picture + MIDDLE for picture in done], judged)
        quality[name] = score[0]
        row = {"told beside the noisy pictures": told, "PSNR, dB / SSIM": both(score)}
        figures.append(row | {"CPU-seconds to train": report["cpu_seconds"]})
        print(figures[-1], flush=True)
    if chosen.tune or set(quality) != set(WAYS):
        return
    apart = quality["clean"] - max(quality[name] for name in ALONE)
    gates = [Gate("PSNR of the best without clean pictures below that with them, dB", apart, WITHIN)]
    trial: list[Done] = []
    keep("unsupervised", figures, gates, trial, chosen.pictures, options={k: str(v) for k, v in alike.items()})


def parsed() -> Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--tune", action="store_true", help="judge on held-out pictures of Train400; keep nothing")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="only some; keeps nothing")
    parser.add_argument("--epochs", type=int, default=16, help="times that every picture is seen [16]")
    parser.add_argument("--widths", default="32,64,128", help="of the network [32,64,128]")
    parser.add_argument("--rate", type=float, default=4e-3, help="the highest learning rate [0.004]")
    parser.add_argument("--strength", type=float, help="of recorrupt")
    parser.add_argument("--share", type=float, help="of pixels that blind-spot hides")
    parser.add_argument("--option", nargs="*", default=[], metavar="NAME=VALUE", help="further options of the recipe")
    return parser.parse_args()


def overridden(chosen: Namespace, name: str) -> dict[str, Any]:
    if name == "recorrupt" and chosen.strength:
        return {"corruption.recorrupt.strength": chosen.strength}
    return {"corruption.blind-spot.share": chosen.share} if name == "blind-spot" and chosen.share else {}


def learned(clean: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """What is learned from: `noisy`, and `target` where there is one."""
    first, second = (faint(clean, seed) for seed in (2026, 2027))
    if name == "clean":
        return {"noisy": first, "target": (clean / 255 - MIDDLE).astype(np.float32)}
    return {"noisy": first, "target": second} if name == "noise2noise" else {"noisy": first}


def faint(clean: np.ndarray, seed: int) -> np.ndarray:
    """Noisy pictures around 0; one value in ten million lies beyond -1..1, and is clipped."""
    drawn = np.random.default_rng(seed).standard_normal(clean.shape)
    return np.clip(clean / 255 - MIDDLE + SIGMA / 255 * drawn, -1, 1).astype(np.float32)


def trained(
    arrays: dict[str, np.ndarray], test: list[np.ndarray], options: dict[str, Any]
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The test pictures as the network restores them that learned from `arrays`, and what the worker reports."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.npz", Path(folder) / "out.npz"
        np.savez(source, **arrays, **{f"picture-{k}": picture for k, picture in enumerate(test)})
        report = measured("unsupervised", source, out, *given(options), threads=1)
        with np.load(out) as held:
            return [held[f"picture-{k}"] for k in range(len(test))], report


if __name__ == "__main__":
    run()
