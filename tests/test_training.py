"""What training promises: it refuses what it cannot learn from, stops when it fails, and keeps the best."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from diabolo.errors import Diverged, Mistake
from diabolo.events import Evaluated, Event, Note, Started, Stepped, ignore
from diabolo.latents import Variational
from diabolo.model import Model
from diabolo.network import Network
from diabolo.objectives import Gaussian
from diabolo.pixels import Picture, write_picture
from diabolo.preprocessing import Preprocessing
from diabolo.recipe import Recipe, Training, with_options
from diabolo.recipes import named
from diabolo.sources import Chosen, open_source
from diabolo.training import find_device, fit
from diabolo.training.batches import Batches, ahead, split
from diabolo.training.pictures import Pictures
from diabolo.training.players import autoencoder
from diabolo.training.processes import Processes
from diabolo.training.schedule import learning_rate, penalty_share
from diabolo.training.survey import survey

TINY = {"epochs": 2, "batch_size": 32, "latent.size": 4}
NARROW = {**TINY, "architecture.width": 16}


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return open_source("digits").array[:150]


def train(data: Any, name: str = "deep", heard: list[Event] | None = None, **options: Any) -> Model:
    base = NARROW if name in ("deep", "variational", "binary") else TINY
    recipe = with_options(named(name), {**base, **options})
    return fit(open_source(data), recipe, listen=heard.append if heard is not None else lambda event: None)


def notes(heard: list[Event]) -> str:
    return "\n".join(event.text for event in heard if isinstance(event, Note))


# Refusals


@pytest.mark.parametrize(
    ("value", "count", "word"),
    [(np.nan, 1, "1 such value, the first (NaN)"), (np.inf, 3, "3 such values, the first (infinity)")],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_not_finite(value: float, count: int, word: str, dtype: type, images: np.ndarray) -> None:
    data = images.astype(dtype) / 255
    data[40, 2, 3] = value
    data[77, 0, :2] = value if count > 1 else 0
    with pytest.raises(Mistake) as caught:
        train(data)
    assert f"{word} in image 040 at (2, 3)" in str(caught.value)


def test_numbers_too_large() -> None:
    with pytest.raises(Mistake, match="too large"):
        train(np.linspace(0, 1e300, 200).reshape(50, 4), "linear")


@pytest.mark.parametrize(
    ("name", "options", "data", "message"),
    [
        ("binary", {}, "signed", "bernoulli likelihood cannot fit this data: got data from -1 to 1"),
        ("deep", {"architecture.output": "sigmoid"}, "signed", "sigmoid output cannot reach this data"),
        ("deep", {"architecture.output": "relu"}, "signed", "relu output cannot reach"),
        ("binary", {"architecture.output": "sigmoid"}, "unit", "sigmoid of its own"),
        ("conv", {}, "vectors", "conv needs images"),
        ("denoise", {}, "vectors", "unet needs images"),
        ("deep", {"crop": 4}, "unit", "flat cannot be trained on crops"),
        ("deep", {"flip": True}, "vectors", "flip is for pictures"),
        ("deep", {"preprocessing.side": 4}, "vectors", "side is for pictures"),
        ("deep", {"preprocessing.scaling": "columns"}, "unit", "only tables have columns"),
        ("deep", {"patience": 2, "validation": 0}, "unit", "patience needs held-out images"),
        ("linear", {"latent.size": 65}, "vectors", "allowed: 1 to 64"),
        ("conv", {"architecture.norm": "batch", "batch_size": 1}, "unit", "more than one image at a time"),
        ("denoise", {"architecture.output": "sigmoid"}, "unit", "residual unet"),
    ],
)
def test_what_does_not_fit(name: str, options: dict[str, Any], data: str, message: str, images: np.ndarray) -> None:
    unit = images.astype(np.float32) / 255
    kinds = {"unit": unit, "signed": unit * 2 - 1, "vectors": unit.reshape(-1, 64)}
    with pytest.raises(Mistake) as caught:
        train(kinds[data], name, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tanh_output_needs_data_within_its_reach(images: np.ndarray) -> None:
    train(images.astype(np.float32) / 127.5 - 1, **{"architecture.output": "tanh"})
    table = np.random.default_rng(0).normal(0, 3, (60, 6))
    options = {"architecture.output": "tanh", "preprocessing.scaling": "columns"}
    with pytest.raises(Mistake, match="tanh output cannot reach"):
        train(table, **options)


def test_a_device_that_is_not_there(images: np.ndarray) -> None:
    for name in ("cuda:99", "gpu", "tpu", ""):
        with pytest.raises(Mistake, match="no such device") as caught:
            find_device(name)
        assert "cpu" in caught.value.allowed
    with pytest.raises(Mistake, match="no such device"):
        fit(open_source(images), with_options(named("deep"), NARROW), device="cuda:99")


# What is chosen, warned of and told


@pytest.mark.parametrize(
    ("data", "likelihood", "reason"),
    [
        ("bool", "Bernoulli", "only two values"),
        ("black and white", "Bernoulli", "only two values"),
        ("two floats", "Bernoulli", "only two values"),
        ("grey", "Gaussian", "more than two values"),
        ("one value", "Gaussian", "more than two values"),
    ],
)
def test_the_likelihood_is_chosen_by_the_data(data: str, likelihood: str, reason: str, images: np.ndarray) -> None:
    bright = images > 100
    kinds = {
        "bool": bright,
        "black and white": bright.astype(np.uint8) * 255,
        "two floats": np.where(bright, -3.5, 2.0),
        "grey": images,
        "one value": np.full((40, 6), 0.5),
    }
    heard: list[Event] = []
    model = train(kinds[data], heard=heard, **({"preprocessing.scaling": "auto"}))
    assert type(model.recipe.likelihood).__name__ == likelihood
    if data != "one value":
        assert f"{likelihood.lower()} likelihood, because the data has {reason}" in notes(heard)
    made = model.reconstruct(kinds[data])
    assert made.dtype == kinds[data].dtype
    assert made.shape == kinds[data].shape


def test_an_overcomplete_code_is_warned_of_once_with_remedies(images: np.ndarray) -> None:
    for options in ({"latent.size": 64}, {"latent.size": 100}):
        heard: list[Event] = []
        train(images, heard=heard, **options)
        warnings = [e.text for e in heard if isinstance(e, Note) and e.warning and "can copy" in e.text]
        assert len(warnings) == 1
        assert "\n" not in warnings[0]
        for remedy in ("--latent sparse", "--latent contractive", "--corruption noise", "--latent.size"):
            assert remedy in warnings[0]
    for options in ({"latent.size": 63}, {"latent.size": 100, "corruption": "noise"}, {"latent": "sparse"}):
        heard = []
        train(images, heard=heard, **options)
        assert "can copy" not in notes(heard)


def test_skips_without_a_corruption_are_warned_of(images: np.ndarray) -> None:
    heard: list[Event] = []
    train(images, "denoise", heard, **{"architecture.widths": "4,8", "corruption": "none"})
    assert "skips let this network copy" in notes(heard)


def test_detection_is_not_judged_by_its_reconstructions(images: np.ndarray) -> None:
    heard: list[Event] = []
    options = {"steps": 1, "learning_rate": 1e-9}
    fit(open_source(images), with_options(named("detect-small"), options), listen=heard.append)
    assert "no better" not in notes(heard)


def test_options_that_an_exact_solution_does_not_use_are_told(images: np.ndarray) -> None:
    heard: list[Event] = []
    fit(open_source(images), with_options(named("linear"), {"latent.size": 2, "epochs": 50}), listen=heard.append)
    assert "solved exactly, without epochs" in notes(heard)
    heard = []
    fit(open_source(images), with_options(named("linear"), {"latent.size": 2}), listen=heard.append)
    assert "solved exactly" not in notes(heard)


def test_a_model_that_learned_nothing_is_told(images: np.ndarray) -> None:
    heard: list[Event] = []
    train(images, heard=heard, learning_rate=1e-9)
    assert "no better than the average picture" in notes(heard)
    heard = []
    model = train(images, heard=heard, epochs=30, learning_rate=0.01)
    assert "no better" not in notes(heard)
    held = split(len(images), 0.1, 0)[1]
    unit = images[held] / 255.0
    np.testing.assert_allclose(model.metrics["variance"], unit.var(0).mean(), rtol=1e-6)
    np.testing.assert_allclose(model.metrics["mse"], model.residual(images[held]).mean(), rtol=1e-5)


# Divergence


def exploding(**options: Any) -> tuple[Diverged, list[Event]]:
    heard: list[Event] = []
    recipe = with_options(named("deep"), {**NARROW, "architecture.width": 128, "architecture.depth": 3, **options})
    with pytest.raises(Diverged) as caught:
        fit(open_source("digits"), recipe, listen=heard.append)
    return caught.value, heard


def test_an_explosion_in_the_first_epoch() -> None:
    error, heard = exploding(learning_rate=10, warmup=0, schedule="constant")
    steps = [event for event in heard if isinstance(event, Stepped)]
    assert f"at step {len(steps)}, learning rate 1.0e+01" in str(error)
    assert "try: --learning-rate 1e+00" in str(error)
    assert "\n" not in str(error)
    assert error.model is None


@pytest.fixture
def late_explosion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three good epochs of 26 steps, then a rate that no weights survive."""
    monkeypatch.setattr("diabolo.training.loop.learning_rate", lambda training, step, steps: 1e-3 if step < 80 else 1e6)


