"""On a GPU: every recipe, latent, prior and term learns there, repeats there, and its file does the same elsewhere."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from diabolo import AnomalyDetector, Generator, Mistake, artifact
from diabolo.latents import LATENTS
from diabolo.objectives import TERMS
from diabolo.options import name_of
from diabolo.priors import PRIORS
from diabolo.recipe import with_options
from diabolo.recipes import RECIPES, named
from diabolo.sources import Source, labelled, open_rows, open_source
from diabolo.training import fit

DEVICE = "cuda"
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and `make gpu`")
COUNT = 40
QUICK = {"steps": 3, "batch_size": 8}


@pytest.fixture(autouse=True)
def quiet() -> Any:
    """Trainings this short learn nothing, and say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def pictures() -> np.ndarray:
    """Colour pictures, (n, 32, 32, 3) uint8."""
    small = load_digits().images[:COUNT, :, :, None].repeat(4, 1).repeat(4, 2) * 15
    return np.concatenate((small, small[:, ::-1], small[:, :, ::-1]), 3).astype(np.uint8)


def source_of(recipe: str) -> Source:
    draw = np.random.default_rng(0)
    columns = {"size": draw.normal(size=COUNT), "kind": draw.choice(["a", "b"], COUNT)}
    if recipe.endswith("-mixed"):
        return open_rows(columns)
    if recipe.endswith("-records"):
        return open_rows(columns | {"picture": pictures()})
    images = draw.normal(size=(COUNT, 8)).astype(np.float32) if recipe.endswith("-table") else pictures()
    return labelled(open_source(images), columns["kind"])


def options_of(recipe: str) -> dict[str, Any]:
    part = named(recipe)
    crop = {"crop": 16} if part.training.crop else {}
    margin = {"margin": 4} if part.training.margin else {}
    quick = QUICK if part.training.steps else {"epochs": 1, "batch_size": 8}
    size = {"latent.size": 2} if recipe.endswith("-mixed") else {}  # all there are
    return quick | size | crop | margin | shorter(map(name_of, part.priors))


def shorter(priors: Any) -> dict[str, Any]:
    return {f"priors.{name}.steps": 3 for name in priors if hasattr(PRIORS.parts[name](), "steps")}


def close(one: np.ndarray, other: np.ndarray) -> None:
    """Nearly all pixels are the same but for a step of 8 bits, or a hundredth."""
    apart = np.abs(one.astype(np.float64) - other)
    assert (apart <= (1 if one.dtype == np.uint8 else 0.01 * max(1.0, np.abs(other).max()))).mean() > 0.99


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_learns_there_and_its_file_does_the_same_elsewhere(recipe: str, tmp_path: Path) -> None:
    source = source_of(recipe)
    model = fit(source, with_options(named(recipe), options_of(recipe)), device=DEVICE)
    assert model.device.type == DEVICE
    artifact.save(model, tmp_path / "m.diabolo")
    elsewhere = artifact.load(tmp_path / "m.diabolo")
    images = np.stack([source.read(i) for i in range(8)])
    close(model.reconstruct(images), elsewhere.reconstruct(images))


@pytest.mark.parametrize("latent", LATENTS.names())
@pytest.mark.parametrize("prior", PRIORS.names())
def test_every_prior_of_every_latent_draws_there(prior: str, latent: str, tmp_path: Path) -> None:
    quick = QUICK | {"latent": latent, "priors": prior, "architecture.width": 16} | shorter([prior])
    quick |= {"latent.size": 8} if latent == "linear" else {}
    source = source_of("records" if prior.startswith("masked") else "generate")
    try:
        model = fit(source, with_options(named("deep"), quick), device=DEVICE)
    except Mistake as mistake:
        pytest.skip(f"they do not go together: {mistake}")
    artifact.save(model, tmp_path / "m.diabolo")
    there, elsewhere = Generator(model, device=DEVICE), Generator(tmp_path / "m.diabolo")
    label = {} if prior.startswith("masked") else {"label": "a"}
    one, again = (there.sample(20, **label, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert one.shape == elsewhere.sample(20, **label, seed=3).shape == (20, 32, 32, 3)


@pytest.mark.parametrize("term", TERMS.names())
def test_every_term_is_computed_there(term: str) -> None:
    beside = getattr(TERMS.parts[term], "needs", "") == "beside"
    name = "detect-small" if TERMS.parts[term].needs == "marks" else "generate-records" if beside else "generate"
    options = options_of(name) | {"terms": term}
    assert fit(source_of(name), with_options(named(name), options), device=DEVICE).device.type == DEVICE


def test_records_are_completed_there() -> None:
    records = {"kind": np.array(["a", "b"] * 20), "picture": pictures()}
    generator = Generator(options=options_of("generate-records"), device=DEVICE).fit(records)
    made = generator.sample(4, given={"kind": "b"}, seed=1)
    assert made["picture"].shape == (4, 32, 32, 3)
    assert (made["kind"] == "b").all()
    assert set(generator.complete({"picture": pictures()[:4]})["kind"]) <= {"a", "b"}


def test_flaws_are_found_there() -> None:
    detector = AnomalyDetector(options={"steps": 3, "calibration": 0.3}, device=DEVICE).fit(pictures())
    assert detector.anomaly_map(pictures()[:4]).shape == (4, 32, 32)
