"""Flaws that are drawn, and the network that learns to mark them; values that are swapped between rows of a table."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import torch
from scipy.special import expit, logsumexp
from sklearn.metrics import roc_auc_score

from diabolo import judgement
from diabolo.architectures import Conv, Flat, Unet, unet
from diabolo.corruptions import Flaws, Swap, corrupt, flaws
from diabolo.errors import Mistake
from diabolo.latents import Plain
from diabolo.network import Network
from diabolo.objectives import Gaussian, Marking, Step
from diabolo.objectives.marking import summary
from diabolo.pixels import Picture, write_picture
from diabolo.recipe import Recipe, Training
from diabolo.sources import open_source
from diabolo.training import fit
from diabolo.witnesses import Marks

ALWAYS = Flaws(chance=1.0, twice=0.0)
KINDS = {kind.__name__: kind for kind in flaws.KINDS}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def textures(n: int = 8, c: int = 1, h: int = 48, w: int = 48, seed: int = 0) -> torch.Tensor:
    """Smooth noise in 0.2..0.8."""
    rough = np.random.default_rng(seed).normal(size=(n, c, h, w))
    smooth = scipy.ndimage.gaussian_filter(rough, (0, 0, 1.5, 1.5), mode="wrap")
    return torch.from_numpy(0.5 + 0.3 * smooth / np.abs(smooth).max()).float()


# ------------------------------------------------------------------ flaws


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_flaws_that_are_seen(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A marked pixel differs by more than the least spread; most of all that was changed is marked."""
    monkeypatch.setattr(flaws, "KINDS", (KINDS[kind],))
    image = textures(32, 3)
    result, missing = ALWAYS(image, seeded(1))[:2]
    change = (result - image).abs().mean(1, keepdim=True)
    assert (missing.amax((1, 2, 3)) > 0).float().mean() > 0.6
    assert change[missing > 0].min() > flaws.SEEN * 1e-3
    assert change[missing > 0].sum() > 0.4 * change.sum()
    assert change[missing > 0].mean() > 8 * change[missing == 0].mean()
    assert missing.mean((1, 2, 3)).median() < 0.3  # a flaw is a part of the picture


def test_where_nothing_lies_nothing_changes() -> None:
    """Exactly: a picture far from its flaw stays to the bit, and no value leaves the range of its batch."""
    image = textures(40, 1, 64, 64)
    result, missing = ALWAYS(image, seeded())[:2]
    unchanged = (result == image).flatten(1).float().mean(1)
    assert unchanged.median() > 0.5
    assert not missing[result == image].any()
    assert result.min() >= image.min()
    assert result.max() <= image.max()


