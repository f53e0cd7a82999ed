"""Priors: the contract over the table, each one's truth against a known distribution, and files that lie."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from scipy.stats import multivariate_normal
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from torch import Generator, Tensor

from diabolo import artifact
from diabolo.architectures import Flat
from diabolo.errors import Mistake
from diabolo.latents import Plain, Quantised, Variational
from diabolo.model import Model
from diabolo.objectives import Gaussian
from diabolo.options import Family, from_plain, name_of, to_plain
from diabolo.priors import PRIORS, Autoregressive, Flow, FlowMatching, MaskedFlowMatching, Mixture, Normal, Space
from diabolo.priors.base import UNKNOWN, Groups, combinations
from diabolo.priors.flow_matching import forgotten
from diabolo.recipe import Auto, Recipe, Training, with_options
from diabolo.recipes import named
from diabolo.sampler import Sampler, even
from diabolo.sources import Attribute, labelled, labels, open_rows, open_source
from diabolo.tasks import generate
from diabolo.training import each_prior, fit, with_priors
from diabolo.training.columns import tuned
from diabolo.training.prior import SEEN, distance, shown, told_apart, with_able
from diabolo.training.prior_steps import Codes, learn

SMALL = FlowMatching(width=48, depth=2, steps=500, batch_size=128, learning_rate=5e-3, ema=0.98, evaluations=20)
MASKED = MaskedFlowMatching(width=48, depth=2, steps=500, batch_size=128, learning_rate=5e-3, ema=0.98, evaluations=20)
FLOW = Flow(width=48, depth=6, steps=800, batch_size=128, learning_rate=5e-3, ema=0.98)
PARTS = [Normal(borrowed=1), Mixture(components=2), FLOW, SMALL, MASKED]
EVERY = pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
CLASSES = (Attribute("label", ("left", "right")),)


TOKENS = Autoregressive(width=32, depth=2, steps=400, batch_size=64, learning_rate=5e-3, ema=0.98)


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def mixture(count: int, seed: int) -> Codes:
    """Two classes: one slanted normal distribution far left, and two round ones above each other far right."""
    draw = seeded(seed)
    conditions = torch.randint(2, (count, 1), generator=draw)
    noise = torch.randn(count, 2, generator=draw)
    up = torch.where(torch.rand(count, generator=draw) < 0.3, 2.0, -2.0)
    left = noise @ torch.tensor([[1.0, 0.8], [0.0, 0.3]]) - torch.tensor([4.0, 0.0])
    right = 0.4 * noise + torch.stack((torch.full((count,), 4.0), up), 1)
    return Codes(torch.where(conditions == 0, left, right), conditions)


def learned(part: Any, codes: Codes, attributes: Any = CLASSES) -> Sampler:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sampler = Sampler([part], 0, codes.values.shape[1:], attributes)
    sampler.rows, _, sampler.counts = combinations(codes.conditions)
    learn(sampler, codes, Training(), lambda event: None)
    return sampler.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def samplers() -> dict[Any, Sampler]:
    return {part: learned(part, mixture(2000, 0)) for part in PARTS}


# ------------------------------------------------------------------ the contract


def test_the_parts_cover_the_table() -> None:
    assert {type(part) for part in (*PARTS, TOKENS)} == set(PRIORS.parts.values())


def test_flow_matching_has_looked_at_what_it_draws(samplers: dict[Any, Sampler]) -> None:
    spread = samplers[SMALL].prior.spread
    assert spread.means.shape == (2, 2)
    torch.testing.assert_close(
        spread.means, samplers[SMALL].prior.rows(torch.tensor([[-4.0, 0.0], [4.0, -0.8]])), rtol=0, atol=0.15
    )


def test_codes_that_are_words_are_not_stretched() -> None:
    source, quick = open_source("digits"), {"priors": "flow-matching", "steps": 5, "priors.flow-matching.steps": 5}
    for latent, count in (("plain", 1), ("quantised", 0), ("codebook", 0)):
        model = fit(source, with_options(named("deep"), quick | {"latent": latent, "architecture.width": 16}))
        assert model.sampler is not None
        assert len(model.sampler.prior.spread.means) == count


@EVERY
def test_described_and_read_back(part: Any) -> None:
    assert from_plain(type(part), to_plain(part)) == part


@EVERY
def test_samples_are_spread_as_what_was_learned(part: Any, samplers: dict[Any, Sampler]) -> None:
    """Class by class, by the energy distance; of Normal only the class that is normal."""
    true = mixture(1500, 1)
    for label in (0,) if isinstance(part, Normal) else (0, 1):
        real = true.values[true.conditions[:, 0] == label]
        drawn = samplers[part].sample(torch.full((len(real), 1), label), seeded(2))
        assert energy(drawn, real) < 0.02
        assert energy(drawn + 0.5, real) > 0.05


@EVERY
def test_the_same_seed_draws_the_same(part: Any, samplers: dict[Any, Sampler]) -> None:
    conditions = torch.tensor([[0], [1]] * 20)
    one, again, other = (samplers[part].sample(conditions, seeded(seed)) for seed in (0, 0, 1))
    assert one.shape == (40, 2)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@EVERY
def test_what_is_asked_for_is_drawn(part: Any, samplers: dict[Any, Sampler]) -> None:
    drawn = samplers[part].sample(torch.tensor([[0]] * 200 + [[1]] * 200), seeded())
    assert (drawn[:200, 0] < 0).float().mean() > 0.98
    assert (drawn[200:, 0] > 0).float().mean() > 0.98


@EVERY
def test_codes_of_any_scale_and_shape(part: Any) -> None:
    codes = mixture(400, 0)
    maps = (1000 * codes.values + 50)[:, :, None, None].expand(-1, -1, 1, 2).contiguous()
    drawn = learned(part, Codes(maps, codes.conditions)).sample(codes.conditions, seeded())
    assert drawn.shape == maps.shape
    assert drawn.isfinite().all()
    ratio = drawn.std(0) / maps.std(0)
    assert (ratio > 0.8).all()
    assert (ratio < 1.2).all()


@EVERY
def test_without_labels_all_is_one(part: Any) -> None:
    codes = Codes(mixture(400, 0).values, torch.zeros(400, 0, dtype=torch.long))
    assert learned(part, codes, ()).sample(codes.conditions[:7], seeded()).shape == (7, 2)


@EVERY
def test_a_class_of_one_and_codes_that_are_all_the_same(part: Any) -> None:
    codes = mixture(200, 0)
    alone = Codes(codes.values, (torch.arange(200) == 7).long()[:, None])
    assert learned(part, alone).sample(torch.ones(20, 1, dtype=torch.long), seeded()).isfinite().all()
    flat = learned(part, Codes(torch.full((50, 2), 3.0), torch.zeros(50, 1, dtype=torch.long)))
    drawn = flat.sample(torch.zeros(20, 1, dtype=torch.long), seeded())
    assert torch.allclose(drawn, torch.full((20, 2), 3.0), atol=1e-3)


def test_a_class_of_few_borrows_how_all_are_spread() -> None:
    turned = torch.tensor([[1.0, 0, 0], [0.8, 1, 0], [0, 0, 2]])
    rows = torch.randn(400, 3, generator=seeded()) @ turned
    few = rows.new_tensor([[9.0, 9, 9], [9, 9, 9.1], [9, 9, 9.2], [9, 9, 9.3]])  # along one direction
    codes, classes = torch.cat((rows, few)), torch.tensor([0] * 400 + [1] * 4)[:, None]
    prior = Mixture(components=1, borrowed=100).build(Space((3,), (2,)))
    prior.learn(codes, classes, seeded())
    drawn = prior.sample(torch.ones(20_000, 1, dtype=torch.long), seeded())
    within = (400 * torch.cov(rows.T, correction=0) + 4 * torch.cov(few.T, correction=0)) / 404
    expected = (4 * torch.cov(few.T, correction=0) + 100 * within) / 104
    assert torch.allclose(torch.cov(drawn.T), expected, rtol=0.05, atol=0.05)
    assert torch.allclose(drawn.mean(0), few.mean(0), atol=0.05)


@EVERY
def test_conditions_that_were_never_seen_are_drawn_like_the_nearest(part: Any) -> None:
    two = (*CLASSES, Attribute("hat", ("no", "yes")))
    codes = mixture(400, 0)
    seen = torch.cat((codes.conditions, codes.conditions), 1)  # a hat on the right alone
    drawn = learned(part, Codes(codes.values, seen), two).sample(torch.tensor([[0, 1]] * 30), seeded())
    assert drawn.isfinite().all()


@pytest.mark.parametrize("part", [part for part in PARTS if hasattr(part.build(Space((2,))), "to_noise")], ids=str)
def test_noise_and_back(part: Any, samplers: dict[Any, Sampler]) -> None:
    codes = mixture(500, 3)
    prior = samplers[part].prior
    noise = prior.to_noise(codes.values, codes.conditions)
    back = prior.from_noise(noise, codes.conditions)
    assert (back - codes.values).abs().mean() < 0.05
    left = noise[codes.conditions[:, 0] == 0]
    assert left.mean().abs() < 0.3
    assert 0.7 < left.std() < 1.3


@pytest.mark.parametrize("part", [part for part in PARTS if hasattr(part.build(Space((2,))), "log_prob")], ids=str)
def test_the_density_is_the_true_one(part: Any, samplers: dict[Any, Sampler]) -> None:
    codes = mixture(500, 3)
    left = codes.values[codes.conditions[:, 0] == 0]
    matrix = np.array([[1.0, 0.8], [0.0, 0.3]])
    truth = multivariate_normal([-4.0, 0.0], matrix.T @ matrix).logpdf(left.numpy())
    found = samplers[part].prior.log_prob(left, torch.zeros(len(left), 1, dtype=torch.long))
    assert abs(found.double().numpy() - truth).mean() < 0.15


# ------------------------------------------------------------------ each part's own


def test_guidance_makes_classes_more_typical(samplers: dict[Any, Sampler]) -> None:
    asked = torch.ones(300, 1, dtype=torch.long)
    plain, guided = (samplers[SMALL].sample(asked, seeded(), strength) for strength in (1.0, 3.0))
    assert (guided[:, 0].mean() - plain[:, 0].mean()) > 0.1  # further from the other class
    with pytest.raises(Mistake, match=r"out of range.*0 to 20"):
        samplers[SMALL].check_guidance(21)
    with pytest.raises(Mistake, match="the prior normal has none"):
        samplers[PARTS[0]].check_guidance(2)


def test_forgetting() -> None:
    one = forgotten(torch.ones(4000, 1, dtype=torch.long), 0.25, seeded())
    assert abs((one == UNKNOWN).float().mean() - 0.25) < 0.03
    two = forgotten(torch.ones(4000, 2, dtype=torch.long), 0.25, seeded())
    every = (two == UNKNOWN).all(1).float().mean()
    assert abs((two == UNKNOWN).float().mean() - (1 - 0.75**2)) < 0.03
    assert abs(every - (0.25 + 0.75 * 0.25**2)) < 0.03


def test_the_nearest_of_what_was_seen() -> None:
    groups = Groups()
    numbers = groups.learn(torch.tensor([[0, 1], [1, 1], [0, 1], [2, UNKNOWN]]))
    assert torch.equal(groups.seen[numbers], torch.tensor([[0, 1], [1, 1], [0, 1], [2, UNKNOWN]]))
    found = groups.seen[groups.nearest(torch.tensor([[1, 1], [2, 0], [0, 0]]))]
    assert found.tolist() == [[1, 1], [2, UNKNOWN], [0, 1]]


@pytest.mark.parametrize("count", [1, 7, 1000, 4096])
def test_classes_come_as_often_as_they_should(count: int) -> None:
    shares = torch.tensor([0.5, 0.3, 0.2])
    places = even(shares, 0, count, count)
    assert (places.bincount(minlength=3) - shares * count).abs().max() <= 1
    if count > 100:  # and in every run of them
        assert (places[:100].bincount(minlength=3) - shares * 100).abs().max() <= 3
        assert torch.equal(even(shares, 40, 60, count), places[40:60])


def energy(one: Tensor, other: Tensor) -> Tensor:
    """The energy distance of two sets of rows (Szekely and Rizzo 2013, equation 2.1), without bias; 0 = none."""
    within = torch.pdist(one).mean() + torch.pdist(other).mean()
    return 2 * torch.cdist(one, other).mean() - within


def test_sets_are_told_apart_as_by_nearest_neighbours_left_out_in_turn() -> None:
    one, other = torch.randn(60, 3, generator=seeded(0)), torch.randn(50, 3, generator=seeded(1)) + 0.5
    rows, kinds = torch.cat((one, other)).numpy(), [0] * 60 + [1] * 50
    judged = cross_val_score(KNeighborsClassifier(1), rows, kinds, cv=LeaveOneOut())
    assert told_apart(one, other).tolist() == judged.tolist()


def test_the_same_is_told_by_chance_and_what_lies_far_surely() -> None:
    one, other = torch.randn(1500, 4, generator=seeded(0)), torch.randn(1500, 4, generator=seeded(1))
    assert abs(float(told_apart(one, other).mean()) - 0.5) < 0.03
    assert told_apart(one, other + 100).min() == 1
    words = torch.tensor([[0.0], [0.0], [1.0]])  # of tokens many are equal: each has the others at no distance
    assert told_apart(words, words).tolist() == pytest.approx([1 / 3, 1 / 3, 0] * 2)


# ------------------------------------------------------------------ tokens


def sentences(count: int, seed: int) -> Codes:
    """Tokens (n, 3, 2) of 0..3: the first is 0 or 1, as the class; each next one is the same or, seldom, one more."""
    draw = seeded(seed)
    conditions = torch.randint(2, (count, 1), generator=draw)
    more = torch.rand(count, 5, generator=draw) < 0.2
    steps = torch.cat((conditions, more.long()), 1)
    return Codes(steps.cumsum(1).clamp(max=3).unflatten(1, (3, 2)), conditions)


def test_tokens_are_drawn_one_after_the_other() -> None:
    codes = sentences(3000, 0)
    sampler = Sampler([TOKENS], 0, (3, 2), CLASSES, vocabulary=4)
    learn(sampler, codes, Training(), lambda event: None)
    sampler.eval().requires_grad_(False)
    true = sentences(1500, 1)
    drawn = sampler.sample(true.conditions, seeded())
    assert drawn.shape == (1500, 3, 2)
    assert drawn.dtype == torch.long
    assert torch.equal(drawn, sampler.sample(true.conditions, seeded()))
    steps = drawn.flatten(1)
    assert (steps[:, :1] == true.conditions).float().mean() > 0.98
    more = steps.diff(dim=1)
    assert ((more == 0) | (more == 1)).float().mean() > 0.98
    assert abs((more[:, 0] == 1).float().mean() - 0.2) < 0.05
    # The mean of the true surprise: five choices of a fifth, less where a token cannot grow any more.
    surprise = -sampler.prior.log_prob(true.values, true.conditions).mean()
    entropy = -(0.2 * math.log(0.2) + 0.8 * math.log(0.8))
    assert 4.7 * entropy < surprise < 5.4 * entropy
    guided = sampler.sample(true.conditions, seeded(), 3.0)
    assert guided.shape == drawn.shape


def test_tokens_do_not_see_those_behind_them() -> None:
    prior = TOKENS.build(Space((6,), (2,), 4))
    torch.nn.init.normal_(prior.odds.weight)
    one = torch.randint(4, (3, 5), generator=seeded())
    other = one.clone()
    other[:, 3:] = (one[:, 3:] + 1) % 4
    asked = torch.zeros(3, 1, dtype=torch.long)
    before, after = prior(one, asked), prior(other, asked)
    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-5)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-5)


def test_codes_that_are_no_tokens() -> None:
    recipe = Recipe(Flat(1, 8), Plain(2), Gaussian(), priors="autoregressive", training=Training(epochs=1))
    with pytest.raises(Mistake, match=r"draws tokens.*numbers: allowed: a quantised latent; try: --priors"):
        fit(open_source(np.arange(20 * 64).reshape(20, 8, 8) % 255), recipe)


# ------------------------------------------------------------------ in a model, and in its file


@pytest.fixture(scope="module")
def model() -> Model:
    """Of 400 digits with labels, all priors of numbers learned; which one is kept is not fixed."""
    digits = open_source("digits").array[:400]
    source = labelled(open_source(digits), labels("digits")[:400])
    recipe = Recipe(
        Flat(1, 64),
        Variational(4),
        Gaussian(),
        beta=0.02,
        priors=PARTS,
        training=Training(epochs=20, batch_size=32, learning_rate=1e-2),
    )
    return fit(source, recipe)


def test_of_several_priors_the_nearest_is_kept(model: Model) -> None:
    distances = model.metrics["priors"]
    assert set(distances) == {name_of(part) for part in PARTS}
    assert model.sampler is not None
    kept = list(distances)[model.sampler.kept]
    assert distances[kept] == min(distances.values())
    assert model.sampler.counts.sum() == 360  # the held-out ones were not learned from


@pytest.mark.parametrize(
    ("latent", "records", "expected"),
    [
        (Variational(4), False, {"normal", "mixture", "flow", "flow-matching"}),
        (Quantised(words=4), False, {"normal", "mixture", "flow", "flow-matching", "autoregressive"}),
        (Variational(4), True, {"masked-flow-matching"}),
    ],
)
def test_auto_means_all_priors_that_the_codes_can_have(latent: object, records: bool, expected: set[str]) -> None:
    recipe = Recipe(Flat(1, 8), latent, Gaussian(), priors=(Auto(),))
    chosen = with_able(recipe, latent.build((32,)), records)  # type: ignore[attr-defined]
    assert {name_of(part) for part in chosen.priors} == expected
    named = dataclasses.replace(recipe, priors=(Mixture(),))
    assert with_able(named, latent.build((32,)), records) is named  # type: ignore[attr-defined]


def test_a_trained_model_has_chosen_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diabolo.training.prior.PRIORS", Family("prior", Normal, Mixture))  # two that learn at once
    source = open_source(open_source("digits").array[:60])
    model = fit(source, Recipe(Flat(1, 8), Plain(2), Gaussian(), priors=(Auto(),), training=Training(steps=3)))
    assert set(model.metrics["priors"]) == {"normal", "mixture"}
    artifact.save(model, tmp_path / "m.diabolo")
    assert artifact.load(tmp_path / "m.diabolo").recipe == model.recipe
    assert set(with_priors(model, source, "auto").metrics["priors"]) == {"normal", "mixture"}


def drawing(decode: Callable[[Tensor], Tensor]) -> Any:
    """A model of which no more is known than how it draws codes."""
    network = SimpleNamespace(decoder=SimpleNamespace(needs_skips=False), decode=decode, latent=None)
    recipe = SimpleNamespace(likelihood=SimpleNamespace(mean=lambda values: values))
    return SimpleNamespace(network=network, recipe=recipe, dtype=torch.float32, batch_size=100, modalities=None)


def drawn_with(widths: Tensor) -> Any:
    def sample(conditions: Tensor, generator: Generator) -> Tensor:
        return widths * torch.randn(len(conditions), len(widths), generator=generator)

    return SimpleNamespace(sample=sample, part=SimpleNamespace(discrete=False))


def test_priors_are_compared_by_what_shows() -> None:
    """Of codes of which two numbers show, one prior has these right and the rest wrong, another the reverse."""
    true = torch.ones(20)
    hidden, open_ = true.clone(), true.clone()
    hidden[2:], open_[:2] = 3.0, 3.0
    codes = Codes(torch.randn(1000, 20, generator=seeded()), torch.zeros(1000, 1, dtype=torch.long))
    model = drawing(lambda values: values[:, :2])
    near, far = (distance(model, codes, drawn_with(widths), seeded(1)) for widths in (hidden, open_))
    assert near < 0.05
    assert far > 0.2


def test_large_pictures_are_compared_small() -> None:
    model = drawing(lambda values: values[:, :, None, None].expand(-1, 3, 2 * SEEN, SEEN // 2))
    rows = shown(model, torch.arange(600.0).reshape(200, 3))
    assert rows.shape == (200, 3 * SEEN * (SEEN // 2))
    assert rows[1].unique().tolist() == [3.0, 4.0, 5.0]
    model.modalities = "some"
    assert shown(model, torch.ones(4, 3, 2)).shape == (4, 6)


def test_other_priors_for_the_same_network(model: Model) -> None:
    source = labelled(open_source(open_source("digits").array[:400]), labels("digits")[:400])
    other = with_priors(model, source, tuple(PARTS[:2]))
    assert other.network is model.network
    assert model.metrics["priors"].keys() == {name_of(part) for part in PARTS}  # as it was
    assert {name: model.metrics["priors"][name] for name in ("normal", "mixture")} == pytest.approx(
        other.metrics["priors"], abs=0.02
    )
    assert generate.Generator(other).sample(3, label=5, seed=0).shape == (3, 8, 8)
    alone = with_priors(model, source, "mixture")
    assert "priors" not in alone.metrics
    assert alone.sampler is not None
    assert alone.sampler.counts.sum() == 400  # held-out ones are learned from, too
    with pytest.raises(Mistake, match="the codes of this latent are numbers"):
        with_priors(model, source, "autoregressive")


def test_each_prior_is_told_of_with_its_distance(model: Model) -> None:
    source = labelled(open_source(open_source("digits").array[:400]), labels("digits")[:400])
    found = list(each_prior(model, source, (Normal(), Mixture())))
    kept = with_priors(model, source, (Normal(), Mixture()))
    assert [name_of(other.sampler.part) for other, _ in found] == ["normal", "mixture"]
    assert [distance for _, distance in found] == list(kept.metrics["priors"].values())


@pytest.mark.parametrize("validation", [0.25, 0.0])
def test_pictures_that_lie_class_by_class_are_compared_of_all_classes(
    validation: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    monkeypatch.setattr("diabolo.training.prior.distance", lambda _, codes, *__: seen.append(codes.conditions) or 0.0)
    order = np.argsort(labels("digits")[:400], kind="stable")
    source = labelled(open_source(open_source("digits").array[:400][order]), labels("digits")[:400][order])
    training = Training(steps=2, validation=validation)
    heard: list[Any] = []
    fit(source, Recipe(Flat(1, 8), Plain(2), Gaussian(), priors=PARTS[:2], training=training), listen=heard.append)
    for conditions in seen:
        assert len(conditions) == (100 if validation else 400)
        assert len(conditions[:50].unique()) == 10
    told = "held-out images: " if validation else "images that they learned from: "
    assert sum(f"distances of samples to {told}" in getattr(event, "text", "") for event in heard) == 1


def test_another_prior_of_a_table_gives_columns_their_shares_again() -> None:
    """What was tuned to the one is not to the other."""
    random = np.random.default_rng(0)
    source = open_rows({"size": random.gamma(0.3, size=400).round(2), "kind": random.choice(list("aaab"), 400)})
    recipe = Recipe(Flat(1, 8), Plain(2), Gaussian(), priors=PARTS[:1], training=Training(steps=20))
    model = fit(source, recipe)
    for other in (with_priors(model, source, "mixture"), *(one for one, _ in each_prior(model, source, (Mixture(),)))):
        assert other.encoding == tuned(dataclasses.replace(other, encoding=source.encoding))
        assert other.encoding != model.encoding


def of_one(model: Model, place: int) -> Model:
    """The same model with another of its priors, learned anew."""
    other = copy.copy(model)
    codes = Codes(torch.randn(50, 4, generator=seeded()), (torch.arange(50) % 10)[:, None])
    other.sampler = Sampler(model.recipe.priors, place, model.code, model.sampler.attributes)
    other.sampler.rows, _, other.sampler.counts = combinations(codes.conditions)
    learn(other.sampler, codes, Training(), lambda event: None)
    other.sampler.requires_grad_(False)
    return other


@pytest.mark.parametrize("place", range(len(PARTS)))
@pytest.mark.parametrize("half", [False, True])
def test_a_file_gives_the_same_samples(model: Model, place: int, half: bool, tmp_path: Path) -> None:
    told = of_one(model, place)
    artifact.save(told, tmp_path / "m.diabolo", half)
    read = artifact.load(tmp_path / "m.diabolo")
    conditions = torch.arange(10)[:, None]
    before, after = (m.sampler.sample(conditions, seeded()) for m in (told, read))
    assert torch.equal(before, after) if not half else torch.allclose(before, after, atol=0.05)
    assert read.sampler.attributes == told.sampler.attributes
    assert torch.equal(read.sampler.counts, told.sampler.counts)
    assert len(read.digest) == 64


LIES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Tensor]], Any], str]] = {
    "no prior": (lambda told, held: told.pop("prior"), "not those of its recipe"),
    "another shape": (lambda told, held: told["prior"].update(shape=[5]), "not one of its codes"),
    "another prior": (lambda told, held: told["prior"].update(kept=9), "not one of its recipe"),
    "a word": (lambda told, held: told.update(prior="flow"), "not what it should be"),
    "a new entry": (lambda told, held: told["prior"].update(run="rm"), "not what it should be"),
    "no values": (lambda told, held: told["prior"].update(attributes={"label": []}), "values of an attribute"),
    "a number": (lambda told, held: told["prior"].update(attributes={"label": [1]}), "values of an attribute"),
    "twice": (lambda told, held: told["prior"].update(attributes={"label": ["a"] * 10}), "values of an attribute"),
    "many": (lambda told, held: told["prior"].update(attributes={str(i): ["a"] for i in range(999)}), "attributes"),
    "absurd": (lambda told, held: told["prior"]["shapes"].update(rows=[2**50, 1]), "too large"),
    "crooked": (lambda told, held: told["prior"]["shapes"].update(rows=[3, 3]), "how often"),
    "unnamed": (lambda told, held: told["prior"]["shapes"].pop("counts"), "not those of its prior"),
    "less": (lambda told, held: held.pop("prior.counts"), "not those of its recipe"),
    "negative": (lambda told, held: held.update({"prior.counts": -held["prior.counts"]}), "counts"),
    "beyond": (lambda told, held: held.update({"prior.rows": held["prior.rows"] + 5}), "does not have"),
    "infinite": (lambda told, held: held.update({"prior.prior.mean": held["prior.prior.mean"] + np.inf}), "infinite"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused(model: Model, lie: str, tmp_path: Path) -> None:
    path = tmp_path / "m.diabolo"
    artifact.save(of_one(model, 0), path)
    with safetensors.safe_open(path, "pt") as file:
        told, held = json.loads(file.metadata()["diabolo"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    edit, message = LIES[lie]
    edit(told, held)
    told["digest"] = artifact._digest(told, held)
    safetensors.torch.save_file(held, path, {"diabolo": json.dumps(told)})
    with pytest.raises(Mistake, match=message) as caught:
        artifact.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", range(len(PARTS)), ids=[name_of(part) for part in PARTS])
def test_statistics_of_other_shapes_are_refused_or_do_no_harm(model: Model, place: int, tmp_path: Path) -> None:
    path = tmp_path / "m.diabolo"
    artifact.save(of_one(model, place), path)
    with safetensors.safe_open(path, "pt") as file:
        told, held = json.loads(file.metadata()["diabolo"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    refused = 0
    for name in told["prior"]["shapes"]:
        value = held[f"prior.{name}"]
        short = value[..., :-1].contiguous() if value.dim() else value.new_ones(3)
        other, shapes = held | {f"prior.{name}": short}, told["prior"]["shapes"] | {name: list(short.shape)}
        said = told | {"prior": told["prior"] | {"shapes": shapes}}
        said["digest"] = artifact._digest(said, other)
        safetensors.torch.save_file(other, path, {"diabolo": json.dumps(said)})
        try:
            generate.Generator(path).sample(20, seed=0)
        except Mistake as mistake:
            refused += "\n" not in str(mistake)
    assert refused >= 3


def test_pictures_that_no_prior_can_be_learned_from() -> None:
    recipe = Recipe(Flat(1, 8), Plain(2), Gaussian(), priors="normal", training=Training(epochs=1))
    with pytest.raises(Mistake, match="every picture is the same"):
        fit(open_source(np.full((20, 8, 8), 7, np.uint8)), recipe)