@pytest.mark.usefixtures("late_explosion")
def test_an_explosion_later_keeps_the_best_epoch() -> None:
    error, heard = exploding(validation=0.54, epochs=9)
    epochs = [event for event in heard if isinstance(event, Evaluated)]
    best = min(epochs, key=lambda event: event.loss)
    assert "learning rate 1.0e+06; try: --learning-rate 1e+05" in str(error)
    assert error.model.metrics["best_epoch"] == best.epoch == 2
    held = open_source("digits").array[split(1797, 0.54, 0)[1]]
    np.testing.assert_allclose(error.model.residual(held).mean() * 32, best.loss, rtol=1e-4)


@pytest.mark.usefixtures("late_explosion")
def test_an_explosion_without_held_out_images_keeps_the_last_epoch() -> None:
    error, _ = exploding(validation=0, epochs=9)
    assert error.model.metrics["best_epoch"] == len(error.model.metrics["history"]) - 1 == 0
    assert all(torch.isfinite(value).all() for value in error.model.network.state_dict().values())


# What is kept


def test_best_weights_and_early_stopping(images: np.ndarray) -> None:
    heard: list[Event] = []
    model = train(images, heard=heard, epochs=60, patience=3, learning_rate=0.05, schedule="constant")
    losses = [event.loss for event in heard if isinstance(event, Evaluated)]
    best = int(np.argmin(losses))
    assert model.metrics["best_epoch"] == best
    assert len(losses) == best + 1 + 3 < 60
    assert [event.best for event in heard if isinstance(event, Evaluated)][best]
    held = images[split(len(images), 0.1, 0)[1]]
    np.testing.assert_allclose(model.residual(held).mean() * 32, losses[best], rtol=1e-4)