def test_a_pixel_that_is_not_marked_is_hardly_covered_or_hardly_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The promise of the mask, with a cover that is known: exactly what is above both limits is marked."""
    cover = torch.linspace(0, 1, 48).view(1, 1, 1, 48).expand(8, 1, 48, 48)
    monkeypatch.setattr(flaws, "KINDS", (lambda place: (cover, place.image + 0.05),))
    image = torch.full((8, 1, 48, 48), 0.5)
    image[:, :, :, ::2] = 0.4  # a spread of 0.05 everywhere, so that 0.15 spreads are 0.0075
    image[0, 0, 0, 0], image[0, 0, 0, 1] = 0.0, 1.0  # room for the change
    missing = ALWAYS(image, seeded()).missing
    covered = cover > 0.35  # there the change of 0.05 cover is above 0.0075 too
    inner = slice(12, 36)
    assert torch.equal(missing[1:, :, inner] > 0, covered[1:, :, inner])
    monkeypatch.setattr(flaws, "KINDS", (lambda place: (torch.ones_like(cover), place.image + 0.005),))
    assert not ALWAYS(image, seeded()).missing[1:, :, inner].any()


def test_all_kinds_are_drawn_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Counter[str] = Counter()

    def counted(name: str) -> Any:
        def draw(place: Any) -> Any:
            drawn[name] += len(place.image)
            return KINDS[name](place)

        return draw

    monkeypatch.setattr(flaws, "KINDS", tuple(counted(name) for name in KINDS))
    ALWAYS(textures(300, 1, 8, 8), seeded())
    assert set(drawn) == set(KINDS)
    assert sum(drawn.values()) == 300
    assert min(drawn.values()) > 40


def test_what_no_flaw_is_drawn_into_stays_to_the_bit() -> None:
    image = textures(200, 2, 16, 16)
    result, missing = Flaws(chance=0.0)(image, seeded())[:2]
    assert torch.equal(result, image)
    assert not missing.any()
    result, missing = Flaws(chance=0.5, twice=0.0)(image, seeded())[:2]
    same = (result == image).flatten(1).all(1)
    assert 0.4 < same.float().mean() < 0.65
    assert not missing[same].any()


def test_some_get_a_second_flaw() -> None:
    image = textures(60)
    once, twice = (Flaws(1.0, share)(image, seeded(2)).missing.mean() for share in (0.0, 1.0))
    assert twice > 1.3 * once


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 7), (33, 8), (24, 24)], ids=str)
def test_any_channels_and_sizes(channels: int, size: tuple[int, int]) -> None:
    image = textures(12, channels, *size)
    result, missing = Flaws(1.0, 1.0)(image, seeded())[:2]
    assert result.shape == image.shape
    assert missing.shape == (12, 1, *size)
    assert result.isfinite().all()
    assert set(missing.unique().tolist()) <= {0.0, 1.0}


def test_flaws_in_one_picture_alone_and_in_an_even_one() -> None:
    assert ALWAYS(textures(1), seeded()).image.isfinite().all()
    even = torch.full((6, 3, 20, 20), 0.25)
    result, missing = ALWAYS(even, seeded())[:2]
    assert torch.equal(result, even)  # there is no other value in the batch that could be drawn
    assert not missing.any()


def test_flaws_lie_everywhere_and_at_the_borders_too() -> None:
    missing = ALWAYS(textures(400, 1, 32, 32), seeded()).missing.mean(0)[0]
    assert (missing > 0).all()
    inside = missing[4:-4, 4:-4].mean()
    assert missing[:2].mean() > 0.5 * inside


# ------------------------------------------------------------------ swapped values


def told_apart(*shape: int) -> torch.Tensor:
    """Values of which each tells its image (thousands) and its place."""
    places = torch.arange(int(np.prod(shape[1:]))).view(1, *shape[1:])
    return (1000 * torch.arange(shape[0]).view(-1, *(1,) * (len(shape) - 1)) + places).float()


@pytest.mark.parametrize("shape", [(20, 50), (6, 3, 8, 9)], ids=str)
def test_a_swapped_value_comes_from_the_same_place_of_another_image(shape: tuple[int, ...]) -> None:
    image = told_apart(*shape)
    result, missing = Swap((0.4,))(image, seeded())[:2]
    taken = missing.expand_as(image) > 0
    assert torch.equal(result[~taken], image[~taken])
    assert torch.equal(result % 1000, image % 1000)
    assert missing.mean().item() == pytest.approx(0.4, abs=0.07)
    from_itself = (result == image)[taken].float().mean().item()
    assert from_itself == pytest.approx(1 / shape[0], abs=0.1)
    assert len((result // 1000)[taken].unique()) == shape[0]


def test_shares_of_swapped_values() -> None:
    image = told_apart(30, 200)
    for share in (0.0, 1.0):
        assert (Swap((share,))(image, seeded()).missing == share).all()
    shares = Swap((0.1, 0.9))(image, seeded()).missing.mean(1)
    assert shares.min() > 0.02
    assert shares.max() < 0.98
    assert shares.std() > 0.1


def test_one_row_alone_has_none_to_swap_with() -> None:
    image = told_apart(1, 9)
    assert torch.equal(Swap((1.0,))(image, seeded()).image, image)


# ------------------------------------------------------------------ the term that marks


def step(marks: torch.Tensor, missing: torch.Tensor, numbers: int) -> Step:
    """What the term is told of images of so many numbers."""
    nothing = torch.zeros(len(marks), numbers)
    return Step(nothing, nothing, missing, nothing, marks)


def plain_cost(marks: np.ndarray, wrong: np.ndarray, part: Marking, numbers: int) -> np.ndarray:
    """The cross-entropies by their definition, in double precision."""
    costs = []
    for mark, truth in zip(marks.reshape(len(marks), -1), wrong.reshape(len(marks), -1), strict=True):
        chance = expit(mark)
        pixels = -(part.seldom * truth * np.log(chance) + (1 - truth) * np.log(1 - chance)).mean()
        whole = expit((logsumexp(2 * mark) - np.log(len(mark))) / 2 + 2)
        image = -np.log(whole if truth.any() else 1 - whole)
        costs.append(part.weight * numbers * (pixels + part.whole * image))
    return np.array(costs)


@pytest.mark.parametrize("part", [Marking(), Marking(weight=0.3, seldom=1.0, whole=2.0), Marking(whole=0.0)], ids=str)
def test_the_cost_of_marks_is_the_plain_formula(part: Marking) -> None:
    draw = np.random.default_rng(0)
    marks, wrong = draw.normal(size=(4, 1, 6, 7)), (draw.random((4, 1, 6, 7)) < 0.2).astype(float)
    wrong[2] = 0
    costs = part.cost(step(torch.from_numpy(marks), torch.from_numpy(wrong), 100), torch.Generator())
    assert costs.shape == (4,)
    np.testing.assert_allclose(costs, plain_cost(marks, wrong, part, 100), rtol=1e-5)


@pytest.mark.parametrize("shape", [(4, 1, 6, 7), (4, 42)], ids=str)
def test_the_cost_of_marks_of_whole_images(shape: tuple[int, ...]) -> None:
    draw = np.random.default_rng(0)
    marks, wrong = draw.normal(size=(4, 1)), (draw.random(shape) < 0.2).astype(float)
    wrong[2] = 0
    chance = expit(marks[:, 0])
    expected = -np.log(np.where([True, True, False, True], chance, 1 - chance)) * 0.3 * 100 / 2
    costs = Marking(weight=0.3).cost(step(torch.from_numpy(marks), torch.from_numpy(wrong), 100), torch.Generator())
    np.testing.assert_allclose(costs, expected, rtol=1e-5)


def test_the_summary_lies_between_mean_and_greatest() -> None:
    marks = 3 * torch.randn(5, 1, 9, 9, generator=seeded())
    assert (summary(marks) > marks.mean((1, 2, 3))).all()
    assert (summary(marks) < marks.amax((1, 2, 3))).all()
    torch.testing.assert_close(summary(torch.full((2, 1, 3, 3), 4.0)), torch.full((2,), 4.0))


def test_sure_marks_cost_nothing_if_right_and_finitely_much_if_wrong() -> None:
    wrong = torch.zeros(1, 1, 4, 4)
    wrong[..., :2] = 1
    sure = 200 * (2 * wrong - 1)
    assert Marking().cost(step(sure, wrong, 16), torch.Generator()).item() == pytest.approx(0, abs=1e-6)
    assert 1000 < Marking().cost(step(-sure, wrong, 16), torch.Generator()).item() < 1e5


def marking(**options: Any) -> Recipe:
    architecture = Unet(widths=(8, 16), standardise=True)
    training = Training(steps=200, batch_size=8, learning_rate=2e-2, optimizer="muon", validation=0.1, calibration=0.2)
    given = {"corruption": (Flaws(),), "terms": (Marking(),), "witnesses": (Marks(),), "training": training} | options
    return Recipe(architecture, Plain(8), Gaussian(), **given)


@pytest.mark.parametrize("architecture", ["unet", "flat"])
def test_the_gradient_of_marks_reaches_the_network(architecture: str) -> None:
    """All of a unet, whose decoder marks pixels; of any other network the encoder, by which whole images are marked."""
    recipe = marking() if architecture == "unet" else dataclasses.replace(marking(), architecture=Flat(1, 8))
    network = Network(recipe, (1, 16, 16))
    with torch.no_grad():  # at the very start nothing passes the layers that are 0
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=seeded()))
    corrupted = corrupt(textures(4, 1, 16, 16), recipe.corruption, seeded())
    output = network(corrupted.image)
    assert output.marks.shape == ((4, 1, 16, 16) if architecture == "unet" else (4, 1))
    assert output.parameters.shape == (4, 1, 16, 16)
    Marking().cost(step(output.marks, corrupted.missing, 256), torch.Generator()).sum().backward()
    part = network if architecture == "unet" else network.encoder
    still = [name for name, p in part.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still


def test_marks_of_whole_images_need_one_size() -> None:
    with pytest.raises(Mistake, match="conv marks whole images, of one size alone: got the term marking"):
        Network(dataclasses.replace(marking(), architecture=Conv(map=True)), (1, 16, 16))
    assert Network(dataclasses.replace(marking(), architecture=Conv(width=4)), (1, 16, 16)).marker is not None


def test_a_short_training_marks_planted_spots() -> None:
    model = fit(open_source(textures(60, 1, 24, 24)[:, 0].numpy()), marking())
    image = textures(12, 1, 24, 24, seed=9)[:, 0].numpy()
    planted = np.zeros((12, 24, 24), bool)
    for i in range(12):
        planted[i, 2 + i : 7 + i, 16 - i : 21 - i] = True
    found = judgement.judge(model, np.where(planted, 0.1, image).astype(np.float32))
    assert roc_auc_score(planted.reshape(-1), found.maps.reshape(-1)) > 0.9
    whole = np.concatenate((judgement.scores(model, image), found.scores))
    assert roc_auc_score(np.repeat([0, 1], 12), -whole) > 0.85


# ------------------------------------------------------------------ an image's own light


def test_standardised_images_have_mean_0_and_spread_1() -> None:
    image = textures(5, 3)
    told, spread = unet.standardised(3 * image + 7, torch.ones(5, 1, 48, 48))
    torch.testing.assert_close(spread.flatten(), 3 * image.std((1, 2, 3), correction=0), atol=0.01, rtol=0)
    torch.testing.assert_close(told.mean((1, 2, 3)), torch.zeros(5), atol=1e-4, rtol=0)
    torch.testing.assert_close(told.std((1, 2, 3), correction=0), torch.ones(5), atol=0.02, rtol=0)
    assert (unet.standardised(torch.full((2, 1, 4, 4), 0.7), torch.ones(2, 1, 4, 4))[0].abs() < 1e-3).all()
    spike = torch.zeros(1, 1, 32, 32)
    spike[0, 0, 5, 5] = 1
    assert unet.standardised(spike, torch.ones(1, 1, 32, 32))[0].max() == unet.FARTHEST


# ------------------------------------------------------------------ where a picture ends


def framed(image: torch.Tensor, frame: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The image with numbers around that should not matter, and where it is."""
    inside = torch.nn.functional.pad(torch.ones_like(image[:, :1]), [frame] * 4)
    around = torch.nn.functional.pad(image, [frame] * 4)
    return torch.where(inside > 0, around, torch.rand(around.shape, generator=seeded(3))), inside


