"""Flaws in magnetic tiles: recipe `detect`, learned from good tiles alone, beside published figures.

Of the 952 good tiles 80 %, drawn by the seed, train; the others and all 392 flawed tiles are judged. Nothing else is
seen: no other pictures, no network trained on them. Image AUROC of all and of each kind of flaw; pixel AUROC over good
and flawed tiles; AUPRO over the flawed ones, up to 30 % false pixels. The four flawed tiles with an empty mask are left
out of the figures of pixels. Mean and standard deviation over the seeds, one thread. `--sheet` draws flaws with their
maps, by the model of seed 0. Huang, Qiu and Yuan 2020, "Surface defect saliency of magnetic tile".
"""

from __future__ import annotations

from argparse import Namespace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from PIL import Image

from benchmarks._detect import arguments, detected, keep, keeping, together, told
from benchmarks._result import Gate
from benchmarks._workers._tiles import mask, tiles
from diabolo.sources import Chosen
from diabolo.tasks.detect import AnomalyDetector
from diabolo.tasks.detect.files import Found, judged
from diabolo.tasks.detect.sheet import sheet, spread

KINDS = ("blowhole", "break", "crack", "fray", "uneven")
AUROC = (0.80, 0.88, 0.94, 0.98)
PARAMETERS, SECONDS = 2e6, 7200
LARGEST = 200_000  # bytes of the sheet
# GANomaly and DifferNet as in Rudolph, Wandt and Rosenhahn 2021 (DifferNet), PatchCore as in Roth et al. 2022.
PUBLISHED = {
    "GANomaly, from scratch, published": "0.766",
    "PatchCore, ImageNet features, published": "0.979",
    "DifferNet, ImageNet features, published": "0.977",
}


def run() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sheet", metavar="FILE", help="a JPEG to write")
    with keeping(parser.parse_args()) as chosen:
        jobs = [partial(detected, chosen, seed, ["tiles"]) for seed in range(chosen.seeds)]
        runs = [reports["tiles"] for reports in together(jobs)]
        figures = [ours(runs)]
        figures += [dict.fromkeys(figures[0], "") | {"method": m, "image AUROC": f} for m, f in PUBLISHED.items()]
        mean = fmean(run["auroc"] for run in runs)
        gates = [Gate("image AUROC", mean, least, greatest=False) for least in AUROC]
        gates += [
            Gate(
                "parameters, the witnesses' included", max(r["parameters"] + r["witnesses"] for r in runs), PARAMETERS
            ),
            Gate("most CPU-seconds to train", max(run["fit"] for run in runs), SECONDS),
        ]
        if chosen.sheet:
            draw(chosen)
        keep("detect_tiles", figures, gates, {}, chosen, runs=runs)


def ours(runs: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"method": "diabolo", "image AUROC": told([run["auroc"] for run in runs])}
    row |= {kind: told([run["kinds"][kind] for run in runs]) for kind in KINDS}
    row |= {"pixel AUROC": told([run["pixel_auroc"] for run in runs]), "AUPRO": told([run["aupro"] for run in runs])}
    row |= {"parameters": runs[0]["parameters"] + runs[0]["witnesses"]}
    row |= {"CPU-seconds to train": told([run["fit"] for run in runs], 0)}
    return row | {"tiles a CPU-second": told([run["judged"] / run["score"] for run in runs], 2)}


def draw(chosen: Namespace) -> None:
    """Flaws of every kind, from the most to the least abnormal, as the kept scores of seed 0 say, with their maps."""
    with np.load(Path(chosen.keep) / "tiles-0.npz") as held:
        named = zip(held["names"].tolist(), held["bad"].tolist(), strict=True)
        nothing = np.zeros(0)
        places = spread([Found(name, nothing, score, nothing) for name, score in named])
    detector = AnomalyDetector(str(Path(chosen.keep) / "tiles-0.diabolo"))
    shown = list(judged(detector, Chosen(tiles(0, chosen.most)[2], places)))
    masks = [mask(found.name, found.image.shape[:2]) for found in shown]
    page = Image.fromarray(sheet(shown, masks, detector.map_limit_))
    for quality in range(90, 20, -5):
        page.save(chosen.sheet, quality=quality, optimize=True)
        if Path(chosen.sheet).stat().st_size < LARGEST:
            break
    print(f"wrote {chosen.sheet}")


if __name__ == "__main__":
    run()
