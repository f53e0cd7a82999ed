"""Terms of the objective: what every one in the table promises, and truths about those that shape codes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.model import Model
from diabolo.objectives import TERMS, AdversarialCode, Pyramid, Step, Telling
from diabolo.objectives.matching import SCALES, discrepancy
from diabolo.objectives.pyramid import doubled, laplacian
from diabolo.pixels import Picture, write_picture
from diabolo.preprocessing import Preprocessing
from diabolo.recipe import Training, with_options
from diabolo.recipes import named
from diabolo.sources import labelled, labels, open_rows, open_source
from diabolo.training import fit
from diabolo.training.batches import Batches
from diabolo.training.beside import beside
from diabolo.training.pictures import Pictures
from diabolo.training.processes import Processes
from diabolo.training.survey import survey

SHAPE, CODE, BESIDE = (1, 16, 16), (4,), 3


def seeded(seed: int = 2) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=seeded(seed))


def step(n: int = 6) -> Step:
    missing = (numbers(n, 1, *SHAPE[1:], seed=5) > 0).float()
    made, values, marks = numbers(n, *SHAPE), numbers(n, *CODE, seed=3), numbers(n, 1, *SHAPE[1:], seed=4)
    learned = (tensor.requires_grad_() for tensor in (made, values, marks))
    made, values, marks = learned
    beside = numbers(n, BESIDE, seed=6)
    beside[0, 1] = math.nan
    return Step(numbers(n, *SHAPE, seed=2), made, missing, values, marks, beside=beside)


@pytest.mark.parametrize("name", TERMS.names())
def test_every_term_costs_something_of_what_it_needs_and_of_nothing_else(name: str) -> None:
    term, seen = TERMS.one(name), step()
    if hasattr(term, "price"):
        critic = term.build(SHAPE, CODE, BESIDE)
        cost = term.price(critic, seen)
        discerned = term.lesson(critic, seen, seeded())
        assert discerned.shape == (6,)
        assert (discerned >= 0).all()
        assert torch.equal(term.lesson(critic.eval(), seen, seeded()), term.lesson(critic, seen, seeded()))
        assert term.pace > 0
    else:
        cost = term.cost(seen, seeded())
        assert torch.equal(cost, term.cost(seen, seeded()))
    assert cost.shape == (6,)
    assert cost.dtype == torch.float32
    assert cost.isfinite().all()
    cost.sum().backward()
    about = {"images": seen.made, "codes": seen.values, "marks": seen.marks, "beside": seen.values}
    learned = [tensor for tensor in (seen.made, seen.values, seen.marks) if tensor.grad is not None]
    assert len(learned) == 1
    assert learned[0] is about[term.needs]


class TestMatching:
    def test_it_is_the_paper_s_double_sum(self) -> None:
        """Tolstikhin 2018, algorithm 2, written out, with the kernel of section 4 at each of the scales."""
        codes, draws = numbers(5, 3).double(), numbers(5, 3, seed=7).double()

        def k(x: torch.Tensor, y: torch.Tensor) -> float:
            squares = float((x - y).square().sum())
            return sum(2 * 3 * scale / (2 * 3 * scale + squares) for scale in SCALES)

        total = 0.0
        for i in range(5):
            for j in range(5):
                if i != j:
                    total += (k(codes[i], codes[j]) + k(draws[i], draws[j])) / (5 * 4)
                total -= 2 * k(codes[i], draws[j]) / (5 * 5)
        assert discrepancy(codes, draws).mean().item() == pytest.approx(total, rel=1e-9)

    def test_it_is_zero_on_average_only_where_codes_are_normal(self) -> None:
        same = [float(discrepancy(numbers(64, 4, seed=i), numbers(64, 4, seed=1000 + i)).mean()) for i in range(200)]
        assert abs(np.mean(same)) < 4 * np.std(same) / math.sqrt(200)
        for other in (numbers(64, 4) + 1, numbers(64, 4) * 2, numbers(64, 1).expand(-1, 4)):
            assert discrepancy(other, numbers(64, 4, seed=9)).mean() > 5 * np.std(same)

    def test_one_image_alone_is_no_error(self) -> None:
        assert discrepancy(numbers(1, 4), numbers(1, 4, seed=9)).isfinite().all()

    def test_codes_that_are_one_point_have_a_gradient(self) -> None:
        codes = torch.zeros(8, 4, requires_grad=True)
        discrepancy(codes, numbers(8, 4)).sum().backward()
        assert codes.grad is not None
        assert codes.grad.isfinite().all()


class TestPyramid:
    @staticmethod
    def cost(made: torch.Tensor, target: torch.Tensor, inside: torch.Tensor | None = None, **options: Any) -> float:
        seen = Step(target, made, None, torch.zeros(len(made), 1), inside=inside)
        return float(Pyramid(weight=0.5, **options).cost(seen, seeded())[0])

    @pytest.mark.parametrize("size", [(16, 16), (23, 18)])
    def test_its_levels_are_those_of_scipy_s_filters(self, size: tuple[int, int]) -> None:
        """Burt & Adelson 1983: reduce is filter and take every second, expand is put in zeros and filter."""

        def filtered(image: np.ndarray) -> np.ndarray:
            for axis in (0, 1):
                image = correlate1d(image, np.array([1, 4, 6, 4, 1]) / 16, axis, mode="mirror")
            return image

        image = np.random.default_rng(0).normal(size=size)
        expected, left = [], image
        while len(expected) < 2:
            small, spread = filtered(left)[::2, ::2], np.zeros_like(left)
            spread[::2, ::2] = 4 * small
            expected.append(left - filtered(spread))
            left = small
        levels = laplacian(torch.from_numpy(image)[None, None], 2)
        for level, known in zip(levels, [*expected, left], strict=True):
            np.testing.assert_allclose(level[0, 0].numpy(), known, atol=1e-12)

    def test_nothing_is_lost(self) -> None:
        image = numbers(2, 3, 37, 50).double()
        *bands, whole = laplacian(image, 12)
        assert min(whole.shape[2:]) < 4
        for band in reversed(bands):
            whole = band + doubled(whole, band.shape)
        torch.testing.assert_close(whole, image)

    def test_what_is_of_one_scale_costs_in_one_level(self) -> None:
        """A shift of all values is seen at the end alone, a chess board, which the filter takes away, at first."""
        target, places = numbers(2, 3, 32, 48), torch.arange(32)[:, None] + torch.arange(48)
        for change in (torch.tensor(0.25), 0.25 * (-1.0) ** places):
            assert self.cost(target + change, target) == pytest.approx(0.5 * 0.25 * 3 * 32 * 48, rel=1e-4)

    def test_detail_counts_as_much_where_the_whole_is_off(self) -> None:
        target, chess = numbers(2, 1, 32, 32), (-1.0) ** (torch.arange(32)[:, None] + torch.arange(32))
        apart = self.cost(target + 0.5, target) + self.cost(target + 0.1 * chess, target)
        assert self.cost(target + 0.5 + 0.1 * chess, target) == pytest.approx(apart, rel=1e-4)
        assert float((0.5 + 0.1 * chess).abs().mean()) == pytest.approx(0.5)  # absolute errors do not see it at all

    def test_beyond_the_edges_nothing_counts(self) -> None:
        target, inside = numbers(2, 1, 16, 16), torch.ones(2, 1, 16, 16)
        inside[..., 9:] = 0
        assert self.cost(target + (1 - inside), target, inside) == 0.0 < self.cost(target + inside, target, inside)

    def test_vectors_have_no_scales(self) -> None:
        with pytest.raises(Mistake, match="needs images: got vectors of 5 numbers"):
            self.cost(numbers(2, 5), numbers(2, 5))


def test_the_critic_of_codes_tells_them_from_draws_until_they_are_draws() -> None:
    term = AdversarialCode(width=32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = term.build(SHAPE, CODE)
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)
    chance = seeded()
    for mean, least, most in ((3.0, 0.0, 0.5), (0.0, 1.2, 1.6)):  # 2 log 2 = 1.39 where nothing tells them apart
        for _ in range(150):
            codes = mean + torch.randn(64, *CODE, generator=chance)
            seen = Step(codes, codes, None, codes)
            loss = term.lesson(critic, seen, chance).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert least < loss.item() < most
        paid = term.price(critic, seen).mean().item()
        assert paid > 0.2 if mean else 0.04 < paid < 0.12


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return open_source("digits").array[:1000]


def trained(images: Any, **options: Any) -> Model:
    quick = {"epochs": 15, "batch_size": 50, "latent.size": 4, "architecture.width": 64}
    return fit(open_source(images), with_options(named("deep"), quick | options))


def test_codes_become_normal(digits: np.ndarray, tmp_path: Path) -> None:
    def apart(model: Model) -> float:
        codes = torch.from_numpy(model.encode(digits))
        return float(discrepancy(codes, numbers(*codes.shape, seed=11)).mean())

    plain = apart(trained(digits))
    for terms in ("matching", "adversarial-code"):
        model = trained(digits, terms=terms)
        assert apart(model) < 0.5 * plain
        assert model.metrics["mse"] < 0.7 * model.metrics["variance"]
        artifact.save(model, tmp_path / "m.diabolo")
        assert artifact.load(tmp_path / "m.diabolo").recipe == model.recipe


def test_a_run_with_two_critics_a_reader_and_further_terms_resumes_as_if_unbroken(
    digits: np.ndarray, tmp_path: Path
) -> None:
    terms = {"terms": "adversarial,adversarial-code,matching,pyramid,telling", "architecture.width": 4, "epochs": 1}
    source = labelled(open_source(digits), labels("digits")[:1000])
    recipe = with_options(named("conv"), {**terms, "batch_size": 50, "terms.adversarial.levels": 2})
    whole = fit(source, recipe)

    def breaking(event: Any) -> None:
        if getattr(event, "step", 0) == 8:
            raise RuntimeError("broken")

    keep = tmp_path / "checkpoint"
    with pytest.raises(RuntimeError, match="broken"):
        fit(source, recipe, keep=keep, every=0, listen=breaking)
    resumed = fit(source, recipe, keep=keep, resume=True)
    ours, theirs = whole.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


class TestTelling:
    def test_it_is_half_the_squares_of_what_is_known(self) -> None:
        """For each value that is made, so that it counts as much beside a large image as beside a small one."""
        term, codes, known = Telling(weight=0.4), numbers(6, *CODE), numbers(6, BESIDE, seed=6)
        reader = term.build(SHAPE, CODE, BESIDE)
        missed = (reader(codes) - known).detach()
        known[2, 1], missed[2, 1] = math.nan, 0.0
        cost = term.price(reader, Step(codes, codes, None, codes, beside=known))
        torch.testing.assert_close(cost.detach(), 0.2 * len(CODE) * CODE[0] * missed.square().sum(1))

    def test_classes_can_be_read_off_codes(self, digits: np.ndarray) -> None:
        """By scikit-learn's linear classifier, of images that were not learned."""
        known = labels("digits")[:1000]

        def read(weight: float) -> float:
            terms = {"terms": "telling", "terms.telling.weight": weight, "latent.size": 12}
            model = trained(labelled(open_source(digits[:800]), known[:800]), **terms)
            assert model.metrics["mse"] < 0.5 * model.metrics["variance"]
            learned, met = model.encode(digits[:800]), model.encode(digits[800:])
            classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            return float(classifier.fit(learned, known[:800]).score(met, known[800:1000]))

        assert read(Telling().weight) > read(0.0) + 0.05

    def test_nothing_can_be_told_of_images_without_labels(self, digits: np.ndarray) -> None:
        with pytest.raises(Mistake, match=r"needs pictures of which something is known: got no labels; .*terms none"):
            trained(digits, terms="telling")