def told_of_edges(**options: Any) -> Network:
    return drawn_network(hint="inside", **options)


def test_a_whole_picture_is_one_with_nothing_around_it() -> None:
    network, image = told_of_edges(), textures(2, 3, 32, 32)
    around, inside = framed(image, unet.FRAME)
    alone, among = network(image), network(around, hint=inside)
    middle = (..., slice(unet.FRAME, -unet.FRAME), slice(unet.FRAME, -unet.FRAME))
    torch.testing.assert_close(alone.marks, among.marks[middle], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(alone.parameters, among.parameters[middle], atol=1e-4, rtol=1e-4)
    assert [level.shape[2:] for level in network.evidence(image).features] == [(16, 16), (8, 8)]


def test_the_network_sees_where_a_picture_ends() -> None:
    network, image = told_of_edges(), textures(1, 3, 64, 64)
    inside = torch.ones(1, 1, 64, 64)
    inside[..., 48:, :] = 0
    marks = [network(image, hint=where).marks[..., :40, :] for where in (torch.ones_like(inside), inside)]
    assert not torch.allclose(*marks, atol=1e-3)


def test_nothing_is_drawn_or_counted_beyond_the_edges() -> None:
    image, inside = textures(32), torch.zeros(32, 1, 48, 48)
    inside[..., 10:30, 4:44] = 1
    corrupted = corrupt(image, (ALWAYS,), seeded(), inside)
    assert torch.equal(torch.where(inside > 0, image, corrupted.image), image)
    assert not (corrupted.missing * (1 - inside)).any()
    assert (corrupted.missing.amax((1, 2, 3)) > 0).float().mean() > 0.6  # flaws begin inside
    assert torch.equal(corrupted.counted, inside)
    assert torch.equal(corrupted.inside, inside)


def test_marks_beyond_the_edges_cost_nothing() -> None:
    draw = np.random.default_rng(0)
    marks, wrong = draw.normal(size=(4, 1, 6, 7)), (draw.random((4, 1, 6, 7)) < 0.2).astype(float)
    inside = np.zeros((4, 1, 6, 7))
    inside[..., 1:5, 2:] = 1
    told = step(torch.from_numpy(marks), torch.from_numpy(wrong * inside), 100)._replace(
        inside=torch.from_numpy(inside)
    )
    costs = Marking().cost(told, torch.Generator())
    alone = plain_cost(marks[..., 1:5, 2:], wrong[..., 1:5, 2:], Marking(), 100)
    np.testing.assert_allclose(costs, alone, rtol=1e-5)


def test_pictures_of_different_sizes_are_learned_with_their_edges(tmp_path: Path) -> None:
    training = dataclasses.replace(marking().training, crop=32, margin=8, steps=40)
    recipe = marking(hint="inside", training=training)
    for i in range(40):
        texture = 255 * textures(1, 1, 20 + i % 7, 40 - i % 5, seed=i)[0, 0].numpy()
        write_picture(tmp_path / f"{i}.png", Picture(texture.astype(np.uint8)))
    model = fit(open_source(tmp_path), recipe)
    assert all(weight.isfinite().all() for weight in model.network.state_dict().values())
    assert judgement.judge(model, open_source(tmp_path).read(0)[None]).maps.shape == (1, 20, 40)


def test_whole_pictures_are_learned_as_they_are_judged() -> None:
    """Without squares nothing hangs over: the network puts its own frame around, in training as in use."""
    training = dataclasses.replace(marking().training, steps=4, margin=8)
    model = fit(open_source(textures(30, 1, 24, 24)[:, 0].numpy()), marking(hint="inside", training=training))
    assert model.recipe.training.margin == 0


@pytest.mark.parametrize(
    ("hint", "margin", "witnesses", "message"),
    [
        ("none", 8, (Marks(),), "a margin is for networks .* got 8; .*--hint inside"),
        ("inside", 0, (Marks(),), "the hint inside is for detectors .*--margin 32"),
        ("inside", 8, (), "the hint inside is for detectors"),
    ],
)
def test_margins_and_networks_that_know_edges_belong_together(
    hint: str, margin: int, witnesses: tuple[Any, ...], message: str
) -> None:
    training = dataclasses.replace(marking().training, crop=16, margin=margin)
    with pytest.raises(Mistake, match=message):
        fit(open_source(textures(30)[:, 0].numpy()), marking(hint=hint, witnesses=witnesses, training=training))


def drawn_network(**options: Any) -> Network:
    network = Network(marking(**options), (3, 32, 32))
    with torch.no_grad():
        network.decoder.last[-1].weight.normal_(std=0.2, generator=seeded())
    return network.eval()


@pytest.mark.parametrize(("gain", "offset"), [(2.0, 0.0), (0.5, 0.3), (1.0, -1.0), (4.0, 2.0)])
def test_an_images_own_gain_and_offset_tell_the_network_nothing(
    gain: float, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unet, "EVEN", 0.0)  # what is added to the spread alone knows how bright an image is
    network, image = drawn_network(), textures(4, 3, 32, 32)
    with torch.no_grad():
        plain, lit = network(image), network(gain * image + offset)
    torch.testing.assert_close(lit.marks, plain.marks, atol=2e-3, rtol=0)
    torch.testing.assert_close(lit.parameters, gain * plain.parameters + offset, atol=2e-3 * gain, rtol=0)
    assert (plain.parameters - image).abs().max() > 0.05


def test_an_image_is_standardised_beside_a_hint_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unet, "EVEN", 0.0)
    network, image = drawn_network(hint="noise-level"), textures(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(network(image + 1).marks, network(image).marks, atol=2e-3, rtol=0)
