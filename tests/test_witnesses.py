"""Witnesses: the contract over the table, and each one's truth against an outside reference."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from diabolo import artifact, judgement
from diabolo.architectures import Conv, Flat, Unet
from diabolo.corruptions import Flaws, Noise
from diabolo.errors import Mistake
from diabolo.latents import Plain
from diabolo.model import Model
from diabolo.normal import Normal, grown, refuse_wholes
from diabolo.objectives import Gaussian, Marking
from diabolo.objectives.marking import summary
from diabolo.options import from_plain, to_plain
from diabolo.preprocessing import Preprocessing
from diabolo.recipe import Recipe, Training
from diabolo.sources import open_source
from diabolo.training import fit
from diabolo.witnesses import WITNESSES, Density, Evidence, Marks, Neighbours, Residual, neighbours
from diabolo.witnesses.base import SEEN, Moments, chosen_rows, mean_of_all, principal, seen, whitener, worst

PARTS = [
    Residual(),
    *(Density(of=what) for what in SEEN),
    *(Neighbours(of=what, kept=300) for what in SEEN),
    Neighbours(white=False, nearest=1, kept=50),
    Marks(),
]
KINDS = ("vectors", "pictures", "any size")
REFUSED = {(kind, Marks) for kind in ("vectors", "pictures")}  # their networks learned to mark nothing
EVERY = pytest.mark.parametrize("part", PARTS, ids=str)
EVERYWHERE = pytest.mark.parametrize("kind", KINDS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def textures(count: int, height: int, width: int) -> np.ndarray:
    """Soft stripes, each with its own phase, and a little noise; uint8."""
    draw = np.random.default_rng([count, height])
    waves = np.sin(0.7 * np.arange(width) + 6 * draw.random((count, 1, 1)))
    return (128 + 40 * waves + draw.normal(0, 4, (count, height, width))).astype(np.uint8)


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """A small network of each kind, trained for a moment, which knows nothing of normal images yet."""
    digits = open_source("digits").array[:400]
    flat = fit(
        open_source(digits.reshape(400, 64).astype(np.float32) / 16),
        Recipe(
            Flat(1, 16),
            Plain(4),
            Gaussian(),
            corruption=(Noise(),),
            preprocessing=Preprocessing(scaling="columns"),
            training=Training(steps=40, learning_rate=1e-2),
        ),
    )
    conv = fit(
        open_source(textures(60, 16, 16)),
        Recipe(Conv(width=4, levels=1), Plain(4), Gaussian(), training=Training(steps=40, learning_rate=1e-2)),
    )
    unet = fit(
        open_source(textures(40, 24, 24)),
        Recipe(
            Unet(widths=(4, 8)),
            Plain(4),
            Gaussian(),
            corruption=(Flaws(),),
            terms=(Marking(),),
            training=Training(steps=20, batch_size=8, learning_rate=1e-2),
        ),
    )
    return dict(zip(KINDS, (flat, conv, unet), strict=True))


def normals(kind: str) -> list[np.ndarray]:
    """Normal images, those of one size together."""
    if kind == "vectors":
        return [open_source("digits").array[400:520].reshape(120, 64).astype(np.float32) / 16]
    return [textures(50, 16, 16)] if kind == "pictures" else [textures(20, 24, 24), textures(20, 17, 40)]


def strange(kind: str) -> np.ndarray:
    """Images that are as abnormal as can be: noise."""
    draw = np.random.default_rng(3)
    if kind == "vectors":
        return (3 * draw.random((40, 64))).astype(np.float32)
    return draw.integers(0, 256, (40, *normals(kind)[0].shape[1:])).astype(np.uint8)


def learned(part: Any, model: Model, batches: list[np.ndarray]) -> Any:
    witness = part.build()
    witness.learn(lambda: (judgement.evidence(model, images) for images in batches), seeded())
    return witness.eval()


def said(witness: Any, model: Model, images: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        return witness(judgement.evidence(model, images))


@pytest.fixture
def witness(part: Any, kind: str, models: dict[str, Model]) -> Any:
    if (kind, type(part)) in REFUSED:
        pytest.skip("refused, as test_a_network_that_marks_nothing_is_refused shows")
    return learned(part, models[kind], normals(kind))


# ------------------------------------------------------------------ the contract


def test_the_parts_cover_the_table() -> None:
    assert {type(part) for part in PARTS} == set(WITNESSES.parts.values())
    for cls in WITNESSES.parts.values():
        assert callable(cls.whole)


@EVERY
def test_described_and_read_back(part: Any) -> None:
    assert from_plain(type(part), to_plain(part)) == part


@EVERY
@EVERYWHERE
def test_finite_values_of_an_allowed_shape(part: Any, kind: str, witness: Any, models: dict[str, Model]) -> None:
    for images in [*normals(kind), strange(kind)]:
        values = said(witness, models[kind], images)
        assert values.isfinite().all()
        assert values.dtype == torch.float32
        assert len(values) == len(images)
        assert values.dim() in {"vectors": (1, 2), "pictures": (1, 3), "any size": (3,)}[kind]
        if not isinstance(part, Marks):
            assert (values >= 0).all()
        shown = grown(values, judgement.evidence(models[kind], images).image)
        assert shown.shape[1:] in ((), images.shape[1:])


@EVERY
@EVERYWHERE
def test_the_same_evidence_teaches_and_says_the_same(
    part: Any, kind: str, witness: Any, models: dict[str, Model]
) -> None:
    again = learned(part, models[kind], normals(kind))
    for (name, one), (_, other) in zip(witness.named_buffers(), again.named_buffers(), strict=True):
        assert torch.equal(one, other), name
    images = strange(kind)
    assert torch.equal(said(witness, models[kind], images), said(again, models[kind], images))
    assert not list(witness.parameters())  # nothing but buffers is learned


@EVERY
@EVERYWHERE
def test_what_lies_beside_an_image_tells_nothing(part: Any, kind: str, witness: Any, models: dict[str, Model]) -> None:
    images = np.concatenate((normals(kind)[0][:5], strange(kind)[:5]))
    together = said(witness, models[kind], images)
    alone = torch.cat([said(witness, models[kind], image[None]) for image in images])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@EVERY
@EVERYWHERE
def test_strange_images_are_less_normal_than_what_was_learned(
    part: Any, kind: str, witness: Any, models: dict[str, Model]
) -> None:
    if isinstance(part, Marks) or (isinstance(part, Residual) and kind == "any size"):
        pytest.skip("it says what a network learned in a longer training: tests/test_flaws.py")
    fine, poor = (part.whole(said(witness, models[kind], images)) for images in (normals(kind)[0], strange(kind)))
    truth = np.repeat([0, 1], [len(fine), len(poor)])
    assert roc_auc_score(truth, torch.cat((fine, poor))) > 0.9


@EVERY
@EVERYWHERE
def test_a_file_keeps_what_was_learned_to_the_bit(
    part: Any, kind: str, witness: Any, models: dict[str, Model], tmp_path: Path
) -> None:
    """With the other witnesses' names and statistics beside it: two of one kind do not mix."""
    normal = Normal((part, Residual(), part))
    other = learned(Residual(), models[kind], normals(kind)[:1])
    for place, one in enumerate((witness, other, copy.deepcopy(witness))):
        normal.witnesses[place] = one
    model = dataclasses.replace(
        models[kind], normal=normal, recipe=dataclasses.replace(models[kind].recipe, witnesses=normal.parts)
    )

    def told() -> Iterator[list[torch.Tensor]]:
        return (values for images in normals(kind) for values in judgement.witnessed(model, images))

    normal.measure(told)
    scores = torch.cat([normal.score(values) for values in told()])
    normal.compare_with(scores, scores)
    artifact.save(model, tmp_path / "m.diabolo")
    loaded = artifact.load(tmp_path / "m.diabolo")
    assert loaded.normal is not None
    for (name, before), (_, after) in zip(normal.named_buffers(), loaded.normal.named_buffers(), strict=True):
        assert torch.equal(before, after), name
    for images in (normals(kind)[0], strange(kind)):
        here, there = (judgement.judge(which, images) for which in (model, loaded))
        np.testing.assert_array_equal(here.scores, there.scores)
        np.testing.assert_array_equal(here.maps, there.maps)
        assert here.maps.shape == images.shape