def test_the_average_is_what_is_kept(images: np.ndarray) -> None:
    """Against an average computed here, step by step, from the weights as they pass."""
    recipe = with_options(named("deep"), {**NARROW, "ema": 0.7, "validation": 0})
    seen: list[torch.Tensor] = []
    original = torch.optim.Adam.step

    def step(self: Any, *arguments: Any) -> Any:
        result = original(self, *arguments)
        seen.append(self.param_groups[0]["params"][0].detach().clone())
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.Adam, "step", step)
        heard: list[Event] = []
        model = fit(open_source(images), recipe, listen=heard.append)
    assert len(seen) == sum(isinstance(event, Stepped) for event in heard)
    averaged = next(iter(model.network.parameters()))
    assert not torch.equal(averaged, seen[-1])
    assert torch.stack(seen).amin(0).le(averaged + 1e-6).float().mean() > 0.9
    weights = [0.0] * len(seen)
    for i in range(len(seen)):
        decay = min(0.7, (1 + i) / (10 + i))
        weights = [w * decay for w in weights]
        weights[i] += 1 - decay
    first = 1 - sum(weights)
    rest = averaged.detach().double() - sum(w * value.double() for w, value in zip(weights, seen, strict=True))
    start = rest / first
    assert float((start.detach() - seen[0]).abs().max()) < 0.1  # what is left is the weights before the first step


