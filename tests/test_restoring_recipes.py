"""What restoring needs of the training: hints, noisy pictures as teachers, pairs, a start, a critic, half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diabolo import artifact
from diabolo.architectures import Conv, Flat, Unet
from diabolo.corruptions import BlindSpot, Boxes, Noise, Recorrupt, Shot, corrupt, hint
from diabolo.errors import Mistake
from diabolo.model import Model
from diabolo.network import Network
from diabolo.objectives import Adversarial, Step
from diabolo.pixels import Picture, write_picture
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import RECIPES, named
from diabolo.sources import Arrays, open_source
from diabolo.training import fit, players
from diabolo.training.batches import Batches
from diabolo.training.pictures import Pictures
from diabolo.training.players import autoencoder
from diabolo.training.processes import Processes

TINY = {"architecture.widths": "4,8", "epochs": 2, "batch_size": 8, "crop": 16}
RESTORING = [
    name for name, (recipe, _) in RECIPES.items() if isinstance(recipe.architecture, Unet) and not recipe.witnesses
]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    from skimage.data import camera

    return np.stack([camera()[y : y + 24, x : x + 20] for y in range(100, 340, 24) for x in range(150, 350, 40)])


def train(images: Any, name: str = "denoise", target: Any = None, start: Any = None, **options: Any) -> Model:
    recipe = with_options(named(name), {**TINY, **{key.replace("__", "."): value for key, value in options.items()}})
    return fit(open_source(images), recipe, target=None if target is None else open_source(target), start=start)


def same(one: Model, other: Model) -> bool:
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("name", RESTORING)
def test_every_restoring_recipe_learns_and_knows_how_sure_it_is(name: str, images: np.ndarray) -> None:
    model = train(images, name, epochs=20, learning_rate=0.003)
    assert model.metrics["restored_mse"] < model.metrics["corrupted_mse"]
    assert model.bounds
    assert model.bounds.coverage == 0.9


# Hints


def test_the_level_that_is_told_is_the_noise_that_was_added() -> None:
    image = torch.full((4, 3, 32, 32), 0.25)
    corrupted = corrupt(image, (Noise(sigma=30.0), Shot(sigma=40.0)), seeded())
    told = hint("noise-level", corrupted)
    assert told is not None
    expected = np.sqrt(30.0**2 + 40.0**2 * 0.25) / 255
    assert told.shape == (4, 1, 32, 32)
    assert float(told.mean()) == pytest.approx(expected, rel=0.02)
    assert float((corrupted.image - image).std()) == pytest.approx(expected, rel=0.03)


def test_no_noise_and_no_hole_are_told_as_zeros() -> None:
    image = torch.rand(2, 3, 8, 8)
    corrupted = corrupt(image, (), seeded())
    assert hint("none", corrupted) is None
    for name in ("noise-level", "missing"):
        told = hint(name, corrupted)
        assert told is not None
        assert not told.any()
    holes = corrupt(image, (Boxes(),), seeded())
    assert hint("missing", holes) is holes.missing


def test_the_encoder_uses_its_hint() -> None:
    network = Network(Recipe(architecture=Unet(widths=(4, 8)), hint="noise-level"), (1, 16, 16))
    torch.nn.init.normal_(network.decoder.last[-1].weight)
    image, level = torch.rand(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.2)
    assert torch.equal(network(image).parameters, network(image, hint=torch.zeros_like(level)).parameters)
    assert not torch.equal(network(image).parameters, network(image, hint=level).parameters)


@pytest.mark.parametrize("architecture", [Flat(), Conv()])
def test_who_takes_no_hint_says_so(architecture: Any) -> None:
    with pytest.raises(Mistake, match="takes no hint: got noise-level; try: --hint none"):
        Network(Recipe(architecture=architecture, hint="noise-level"), (1, 16, 16))


# Noisy pictures alone


def test_recorrupting_makes_two_pictures_of_independent_noise() -> None:
    """Pang et al. 2021, theorem 1: of y = x + n, the noises of y + Dz and y - z/D are uncorrelated."""
    clean, sigma, strength = torch.full((1, 1, 400, 400), 0.5), 20.0 / 255, 0.5
    noisy = clean + sigma * torch.randn(clean.shape, generator=seeded(1))
    made = Recorrupt(sigma=20.0, strength=strength)(noisy, seeded(2))
    assert made.target is not None
    into, onto = made.image - clean, made.target - clean
    assert float(into.std()) == pytest.approx(sigma * (1 + strength**2) ** 0.5, rel=0.02)
    assert float(onto.std()) == pytest.approx(sigma * (1 + strength**-2) ** 0.5, rel=0.02)
    assert abs(float((into * onto).mean() / (into.std() * onto.std()))) < 0.01


def test_a_blind_spot_shows_a_neighbour_and_counts_alone() -> None:
    image = torch.arange(40.0 * 40).reshape(1, 1, 40, 40)
    made = BlindSpot(share=0.1, reach=2)(image, seeded())
    assert made.counted is not None
    changed = made.image != image
    inside = changed[..., 2:-2, 2:-2]
    assert torch.equal(inside, made.counted[..., 2:-2, 2:-2] > 0)
    assert float(made.counted.mean()) == pytest.approx(0.1, abs=0.03)
    away = (made.image - image)[changed].abs()
    rows, columns = (away + 2).div(40, rounding_mode="floor"), (away + 2).remainder(40) - 2
    assert int(rows.max()) <= 2
    assert int(columns.abs().max()) <= 2


def test_what_does_not_count_costs_nothing() -> None:
    recipe = with_options(
        named("denoise"),
        {"corruption": "blind-spot", "hint": "none", "architecture.widths": "4", "likelihood": "gaussian"},
    )
    network = Network(recipe, (1, 16, 16))
    batch = torch.full((2, 1, 16, 16), 0.5)  # where every neighbour is the same, nothing else is wrong
    counted = corrupt(batch, recipe.corruption, seeded()).counted
    assert counted is not None
    torch.nn.init.constant_(network.decoder.last[-1].bias, 7.0)  # wrong by 7 everywhere
    loss = autoencoder(network, network, recipe).loss(batch, batch, seeded())["distortion"]
    assert torch.allclose(loss / counted.flatten(1).sum(1), torch.tensor(49.0 / 2))


def test_noisy_pictures_alone_tell_nothing_of_how_sure_it_is(images: np.ndarray) -> None:
    assert train(images, corruption="blind-spot", hint="none").bounds is None
    assert train(images, corruption="recorrupt", hint="none").bounds is None


def test_pairs_are_found_by_name_and_cut_at_the_same_place(images: np.ndarray, tmp_path: Path) -> None:
    for folder, change in (("noisy", 255), ("clean", 0)):
        (tmp_path / folder).mkdir()
        for i, image in enumerate(images[:12]):
            suffix = "png" if change else "tiff"
            write_picture(tmp_path / folder / f"{i}.{suffix}", Picture(change - image if change else image))
    heard: list[float] = []
    source, target = open_source(tmp_path / "noisy"), open_source(tmp_path / "clean")
    recipe = with_options(named("denoise"), {**TINY, "corruption": "none", "hint": "none", "turn": True})
    pictures, partners = (Pictures(s, recipe.preprocessing) for s in (source, target))
    batches = _batches(recipe, pictures, partners)
    for one, other, *_ in batches.epoch(0):
        assert torch.allclose(one, 1 - other, atol=1e-6)
        heard.append(float(one.mean()))
    assert heard
    (tmp_path / "clean" / "3.tiff").unlink()
    with pytest.raises(Mistake, match=r"no pairs: got 1 of 12 without a partner, 3.png first"):
        fit(source, recipe, target=open_source(tmp_path / "clean"))


def _batches(recipe: Recipe, pictures: Pictures, partners: Pictures) -> Batches:
    from diabolo.training.pairs import paired
    from diabolo.training.survey import survey

    _, conversion = survey(pictures, 16)
    places = np.arange(len(pictures))
    processes = Processes(torch.device("cpu"))
    held_out = np.zeros(0, int)
    return Batches(pictures, conversion, recipe.training, processes, places, held_out, paired(pictures, partners))


def test_noise_to_noise_learns_what_clean_pictures_teach(images: np.ndarray) -> None:
    flat = np.kron(images[:, ::4, ::4], np.ones((1, 4, 4))).astype(np.float32) / 255
    noisy, again = (
        (flat + 0.15 * np.random.default_rng(seed).standard_normal(flat.shape)).astype(np.float32) for seed in (1, 2)
    )
    options = {"corruption": "none", "hint": "none", "epochs": 40, "learning_rate": 0.01}
    taught, alone = train(noisy, target=flat, **options), train(noisy, target=again, **options)
    clean, noise = ((m.reconstruct(noisy) - flat).std() for m in (taught, alone))
    assert noise < 0.09  # of 0.15
    assert noise < 1.3 * clean


# A start, several sources, quarter turns, half precision


def test_training_starts_from_another_model(images: np.ndarray) -> None:
    first = train(images)
    still = train(images, start=first, learning_rate=1e-12)
    ours, theirs = first.network.state_dict(), still.network.state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)
    with pytest.raises(Mistake, match="start from has another architecture"):
        train(images, start=first, architecture__widths="4,4")
    with pytest.raises(Mistake, match="start from is for other images"):
        train(np.repeat(images[..., None], 3, 3), start=first)


def test_several_sources_are_one(images: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "more.npy", images[5:])
    joined = open_source([Arrays(images[:5]), tmp_path / "more.npy"])
    assert len(joined) == len(images)
    assert all(np.array_equal(joined.read(i), image) for i, image in enumerate(images))
    assert len({joined.name(i) for i in range(len(joined))}) == len(images)


def test_quarter_turns(images: np.ndarray) -> None:
    square = images[:, :16, :16]
    recipe = with_options(named("denoise"), {**TINY, "flip": False, "turn": True})
    pictures = Pictures(Arrays(square), recipe.preprocessing)
    turned = torch.cat([batch.images for batch in _batches(recipe, pictures, pictures).epoch(0)])
    whole = torch.from_numpy(square)[:, None] / 255
    kinds = [
        (turned[:, None] - whole.rot90(k, (2, 3))[None]).abs().flatten(2).amax(2).min(1).values < 1e-5 for k in range(4)
    ]
    assert torch.stack(kinds).any(0).all()
    assert all(kind.any() for kind in kinds)


def test_half_precision_halves_the_file(images: np.ndarray, tmp_path: Path) -> None:
    model = train(images, architecture__widths="32,32")
    artifact.save(model, tmp_path / "whole.diabolo")
    artifact.save(model, tmp_path / "half.diabolo", half=True)
    whole, half = (artifact.load(tmp_path / f"{name}.diabolo") for name in ("whole", "half"))
    assert half.dtype == torch.float32
    for name, value in model.bounds.state_dict().items():
        assert torch.equal(whole.bounds.state_dict()[name], value)
        assert torch.allclose(half.bounds.state_dict()[name], value, rtol=1e-3, atol=1e-6)
    assert np.abs(half.reconstruct(images[:4]).astype(int) - whole.reconstruct(images[:4])).max() <= 1
    weights = sum(t.numel() for part in (model.network, model.bounds) for t in part.state_dict().values())
    sizes = [(tmp_path / f"{name}.diabolo").stat().st_size for name in ("whole", "half")]
    assert sizes[0] - sizes[1] == pytest.approx(2 * weights, abs=100)  # names and padding


# The critic


def step(target: torch.Tensor, made: torch.Tensor, missing: torch.Tensor) -> Step:
    return Step(target, made, missing, torch.zeros(len(made), 4))


def test_a_critic_of_no_weight_changes_nothing(images: np.ndarray) -> None:
    plain = train(images, "inpaint", validation=0)
    watched = train(images, "inpaint", validation=0, terms="adversarial", terms__adversarial__weight=0.0)
    assert same(plain, watched)
    assert not same(plain, train(images, "inpaint", validation=0, terms="adversarial"))


def test_the_critic_learns_to_tell_noise_from_pictures() -> None:
    generator, term = seeded(), Adversarial(weight=0.5, width=8, levels=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = term.build((1, 16, 16), (4,))
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)
    mask = torch.ones(16, 1, 16, 16)
    for _ in range(150):
        true = torch.rand(16, 1, 1, 1, generator=generator).expand(-1, 1, 16, 16)
        made = torch.rand(16, 1, 16, 16, generator=generator)
        loss = term.lesson(critic, step(true, made, mask), generator).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 1.5  # 2 where it tells nothing
    critic.eval()  # its singular vectors stand still
    assert (critic(true, mask).flatten(1).mean(1) > critic(made, mask).flatten(1).mean(1)).all()
    paid = term.price(critic, step(true, made, mask))
    assert torch.allclose(paid, -0.5 * 256 * critic(made, mask).flatten(1).mean(1), atol=1e-4)


def test_the_critic_judges_only_where_something_is_missing() -> None:
    term = Adversarial(weight=0.5, width=8, levels=2)
    critic = term.build((1, 32, 32), (4,)).eval()
    made = torch.rand(2, 1, 32, 32, generator=seeded())
    changed = made.clone()
    changed[..., 24:, 24:] += 1  # farther from the hole than a patch reaches
    hole, everything = torch.zeros(2, 1, 32, 32), torch.ones(2, 1, 32, 32)
    hole[..., :4, :4] = 1
    for cost in (
        lambda image, missing: term.price(critic, step(image, image, missing)),
        lambda image, missing: term.lesson(critic, step(made, image, missing), seeded()),
    ):
        assert torch.equal(cost(made, hole), cost(changed, hole))
        assert not torch.equal(cost(made, everything), cost(changed, everything))
    assert (term.price(critic, step(made, made, torch.zeros_like(hole))) == 0).all()


def test_the_critic_keeps_its_own_pace_and_nobody_in_the_game_is_carried_on() -> None:
    options = {"terms": "adversarial", "terms.adversarial.pace": 3.0, "optimizer": "adam", "likelihood": "laplace"}
    recipe = with_options(named("inpaint"), TINY | options)
    network, images = Network(recipe, (1, 16, 16)), torch.rand(2, 1, 16, 16, generator=seeded())
    critic = players.companions(network, recipe, lambda module: module, "cpu")[0]
    for player, rate in ((players.autoencoder(network, network, recipe, [critic]), 1e-3), (critic, 3e-3)):
        loss = sum(term.sum() for term in player.loss(images, images, seeded()).values())
        assert player.step(loss, 1e-3, 0)
        assert player.optimizer.param_groups[0]["lr"] == pytest.approx(rate)
        assert player.optimizer.param_groups[0]["betas"] == (0.5, 0.99)
    alone = players.autoencoder(network, network, with_options(named("inpaint"), TINY | {"optimizer": "adam"}))
    helped = with_options(named("deep"), {"terms": "telling"})
    network = Network(helped, (64,))
    reader = players.companions(network, helped, lambda module: module, "cpu", 3)[0]
    for player in (alone, reader, players.autoencoder(network, network, helped, [reader])):
        assert player.optimizer.param_groups[0]["betas"] == (0.9, 0.999)


def test_a_run_with_a_critic_resumes_as_if_unbroken(images: np.ndarray, tmp_path: Path) -> None:
    recipe = with_options(named("inpaint"), {**TINY, "terms": "adversarial", "optimizer": "adam"})
    unbroken = fit(open_source(images), recipe)

    def breaking(event: Any) -> None:
        if getattr(event, "step", 0) == 8:
            raise RuntimeError("broken")

    keep = tmp_path / "checkpoint"
    with pytest.raises(RuntimeError, match="broken"):
        fit(open_source(images), recipe, keep=keep, every=0, listen=breaking)
    assert same(fit(open_source(images), recipe, keep=keep, resume=True), unbroken)


def test_pairs_and_starts_on_the_command_line(images: np.ndarray, tmp_path: Path, monkeypatch: Any) -> None:
    from diabolo.cli import main

    monkeypatch.chdir(tmp_path)
    for name, array in (("noisy", 255 - images), ("clean", images)):
        np.save(f"{name}.npy", array)
    tiny = "--architecture.widths 4,8 --epochs 1 --batch-size 8"
    assert main(f"fit denoise noisy.npy --target clean.npy -o pairs.diabolo {tiny}".split()) == 0
    model = artifact.load("pairs.diabolo")
    assert model.recipe.corruption == ()
    assert "clean.npy" in model.provenance["target"]
    assert (
        main(
            [
                "fit",
                "denoise",
                "clean.npy",
                "--start",
                "pairs.diabolo",
                "-o",
                "more.diabolo",
                "--epochs",
                "1",
                "--batch-size",
                "8",
            ]
        )
        == 0
    )
    more = artifact.load("more.diabolo")
    assert more.recipe.architecture == model.recipe.architecture
    assert more.provenance["start"] == model.provenance["command"]
    assert main(["denoise", "noisy.npy", "-m", "pairs.diabolo", "-o", "restored.npy"]) == 0
    assert np.load("restored.npy").shape == images.shape
