"""The sampler table: digits drawn by every prior from the codes of every latent, beside pythae's samplers.

Each autoencoder learns MNIST once: recipe `generate-small` with fully connected layers 784-512-code-512-784, batches of
128, three epochs of Adam, no labels. The code has 16 numbers, or 64 where most of them are 0 (sparse), or 16 words
(quantised, codebook), or is every feature rounded (coded). Each prior then learns these codes, those with gradients in
600 steps. Of the priors that a latent can take, that one is kept whose samples are nearest to held-out pictures, as
`--priors a,b,c` does: "kept". pythae's models have the same layers, see as many pictures, and its samplers learn in as
many steps; it keeps none by itself, so the best stands there.

A figure is the Frechet distance of 10000 drawn pictures to the 10000 test pictures in the last hidden layer of a
classifier of real ones; "real pictures" is the floor. Coverage and recall with five neighbours. One seed, one thread,
about 14 minutes of the processor. `--most N` tries N pictures, judged beside training pictures, and keeps nothing.
"""

from __future__ import annotations

import argparse
import math
import shutil
from typing import Any

from benchmarks import _result
from benchmarks._processes import ENVIRONMENTS, given, measured, peer
from benchmarks._result import Gate

EPOCHS, STEPS = 3, 600
NETWORK: dict[str, Any] = {
    "architecture": "flat",
    "architecture.depth": 1,
    "architecture.width": 512,
    "architecture.activation": "relu",
    "architecture.decoder_activation": "relu",
    "precision": "float32",  # as pythae
    "optimizer": "adam",
    "learning_rate": 2e-3,
    "batch_size": 128,
    "steps": 0,
    "epochs": EPOCHS,
}
PRIORS = ("normal", "mixture", "flow", "flow-matching", "autoregressive")
SMALL: dict[str, Any] = {
    "priors": ",".join(PRIORS),
    "priors.flow.width": 128,
    "priors.flow.steps": STEPS,
    "priors.flow-matching.width": 256,
    "priors.flow-matching.evaluations": 20,
    "priors.flow-matching.steps": STEPS,
    "priors.autoregressive.width": 64,
    "priors.autoregressive.depth": 2,
    "priors.autoregressive.steps": STEPS,
}
DEFAULT = "variational"  # of the recipe
FEW = {"priors.mixture.most": 5000}  # of 512 numbers each: more would take most of the time
LATENTS: dict[str, dict[str, Any]] = {
    "plain": {"latent.size": 16},
    "linear": {"latent.size": 16},
    "sparse": {"latent.size": 64},
    "contractive": {"latent.size": 16},
    DEFAULT: {"latent.size": 16},
    "quantised": {"latent.words": 16},
    "codebook": {"latent.words": 16, "latent.codes": 256},
    "coded": {"latent.width": 32, "latent.blocks": 0, "latent.state": 16, "latent.hyper": 8} | FEW,
}
MODELS = ("VAE", "RAE")  # of pythae
SAMPLERS = {"normal": "normal", "mixture": "mixture", "flow": "maf"}
NEAR = 1.05  # of the best


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="[0]")
    parser.add_argument("--latents", nargs="+", choices=LATENTS, default=list(LATENTS), help="a trial of some [all]")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N pictures")
    chosen = parser.parse_args()
    folder = ENVIRONMENTS / "samples"
    shutil.rmtree(folder, ignore_errors=True)
    runs: dict[str, dict[str, Any]] = {}
    for latent in chosen.latents:
        (folder / latent).mkdir(parents=True)
        options = given(NETWORK | SMALL | {"latent": latent} | LATENTS[latent])
        runs[latent] = measured("sampling", chosen.seed, chosen.most, folder / latent, *options, threads=1)
    for name in MODELS:
        (folder / name).mkdir(parents=True)
        told = (name, chosen.seed, chosen.most, folder / name, EPOCHS, *SAMPLERS.values())
        runs[name] = measured("pythae_sampling", *told, python=peer("pythae"), threads=1)
        runs[name]["priors"] = {prior: runs[name]["priors"][sampler] for prior, sampler in SAMPLERS.items()}
    judged = measured("judging", chosen.seed, int(chosen.most > 0), folder, threads=1)
    for name, trained in runs.items():
        for prior, cell in trained.get("priors", {}).items():
            cell |= judged.get(f"{name}/{SAMPLERS[prior] if name in MODELS else prior}", {})
    figures = [row(f"pythae {name}" if name in MODELS else name, trained) for name, trained in runs.items()]
    floor = judged["real"]
    figures.append(blank("real pictures") | {"its distance": floor["frechet"]} | shares(floor))
    ours = {name: runs[name] for name in chosen.latents if able(runs[name])}
    trial = chosen.most or len(chosen.latents) < len(LATENTS)
    _result.write(
        "generate_samplers",
        figures,
        gates(ours),
        {"pythae": runs[MODELS[0]]["version"]},
        folder=ENVIRONMENTS if trial else _result.FOLDER,
        threads=1,
        runs=runs,
        judged=judged,
    )


def able(trained: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The priors that drew something, by name."""
    return {prior: cell for prior, cell in trained.get("priors", {}).items() if "frechet" in cell}


def kept(trained: dict[str, Any]) -> str:
    """The prior that the product keeps; the best where it is no product of ours."""
    cells = able(trained)
    return min(cells, key=lambda prior: cells[prior].get("distance", cells[prior]["frechet"]))


def best(trained: dict[str, Any]) -> float:
    return min(cell["frechet"] for cell in able(trained).values())


def row(name: str, trained: dict[str, Any]) -> dict[str, Any]:
    if "refused" in trained:
        return blank(name) | dict.fromkeys(PRIORS, "refused")
    cells, prior = trained["priors"], kept(trained)
    seconds = trained["training"] + sum(cell.get("learning", 0) + cell.get("drawing", 0) for cell in cells.values())
    figures = {p: cells[p].get("frechet", "refused") if p in cells else "" for p in PRIORS}
    told = {"kept": prior, "its distance": cells[prior]["frechet"]} | shares(cells[prior])
    return blank(name) | figures | told | {"CPU-seconds of all": seconds}


def blank(name: str) -> dict[str, Any]:
    columns = (*PRIORS, "kept", "its distance", "coverage", "recall", "CPU-seconds of all")
    return {"codes of": name} | dict.fromkeys(columns, "")


def shares(cell: dict[str, Any]) -> dict[str, Any]:
    return {"coverage": cell["coverage"], "recall": cell["recall"]}


def gates(ours: dict[str, dict[str, Any]]) -> list[Gate]:
    """What is kept beside the best of the same codes, for the default latent and for the worst; and of the table."""
    far = {name: trained["priors"][kept(trained)]["frechet"] / best(trained) for name, trained in ours.items()}
    worst = max(far, key=lambda name: far[name])
    found = [Gate(f"what is kept, of the best prior of the same codes, at worst ({worst})", far[worst], NEAR)]
    if DEFAULT in ours:
        of_all = far[DEFAULT] * best(ours[DEFAULT]) / min(map(best, ours.values()), default=math.nan)
        found.append(Gate(f"the same for the latent of the recipe ({DEFAULT})", far[DEFAULT], NEAR))
        found.append(Gate("what is kept of the recipe's latent, of the best cell of all", of_all, NEAR))
    return found


if __name__ == "__main__":
    run()