def test_held_out_images_are_never_learned(images: np.ndarray) -> None:
    learned, held, _ = split(150, 0.1, 0)
    assert len(held) == 15
    assert sorted([*learned, *held]) == list(range(150))
    poisoned = images.copy()
    poisoned[held] = 255 - poisoned[held]
    recipe = with_options(named("deep"), {**NARROW, "epochs": 1})
    one, other = (fit(open_source(data), recipe).network.state_dict() for data in (images, poisoned))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_events_tell_the_run(images: np.ndarray) -> None:
    heard: list[Event] = []
    train(images, heard=heard, epochs=3)
    started = next(event for event in heard if isinstance(event, Started))
    assert (started.images, started.held_out, started.steps, started.done) == (135, 15, 15, 0)
    assert [event.step for event in heard if isinstance(event, Stepped)] == list(range(1, 16))
    assert [event.epoch for event in heard if isinstance(event, Evaluated)] == [0, 1, 2]


# Schedules


def test_schedules() -> None:
    one, cosine, flat = (Training(schedule=name, learning_rate=1.0) for name in ("one-cycle", "cosine", "constant"))
    assert max(learning_rate(one, step, 100) for step in range(100)) == pytest.approx(1.0)
    assert learning_rate(one, 9, 100) == pytest.approx(1.0)
    assert learning_rate(one, 0, 100) == pytest.approx(1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi / 10)) / 2)
    assert learning_rate(one, 99, 100) == pytest.approx(1e-4)
    assert learning_rate(cosine, 4, 100) == pytest.approx(0.5)
    assert learning_rate(cosine, 54, 100) == pytest.approx(0.5)
    assert learning_rate(cosine, 99, 100) == pytest.approx(0.0)
    assert {learning_rate(flat, step, 100) for step in range(10, 100)} == {1.0}
    assert learning_rate(Training(warmup=0, learning_rate=1.0, schedule="constant"), 0, 100) == 1.0
    assert learning_rate(one, 0, 1) == pytest.approx(1.0)


def test_the_penalty_rises_in_a_straight_line() -> None:
    rising = Training(beta_warmup=0.25)
    assert [penalty_share(rising, step, 80) for step in (0, 5, 10, 20, 79)] == [0.0, 0.25, 0.5, 1.0, 1.0]
    assert {penalty_share(Training(), step, 80) for step in range(80)} == {1.0}


def test_of_the_penalty_as_much_counts_as_is_said() -> None:
    recipe = Recipe(latent=Variational(size=2), likelihood=Gaussian(), beta=0.5)
    network, x = Network(recipe, (16,)), torch.rand(4, 16)
    costs = [
        autoencoder(network, network, recipe).loss(x, x, torch.Generator().manual_seed(0), share)
        for share in (1.0, 0.3)
    ]
    torch.testing.assert_close(costs[1]["penalty"], 0.3 * costs[0]["penalty"])
    torch.testing.assert_close(costs[1]["distortion"], costs[0]["distortion"])


def test_a_rising_penalty_is_whole_where_models_are_compared() -> None:
    options = {"epochs": 2, "batch_size": 100, "latent": "variational", "latent.size": 4, "likelihood": "gaussian"}
    heard = {}
    for rise in (0.0, 1.0):
        model = fit(open_source("digits"), with_options(named("deep"), options | {"beta_warmup": rise}))
        heard[rise] = model.metrics["history"]
    for early, late in zip(*heard.values(), strict=True):  # a code that costs less says more, and is told to cost it
        assert late["penalty"] > early["penalty"]


# Kinds of data


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool", "float32", "float64", "int32", "float16"])
def test_kinds_of_numbers(dtype: str, images: np.ndarray) -> None:
    data = {"uint16": images.astype(np.uint16) * 257, "bool": images > 100}.get(dtype, images.astype(dtype))
    model = train(data, "linear", **{"latent.size": 64})
    again = model.reconstruct(data)
    assert again.dtype == data.dtype
    assert np.abs(again.astype(float) - data).max() <= {"float16": 0.2, "float32": 1e-3}.get(dtype, 1e-6)