@pytest.mark.parametrize("kind", ["vectors", "pictures"])
def test_a_network_that_marks_nothing_is_refused(kind: str, models: dict[str, Model]) -> None:
    with pytest.raises(Mistake, match="this network marks nothing: try: --terms marking") as caught:
        learned(Marks(), models[kind], normals(kind))
    assert "\n" not in str(caught.value)


@EVERY
def test_pictures_of_a_size_that_was_not_learned(part: Any, models: dict[str, Model]) -> None:
    """Learned from one size alone: where a network takes any size, its witnesses do."""
    witness = learned(part, models["any size"], [textures(20, 24, 24)])
    values = said(witness, models["any size"], textures(3, 30, 19))
    assert grown(values, torch.zeros(3, 1, 30, 19)).shape == (3, 30, 19)
    own = said(witness, models["any size"], textures(3, 24, 24))
    if not isinstance(part, Marks):
        assert 0.5 < float(values.mean() / own.mean()) < 2


# ------------------------------------------------------------------ the truths


def vectors(rows: int = 80, size: int = 6, seed: int = 0) -> torch.Tensor:
    """Rows with a full covariance whose directions differ by no more than 1 : 10."""
    draw = np.random.default_rng(seed)
    mixed = draw.normal(size=(rows, size)) * np.linspace(1, 3, size) @ draw.normal(size=(size, size))
    return torch.from_numpy(mixed + 3).float()


