"""The sampler table: digits drawn by every prior from the codes of every latent, beside pythae's samplers.

Each autoencoder learns MNIST once: recipe `generate-small` with fully connected layers 784-512-code-512-784, batches of
128, three epochs of Adam, no labels. The code has 16 numbers, or 64 where most of them are 0 (sparse), or 16 words
(quantised, codebook), or is every feature rounded (coded). Each prior then learns these codes, those with gradients in
600 steps. Of the priors that a latent can take, that one is kept whose samples are nearest to held-out pictures, as
`--priors a,b,c` does: "kept". pythae's models have the same layers, see as many pictures, and its samplers learn in as
many steps; it keeps none by itself, so the best stands there.

A figure is the Frechet distance of 10000 drawn pictures to the 10000 test pictures in the last hidden layer of a
classifier of real ones; "real pictures" is the floor. Coverage and recall with five neighbours. One thread, about 14
minutes of the processor for each of the seeds (--seeds). `--most N` tries N pictures, judged beside training pictures,
and keeps nothing.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from benchmarks import _result
from benchmarks._processes import ENVIRONMENTS, given, measured, peer
from benchmarks._result import Gate, Spread

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
REAL = "real pictures"

Table = dict[str, dict[str, Any]]  # rows by latent or model


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="runs of each cell [3]")
    parser.add_argument("--latents", nargs="+", choices=LATENTS, default=list(LATENTS), help="a trial of some [all]")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="a trial on N pictures")
    chosen = parser.parse_args()
    tables = [table(seed, chosen.latents, chosen.most) for seed in range(chosen.seeds)]
    trial = chosen.most or len(chosen.latents) < len(LATENTS)
    written(tables, folder=ENVIRONMENTS if trial else _result.FOLDER)


def table(seed: int, latents: list[str], most: int) -> Table:
    """Every row by one seed, every cell judged, and the floor: by latent or model of pythae, `REAL` for the floor."""
    folder = ENVIRONMENTS / "samples"
    shutil.rmtree(folder, ignore_errors=True)
    rows: Table = {}
    for latent in latents:
        (folder / latent).mkdir(parents=True)
        options = given(NETWORK | SMALL | {"latent": latent} | LATENTS[latent])
        rows[latent] = measured("sampling", seed, most, folder / latent, *options, threads=1)
    for name in MODELS:
        (folder / name).mkdir(parents=True)
        told = (name, seed, most, folder / name, EPOCHS, *SAMPLERS.values())
        rows[name] = measured("pythae_sampling", *told, python=peer("pythae"), threads=1)
        rows[name]["priors"] = {prior: rows[name]["priors"][sampler] for prior, sampler in SAMPLERS.items()}
    judged = measured("judging", seed, int(most > 0), folder, threads=1)
    for name, row in rows.items():
        for prior, cell in row.get("priors", {}).items():
            cell |= judged.get(f"{name}/{SAMPLERS[prior] if name in MODELS else prior}", {})
    return rows | {REAL: judged["real"]}


def written(tables: list[Table], folder: Path) -> None:
    figures = [figure(name, [table[name] for table in tables]) for name in tables[0] if name != REAL]
    floors = [table[REAL] for table in tables]
    figures.append(blank(REAL) | {"its distance": Spread.of(floor["frechet"] for floor in floors)} | shares(floors))
    versions = {"pythae": tables[0][MODELS[0]]["version"]}
    _result.write("generate_samplers", figures, gates(tables), versions, folder=folder, threads=1, runs=tables)


def able(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The priors that drew something, by name."""
    return {prior: cell for prior, cell in row.get("priors", {}).items() if "frechet" in cell}


def kept(row: dict[str, Any]) -> str:
    """The prior that the product keeps; the best where it is no product of ours."""
    cells = able(row)
    return min(cells, key=lambda prior: cells[prior].get("distance", cells[prior]["frechet"]))


def best(row: dict[str, Any]) -> float:
    return min(cell["frechet"] for cell in able(row).values())


def figure(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What one row of the table says, of one run of it per seed."""
    told = blank(f"pythae {name}" if name in MODELS else name)
    if "refused" in rows[0]:
        return told | dict.fromkeys(PRIORS, "refused")
    for prior in PRIORS:
        cells = [row["priors"].get(prior) for row in rows]
        if all(cell and "frechet" in cell for cell in cells):
            told[prior] = Spread.of(cell["frechet"] for cell in cells)
        elif any(cells):
            told[prior] = "refused"
    chosen = [row["priors"][kept(row)] for row in rows]
    told["kept"] = ", ".join(dict.fromkeys(kept(row) for row in rows))
    told["its distance"] = Spread.of(cell["frechet"] for cell in chosen)
    return told | shares(chosen) | {"CPU-seconds of all": Spread.of(map(seconds, rows))}


def blank(name: str) -> dict[str, Any]:
    columns = (*PRIORS, "kept", "its distance", "coverage", "recall", "CPU-seconds of all")
    return {"codes of": name} | dict.fromkeys(columns, "")


def shares(cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {share: Spread.of(cell[share] for cell in cells) for share in ("coverage", "recall")}


def seconds(row: dict[str, Any]) -> float:
    return row["training"] + sum(cell.get("learning", 0) + cell.get("drawing", 0) for cell in row["priors"].values())


def gates(tables: list[Table]) -> list[Gate]:
    """What is kept beside the best of the same codes, for the default latent and for the worst; and of the table.

    Of each the worst seed.
    """
    ours = [{name: row for name, row in table.items() if name in LATENTS and able(row)} for table in tables]
    far = [{name: row["priors"][kept(row)]["frechet"] / best(row) for name, row in rows.items()} for rows in ours]
    worst = {name: max(of[name] for of in far) for name in far[0]}
    name = max(worst, key=worst.__getitem__)
    found = [Gate(f"what is kept, of the best prior of the same codes, at worst ({name})", worst[name], NEAR)]
    if DEFAULT in ours[0]:
        of_all = [
            rows[DEFAULT]["priors"][kept(rows[DEFAULT])]["frechet"] / min(map(best, rows.values())) for rows in ours
        ]
        found.append(Gate(f"the same for the latent of the recipe ({DEFAULT})", worst[DEFAULT], NEAR))
        found.append(Gate("what is kept of the recipe's latent, of the best cell of all", max(of_all), NEAR))
    return found


if __name__ == "__main__":
    run()