def test_doubles_that_single_precision_cannot_tell_apart() -> None:
    """Seconds since 1970, a millisecond apart."""
    data = 1.7e9 + np.random.default_rng(0).random((60, 5)) / 1000
    conversion = train(data, **{"latent.size": 5}).conversion
    network = conversion.to_network(data)
    assert len(torch.unique(network)) == len(np.unique(data))
    assert np.abs(conversion.from_network(network) - data).max() < 1e-6


def test_columns_are_standardised_by_themselves() -> None:
    draw = np.random.default_rng(0)
    data = draw.normal((1e6, 0, -3), (1000, 1e-3, 1), (200, 3))
    model = train(data, **{"latent.size": 3, "preprocessing.scaling": "columns", "validation": 0})
    network = model.conversion.to_network(data).numpy()
    np.testing.assert_allclose(network.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(network.std(0), 1, rtol=1e-5)


@pytest.mark.parametrize("name", ["conv", "denoise"])
def test_crops_of_pictures_of_different_sizes(name: str, images: np.ndarray, tmp_path: Path) -> None:
    for i, image in enumerate(images[:12]):
        large = np.kron(image, np.ones((2, 2), np.uint8))
        write_picture(tmp_path / f"{i}.png", Picture(large[: 9 + i % 7, : 16 - i % 5]))
    options = {"architecture.map": True, "architecture.width": 4} if name == "conv" else {"architecture.widths": "4,8"}
    with pytest.raises(Mistake, match="different sizes"):
        train(tmp_path, name, crop=0, **options)
    model = train(tmp_path, name, crop=8, flip=True, **options)
    for shape in ((2, 8, 8), (1, 9, 13), (1, 1, 1), (3, 40, 17)):
        data = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        assert model.reconstruct(data).shape == shape


def test_an_epoch_of_several_cuts_sees_every_image_so_often(images: np.ndarray) -> None:
    heard: list[Event] = []
    train(images[:40], "deep", heard, epochs=2, batch_size=10, validation=0, cuts=3)
    assert sum(isinstance(event, Stepped) for event in heard) == 2 * 3 * 4


def test_batches_made_ahead_are_the_same_and_errors_come_out() -> None:
    assert list(ahead(iter(np.arange(10)))) == list(range(10))
    assert list(ahead(iter(()))) == []

    def broken() -> Iterator[np.ndarray]:
        yield np.zeros(1)
        raise Mistake("no more")

    with pytest.raises(Mistake, match="no more"):
        list(ahead(broken()))


def test_one_image_and_as_many_as_make_a_last_batch_of_one(images: np.ndarray) -> None:
    for name, options in (("conv", {"architecture.width": 4, "architecture.norm": "batch"}), ("deep", {})):
        for count in (2, 33, 34):
            train(images[:count], name, validation=0, **options)
    assert train(images[:1], validation=0).metrics["measured_on"] == "training images"


def test_channels_last_changes_only_the_order_of_sums(images: np.ndarray) -> None:
    colour = np.repeat(images[..., None], 3, 3)
    one, other = (train(colour, "conv", channels_last=last, **{"architecture.width": 4}) for last in (True, False))
    ours, theirs = one.network.state_dict(), other.network.state_dict()
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-3) for name in ours)
    assert all(value.is_contiguous() for value in ours.values())


def test_bfloat16_on_the_processor(images: np.ndarray) -> None:
    options = {"epochs": 20, "learning_rate": 0.01}
    exact, short = (train(images, precision=name, **options).metrics["mse"] for name in ("float32", "bfloat16"))
    assert short == pytest.approx(exact, rel=0.1)


# Streaming