def evidence_of(image: torch.Tensor, restored: torch.Tensor | None = None, **others: Any) -> Evidence:
    given = {"image": image, "restored": image if restored is None else restored, "code": image, "features": (image,)}
    return Evidence(**(given | others))


def taught(part: Any, *evidence: Evidence) -> Callable[[Evidence], np.ndarray]:
    witness = part.build()
    witness.learn(lambda: iter(evidence), seeded())
    return lambda one: witness(one).double().numpy()


def shrunk(rows: torch.Tensor, shrink: float) -> np.ndarray:
    covariance = EmpiricalCovariance().fit(rows.double().numpy()).covariance_
    return (1 - shrink) * covariance + shrink * np.trace(covariance) / len(covariance) * np.eye(len(covariance))


def test_density_of_all_directions_is_mahalanobis() -> None:
    rows, others = vectors(), vectors(seed=1)
    ours = taught(Density(of="image", shrink=0), *(evidence_of(some) for some in rows.split(30)))
    theirs = EmpiricalCovariance().fit(rows.double().numpy())
    for some in (rows, others):
        expected = theirs.mahalanobis(some.double().numpy())
        np.testing.assert_allclose(ours(evidence_of(some)) ** 2 * 6, expected, rtol=1e-3)
    assert np.mean(ours(evidence_of(rows)) ** 2) == pytest.approx(1, rel=1e-4)  # "about 1 for normal images"