@pytest.mark.parametrize("memory", [2048, 1])
def test_nothing_is_told_of_a_picture_that_stands_in_for_another(memory: int, tmp_path: Path) -> None:
    """Streamed, the next readable one is learned in the place of one that is broken, but not as what that was of."""
    for i in range(8):
        write_picture(tmp_path / f"{i}.png", Picture(np.full((400, 400), 20 * i, np.uint8)))
    (tmp_path / "3.png").write_bytes((tmp_path / "3.png").read_bytes()[:45])
    pictures = Pictures(labelled(open_source(str(tmp_path)), list("abababab")), Preprocessing(), memory, 0)
    learned = np.arange(len(pictures))
    conversion, known = survey(pictures, 0, lambda event: None)[1], beside(pictures, 0)
    here = Processes(torch.device("cpu"))
    batches = Batches(pictures, conversion, Training(batch_size=3), here, learned, np.zeros(0, int), beside=known)
    for epoch in range(3):
        read = list(batches.epoch(epoch))
        images, said = (torch.cat([getattr(batch, part) for batch in read]) for part in ("images", "beside"))
        brightness = (images.mean((1, 2, 3)) * 255 / 20).round().int()
        unknown = said.isnan().all(1)
        assert int(unknown.sum()) == (memory == 1)
        assert (said[~unknown].argmax(1) == brightness[~unknown] % 2).all()
    assert not known.isnan().any()