@pytest.fixture(scope="module")
def files(images: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that do not fit into 1 MiB."""
    folder = tmp_path_factory.mktemp("files")
    for i, image in enumerate(images[:70]):
        write_picture(folder / f"{i}.png", Picture(np.kron(image, np.ones((16, 16), np.uint8))))
    assert Pictures(open_source(folder), Preprocessing(), 2).in_memory
    assert not Pictures(open_source(folder), Preprocessing(), 1).in_memory
    return folder


@pytest.mark.parametrize(("name", "workers"), [("deep", 0), ("denoise", 0), ("denoise", 2), ("linear", 2)])
def test_streamed_is_the_same_as_in_memory(name: str, workers: int, files: Path) -> None:
    options = {"denoise": {"architecture.widths": "4,8", "crop": 12, "flip": True}}.get(name, {})
    before = torch.get_rng_state()
    held, streamed = train(files, name, **options), train(files, name, memory=1, workers=workers, **options)
    ours, theirs = held.network.state_dict(), streamed.network.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert streamed.metrics["mse"] == held.metrics["mse"]
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("memory", "workers", "thread"), [(2048, 2, True), (1, 0, True), (1, 2, False)])
def test_batches_for_a_gpu_are_made_by_a_thread_or_by_workers_but_not_by_workers_of_a_thread(
    memory: int, workers: int, thread: bool, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[Any] = []
    monkeypatch.setattr("diabolo.training.batches.ahead", lambda raw: threads.append(raw) or raw)
    pictures, nothing = Pictures(open_source(files), Preprocessing(), memory, workers), np.zeros(0, int)
    conversion, gpu = survey(pictures, 0, ignore)[1], Processes(torch.device("cuda"))
    batches = Batches(pictures, conversion, Training(), gpu, np.arange(5), nothing)
    assert [len(raw) for raw in batches._raw(pictures, np.arange(5), 2, None)] == [2, 2, 1]
    assert bool(threads) == thread


def test_pictures_that_break_while_they_are_streamed(files: Path, tmp_path: Path) -> None:
    """Headers are whole, the rest is not: they are left out and told, but never all of them."""
    for file in files.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "7.png").write_bytes((files / "7.png").read_bytes()[:60])
    for memory, workers in ((2048, 0), (1, 0), (1, 2)):
        heard: list[Event] = []
        train(tmp_path, heard=heard, memory=memory, workers=workers, epochs=1)
        assert notes(heard).count("left out 7.png") == 1
        for strict in (
            open_source(tmp_path, strict=True),
            Chosen(open_source([tmp_path, tmp_path], strict=True), range(8)),
        ):
            with pytest.raises(Mistake, match=r"7\.png is damaged or cut short") as caught:
                train(strict, memory=memory, workers=workers, epochs=1)
            assert "\n" not in str(caught.value)
    for file in files.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes()[:60])
    for memory, workers in ((2048, 0), (1, 2)):
        with pytest.raises(Mistake, match="no image can be read") as caught:
            train(tmp_path, memory=memory, workers=workers)
        assert "\n" not in str(caught.value)


# PCA


@pytest.mark.parametrize("size", [1, 7, 64])
def test_linear_is_pca(size: int) -> None:
    data = open_source("digits").array
    model = train(data, "linear", **{"latent.size": size})
    flat = data.reshape(len(data), -1) / 255
    pca = PCA(size, svd_solver="covariance_eigh").fit(flat)
    ours, theirs = model.encode(data), pca.transform(flat)
    signs = np.sign((ours * theirs).sum(0))
    np.testing.assert_allclose(ours * signs, theirs, atol=1e-5)
    error = np.square(flat - pca.inverse_transform(theirs)).mean()
    np.testing.assert_allclose(model.metrics["mse"], error, rtol=1e-8, atol=1e-15)


def test_linear_of_few_large_colour_pictures_is_pca() -> None:
    data = np.random.default_rng(0).integers(0, 256, (12, 20, 21, 3), np.uint8)
    model = train(data, "linear", **{"latent.size": 5})
    flat = data.reshape(12, -1) / 255
    pca = PCA(5, svd_solver="full").fit(flat)
    np.testing.assert_allclose(np.abs(model.encode(data)), np.abs(pca.transform(flat)), atol=1e-4)


def test_more_components_than_images() -> None:
    with pytest.raises(Mistake):
        train(np.random.default_rng(0).random((3, 64)), "linear", **{"latent.size": 5})


def test_weights_are_drawn_by_the_seed_alone() -> None:
    recipe = named("conv")
    torch.manual_seed(1)
    one = Network(recipe, (1, 8, 8), 3).state_dict()
    torch.manual_seed(2)
    other = Network(recipe, (1, 8, 8), 3).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