def test_density_with_a_share_added() -> None:
    rows = vectors()
    covariance = shrunk(rows, 0) + 0.5 * np.trace(shrunk(rows, 0)) / 6 * np.eye(6)
    centred = (rows - rows.mean(0)).double().numpy()
    expected = (centred @ np.linalg.inv(covariance) * centred).sum(1)
    ours = taught(Density(of="image", shrink=0.5), evidence_of(rows))
    np.testing.assert_allclose(ours(evidence_of(rows)) ** 2 * 6, expected, rtol=1e-3)


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_density_is_probabilistic_principal_component_analysis(kept: int) -> None:
    rows, others = vectors(), vectors(seed=1)
    ours = taught(Density(of="image", kept=kept, shrink=0), evidence_of(rows))(evidence_of(others)) ** 2
    theirs = PCA(kept, svd_solver="full").fit(rows.double().numpy()).score_samples(others.double().numpy())
    assert (np.argsort(ours) == np.argsort(-theirs)).all()
    apart = -2 * (theirs - theirs.mean()) * 80 / 79  # its covariance is divided by n - 1
    np.testing.assert_allclose(6 * (ours - ours.mean()), apart, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("nearest", [1, 3])
def test_neighbours_are_scikit_learns(nearest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, others = vectors(), vectors(seed=1)
    plain = taught(Neighbours(of="image", nearest=nearest, white=False), evidence_of(rows))
    theirs = NearestNeighbors(n_neighbors=nearest).fit(rows.numpy())
    expected = theirs.kneighbors(others.numpy())[0].mean(1) / 6**0.5
    np.testing.assert_allclose(plain(evidence_of(others)), expected, rtol=1e-4)
    white = taught(Neighbours(of="image", nearest=nearest, shrink=0.1), evidence_of(rows))
    inverse = np.linalg.inv(shrunk(rows, 0.1))
    brute = NearestNeighbors(
        n_neighbors=nearest, metric="mahalanobis", metric_params={"VI": inverse}, algorithm="brute"
    )
    expected = brute.fit(rows.double().numpy()).kneighbors(others.double().numpy())[0].mean(1) / 6**0.5
    np.testing.assert_allclose(white(evidence_of(others)), expected, rtol=1e-3)
    monkeypatch.setattr(neighbours, "AT_ONCE", 200)  # two rows at a time
    np.testing.assert_allclose(white(evidence_of(others)), expected, rtol=1e-3)


def test_what_was_learned_is_its_own_neighbour() -> None:
    rows = vectors(size=9) + 1000  # far from 0, where a product of matrices would be no longer exact
    found = taught(Neighbours(of="image", nearest=1, white=False), evidence_of(rows))
    np.testing.assert_array_equal(found(evidence_of(rows)), 0)


def test_fewer_rows_than_neighbours() -> None:
    rows = vectors(3)
    found = taught(Neighbours(of="image", nearest=5, white=False), evidence_of(rows))
    expected = torch.cdist(rows, rows).mean(1) / 6**0.5
    np.testing.assert_allclose(found(evidence_of(rows)), expected, rtol=1e-4)


def test_squares_of_whitened_residuals_sum_to_mahalanobis() -> None:
    image, restored = vectors(), vectors(seed=2)
    said = taught(Residual(shrink=0.05), evidence_of(image, restored))(evidence_of(image, restored))
    missed = image - restored
    centred = (missed - missed.mean(0)).double().numpy()
    expected = (centred @ np.linalg.inv(shrunk(missed, 0.05)) * centred).sum(1)
    np.testing.assert_allclose((said**2).sum(1), expected, rtol=1e-3)
    assert said.shape == (80, 6)


def test_a_whitened_residual_still_belongs_to_its_value() -> None:
    image, restored = vectors(400), vectors(400, seed=2)
    found = taught(Residual(), evidence_of(image, restored))
    for column in range(6):
        off = image.clone()
        off[:, column] += 40 * (image - restored)[:, column].std()
        assert (found(evidence_of(off, restored)).mean(0).argmax()) == column


@pytest.mark.parametrize("sizes", [((9, 7),), ((9, 7), (5, 8))], ids=["one size", "several"])
def test_residuals_of_normal_pictures_are_1_as_a_root_mean_square(sizes: Any) -> None:
    evidence = []
    for height, width in sizes:
        missed = torch.randn(50, 3, height, width, generator=seeded()) * torch.tensor([1.0, 5.0, 0.3]).view(3, 1, 1)
        evidence.append(evidence_of(missed, torch.zeros_like(missed)))
    found = taught(Residual(), *evidence)
    for one in evidence:
        assert np.mean(found(one) ** 2) == pytest.approx(1, rel=0.05)
    wrong = evidence[0].image.clone()
    wrong[0, 2, 4, 3] += 30  # where normal pictures hardly ever miss, this is much
    said = found(evidence_of(wrong, evidence[0].restored))[0]
    assert np.unravel_index(said.argmax(), said.shape) == (4, 3)


def test_marks_are_what_the_network_says() -> None:
    marks = torch.randn(2, 1, 4, 5, generator=seeded())
    image = torch.zeros(2, 3, 4, 5)
    one = evidence_of(image, marks=marks)
    assert np.array_equal(taught(Marks(), one)(one), marks[:, 0].double().numpy())


# ------------------------------------------------------------------ what they are made of


def test_moments_are_numpys_whatever_the_batches() -> None:
    rows = vectors() + 100
    for size in (1, 7, 80):
        moments = Moments()
        for some in rows.split(size):
            moments.add(some)
        np.testing.assert_allclose(moments.mean(), rows.double().numpy().mean(0), rtol=1e-12)
        np.testing.assert_allclose(moments.covariance(), np.cov(rows.double().numpy().T, ddof=0), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(moments.covariance(0.3), shrunk(rows, 0.3), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("symmetric", [False, True])
def test_whitened_rows_have_the_identity_as_covariance(symmetric: bool) -> None:
    covariance = torch.from_numpy(shrunk(vectors(), 0.1))
    matrix = whitener(covariance, symmetric)
    torch.testing.assert_close(matrix.T @ covariance @ matrix, torch.eye(6, dtype=torch.double))
    assert torch.allclose(matrix, matrix.T) == symmetric


def test_directions_that_hardly_vary_do_not_decide_alone() -> None:
    matrix = whitener(torch.diag(torch.tensor([1.0, 1.0, 0.0], dtype=torch.double)))
    assert matrix.abs().max() == pytest.approx((0.01 * 2 / 3) ** -0.5, rel=1e-6)
    assert whitener(torch.zeros(3, 3, dtype=torch.double)).isfinite().all()


def test_principal_directions_are_scikit_learns() -> None:
    rows = vectors().double()
    directions, variances, rest = principal(torch.from_numpy(np.cov(rows.numpy().T)), 4)
    theirs = PCA(4).fit(rows.numpy())
    np.testing.assert_allclose(variances.flip(0), theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(np.abs(directions.flip(1).T.numpy() * theirs.components_).sum(1) >= 0.999, True)
    assert rest == pytest.approx(theirs.noise_variance_)


def test_chosen_rows_are_drawn_evenly_and_stay_in_order() -> None:
    rows = torch.arange(40.0)[:, None]
    batches = [evidence_of(some) for some in rows.split(16)]
    counts = torch.zeros(40)
    for seed in range(300):
        kept = chosen_rows(lambda: iter(batches), lambda one: one.image, 10, seeded(seed))
        assert len(kept) == 10
        assert (kept.flatten().diff() > 0).all()
        counts[kept.flatten().long()] += 1
    assert counts.min() > 40  # 75 on average
    assert counts.max() < 115
    assert torch.equal(chosen_rows(lambda: iter(batches), lambda one: one.image, 99, seeded()), rows)


def test_features_of_several_levels_are_stacked_at_the_finest() -> None:
    fine, coarse = torch.randn(2, 3, 8, 6, generator=seeded()), torch.full((2, 2, 4, 3), 7.0)
    both = seen(evidence_of(fine, features=(fine, coarse)), "features")
    assert both.shape == (2, 5, 8, 6)
    assert torch.equal(both[:, :3], fine)
    assert (both[:, 3:] == 7).all()
    flat = torch.ones(2, 3)
    assert seen(evidence_of(flat, features=(flat, 2 * flat)), "features").tolist() == [[1, 1, 1, 2, 2, 2]] * 2


def test_the_worst_places_make_the_score() -> None:
    values = torch.tensor([[3.0, 1.0, 4.0, 0.0], [2.0, 2.0, 2.0, 2.0]])
    assert worst(values, 1.0).tolist() == [2, 2]
    assert worst(values, 0.5).tolist() == [3.5, 2]
    assert worst(values, 0.25).tolist() == worst(values, 1e-6).tolist() == [4, 2]  # at least one place
    assert worst(values, 0.5, squared=True)[0].item() == pytest.approx(12.5**0.5)
    assert worst(values, 1.0, squared=True)[0].item() == pytest.approx(6.5**0.5)
    assert worst(torch.tensor([5.0, 6.0]), 0.01).tolist() == [5, 6]  # of whole images
    assert worst(values.view(2, 2, 2), 0.5).tolist() == [3.5, 2]


def test_the_score_of_marks_lies_between_their_mean_and_the_greatest() -> None:
    marks = 3 * torch.randn(5, 9, 9, generator=torch.Generator().manual_seed(0))
    near, sharp = Marks(sharpness=1e-3).whole(marks), Marks(sharpness=50).whole(marks)
    torch.testing.assert_close(near, marks.mean((1, 2)), atol=0.02, rtol=0)
    torch.testing.assert_close(sharp, marks.amax((1, 2)), atol=0.1, rtol=0)
    torch.testing.assert_close(Marks().whole(marks), summary(marks[:, None]))  # what the term marking learned
    assert Marks().whole(marks[:, 0, 0]).tolist() == pytest.approx(marks[:, 0, 0].tolist())  # of whole images


def test_whole_images_are_refused_for_pictures_by_tiles() -> None:
    refuse_wholes([Residual()], [torch.zeros(1, 4, 4)])
    with pytest.raises(Mistake, match="the witness density knows no places, which pictures of any size need"):
        refuse_wholes([Residual(), Density()], [torch.zeros(1, 4, 4), torch.zeros(1)])


def test_scores_and_maps_are_mean_z_values() -> None:
    draw = np.random.default_rng(0)
    places, wholes = 2 + draw.random((50, 3, 4)), 5 * draw.random(50)
    told = [torch.from_numpy(places).float(), torch.from_numpy(wholes).float()]
    normal = Normal((Neighbours(share=0.25), Density()))
    normal.measure(lambda: [[values[start : start + 20] for values in told] for start in range(0, 50, 20)])
    top = np.sort(places.reshape(50, 12), 1)[:, -3:].mean(1)
    z = [(x - x.mean()) / x.std() for x in (top, wholes)]
    np.testing.assert_allclose(normal.score(told), -np.mean(z, 0), atol=1e-4)
    np.testing.assert_allclose(normal.heat(told), (places - places.mean()) / places.std(), atol=1e-4)
    assert normal.heat(told[1:] * 2).shape == (50,)  # no witness knows places


def test_a_witness_that_always_says_the_same_is_not_divided_by_0() -> None:
    normal = Normal((Marks(),))
    normal.measure(lambda: [[torch.full((5, 2, 2), 3.0)]])
    assert normal.score([torch.full((1, 2, 2), 4.0)]).item() == pytest.approx(-1)
    assert normal.heat([torch.full((1, 2, 2), 4.0)])[0, 0, 0].item() == pytest.approx(1)


def test_statistics_that_cannot_be() -> None:
    normal = Normal((Residual(),))
    normal.compare_with(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0.0]))
    assert normal.scores.tolist() == [1, 2, 3]
    normal.check()
    normal.scores = torch.tensor([2.0, 1.0])
    with pytest.raises(Mistake, match="its scores of normal images are not in order"):
        normal.check()
    normal.spread = torch.zeros(1)
    with pytest.raises(Mistake, match="its spread of normal images is not positive"):
        normal.check()


def orientation_channels(image: torch.Tensor) -> torch.Tensor:
    """The mean over places, but for the border, of each of the eight directions."""
    from diabolo.views import orientations

    side = -(-image.shape[-1] // 2)
    return orientations(image).view(len(image), 8, side, side)[:, :, 2:-2, 2:-2].mean((2, 3))


@pytest.mark.parametrize("way", range(8))
def test_a_plain_ramp_goes_to_the_channel_of_its_direction(way: int) -> None:
    down, right = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    angle = way * np.pi / 4
    ramp = (np.cos(angle) * right + np.sin(angle) * down) / 24
    channels = orientation_channels(ramp[None, None].repeat(1, 3, 1, 1))[0]
    assert channels.argmax() == way
    assert channels[way].item() == pytest.approx((1 / 24) ** 0.5, rel=1e-2)  # the root of its slope
    assert channels[(way + 1) % 8].item() == pytest.approx((0.5 / 24) ** 0.5, rel=1e-2)  # of its squared cosine
    assert channels[[(way + k) % 8 for k in (2, 3, 4, 5, 6)]].max() < 0.01


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_rounding_gives_an_even_picture_no_edges(value: float) -> None:
    even = torch.full((1, 1, 24, 24), value)
    noise = 1e-7 * torch.randn(even.shape, generator=seeded())
    assert orientation_channels(even + noise).max() < 1e-4


def test_a_mean_over_all_places() -> None:
    values = torch.rand(3, 40, 50, generator=seeded())
    for some in (values, values[:, 0], values[:, 0, 0]):
        torch.testing.assert_close(mean_of_all(some), some.reshape(3, -1).mean(1))