def test_what_stands_beside_pictures_is_as_wide_as_it_says() -> None:
    """Each attribute, and each column of records, has a mean of 0 and a variance of 1 in all, of what is known."""
    images = numbers(40, 8, 8).numpy()
    said = {"class": list("abcd") * 10, "size": ["S", "L", "", "L"] * 10}
    rows = beside(Pictures(labelled(open_source(images), said), Preprocessing()), 0)
    assert rows.shape == (40, 4 + 2)
    assert torch.equal(
        rows.isnan(), torch.tensor([False] * 4 + [True] * 2).expand(40, 6) & (torch.arange(40) % 4 == 2)[:, None]
    )
    for part in rows.split((4, 2), 1):
        held = part[~part.isnan().any(1)]
        torch.testing.assert_close(held.mean(0), torch.zeros(part.shape[1]), atol=1e-6, rtol=0)
        torch.testing.assert_close(held.square().sum(1).mean(), torch.ones(()))
    assert torch.equal(rows[::4, :4], rows[:1, :4].expand(10, -1))
    pictures = [None if i % 5 == 1 else image for i, image in enumerate(images)]
    records = {"picture": pictures, "class": said["class"], "width": np.arange(40.0)}
    source = open_rows(records)
    rows = beside(Pictures(source, Preprocessing()), 0)
    assert rows.shape == (32, 4 + 1)
    assert torch.equal(rows[:, 4].argsort(), torch.arange(32))
    assert [int(i) for i in rows[:, :4].argmax(1)] == [
        "abcd".index(c) for i, c in enumerate(said["class"]) if i % 5 != 1
    ]
