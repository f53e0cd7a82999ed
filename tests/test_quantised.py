"""Codes of whole numbers: what every latent with tokens promises, and truths written out from the papers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.latents import Codebook, Quantised, Usage
from diabolo.latents.codebook import nearest
from diabolo.latents.quantised import bounded
from diabolo.latents.tokens import values_of, words_of
from diabolo.model import Model
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit

FEATURES = [(12,), (6, 3, 5)]
PARTS = [
    Quantised(levels=(8, 5, 5)),
    Quantised(levels=(4, 3), words=3),
    Codebook(codes=20, size=3),
    Codebook(codes=20, size=3, words=2, depth=3),
]


def built(part: Any, features: tuple[int, ...]) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return part.build(features)


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("features", FEATURES, ids=str)
@pytest.mark.parametrize("part", PARTS, ids=repr)
class TestTokens:
    def test_values_are_their_tokens_and_back(self, part: Any, features: tuple[int, ...]) -> None:
        latent = built(part, features).eval()
        values = latent.encode(5 * numbers(7, *features)).values
        tokens = latent.tokens(values)
        positions = part.words * math.prod(features[1:])
        several = isinstance(latent.vocabulary, tuple)
        assert tokens.shape == ((7, positions, len(latent.vocabulary)) if several else (7, positions))
        assert tokens.dtype == torch.int64
        assert len(tokens.unique()) > 3
        assert torch.equal(latent.from_tokens(tokens), values)
        assert torch.equal(latent.tokens(latent.from_tokens(tokens)), tokens)

    def test_every_token_there_is_comes_back(self, part: Any, features: tuple[int, ...]) -> None:
        latent = built(part, features).eval()
        levels = latent.vocabulary if isinstance(latent.vocabulary, tuple) else (latent.vocabulary,)
        positions = part.words * math.prod(features[1:])
        each = torch.arange(max(levels)).remainder(torch.tensor(levels)[:, None]).T[:, None]
        tokens = each.expand(-1, positions, -1)
        tokens = tokens if len(levels) > 1 else tokens[..., 0]
        values = latent.from_tokens(tokens)
        assert values.shape == (max(levels), *latent.code)
        assert torch.equal(latent.tokens(values), tokens)

    def test_any_numbers_have_tokens_in_range(self, part: Any, features: tuple[int, ...]) -> None:
        latent = built(part, features).eval()
        values = numbers(4, *latent.code) * 1e6
        values[0], values[1], values[2] = math.nan, math.inf, -math.inf
        tokens = latent.tokens(values)
        assert tokens.min() >= 0
        assert tokens.max() < np.max(latent.vocabulary)

    def test_tokens_that_are_none_are_refused(self, part: Any, features: tuple[int, ...]) -> None:
        latent = built(part, features).eval()
        tokens = latent.tokens(latent.encode(numbers(2, *features)).values)
        most = int(np.max(latent.vocabulary))
        for wrong, message in (
            (tokens - tokens.min() - 1, "a token that is no code word: got -1 to"),
            (tokens - tokens.max() + most, f"allowed: 0 to {most - 1}"),
            (tokens[:, :-1], "not the tokens of this latent"),
            (tokens.float(), "not the tokens of this latent"),
        ):
            with pytest.raises(Mistake, match=message):
                latent.from_tokens(wrong)

    def test_the_gradient_of_the_decoder_s_input_goes_straight_to_the_encoder(
        self, part: Any, features: tuple[int, ...]
    ) -> None:
        """What the decoder is given depends on the features as if nothing had been rounded or chosen."""
        latent, x = built(part, features), numbers(2, *features)
        encoded = latent.encoder(x)
        weights = numbers(*latent.decode(latent.encode(x).values).shape, seed=3)
        (ours,) = torch.autograd.grad((latent.decode(latent.encode(x).values) * weights).sum(), latent.encoder.weight)
        if isinstance(part, Quantised):
            words = bounded(words_of(encoded, len(part.levels)), part.levels)
            halves = torch.tensor([level // 2 for level in part.levels])
            encoded = values_of(words / halves, latent.code[0], features[1:])
        (truth,) = torch.autograd.grad((latent.decoder(encoded) * weights).sum(), latent.encoder.weight)
        torch.testing.assert_close(ours, truth)

    def test_all_words_cost_alike(self, part: Any, features: tuple[int, ...]) -> None:
        latent = built(part, features).eval()
        words = part.words * math.prod(features[1:])
        levels = latent.vocabulary if isinstance(latent.vocabulary, tuple) else (latent.vocabulary,)
        expected = torch.full((3,), words * sum(map(math.log, levels)))
        torch.testing.assert_close(latent.encode(numbers(3, *features)).penalty, expected)

    def test_maps_of_other_sizes(self, part: Any, features: tuple[int, ...]) -> None:
        if len(features) == 1:
            pytest.skip("vectors have one size")
        latent = built(part, features).eval()
        values = latent.encode(numbers(2, 6, 4, 7)).values
        assert torch.equal(latent.from_tokens(latent.tokens(values), (4, 7)), values)


class TestQuantised:
    def test_the_paper_s_example(self) -> None:
        """Mentzer 2023, appendix A: levels 8, 5, 5, 5; numbers of levels are -4..3 and -2..2, the first the lowest."""
        latent = built(Quantised(levels=(8, 5, 5, 5)), (4,))
        assert latent.vocabulary == 1000
        for digits, token in (
            ((-4, -2, -2, -2), 0),
            ((-3, -2, -2, -2), 1),
            ((-4, -1, -2, -2), 8),
            ((-4, -2, -1, -2), 40),
            ((-4, -2, -2, -1), 200),
            ((0, 0, 0, 0), 4 + 8 * 2 + 40 * 2 + 200 * 2),
            ((3, 2, 2, 2), 999),
        ):
            values = torch.tensor([digits]) / torch.tensor([4.0, 2.0, 2.0, 2.0])
            assert latent.tokens(values).tolist() == [[token]]
            assert torch.equal(latent.from_tokens(torch.tensor([[token]])), values)

    @pytest.mark.parametrize("level", [3, 4, 5, 8, 16])
    def test_each_number_has_exactly_its_levels(self, level: int) -> None:
        whole = bounded(torch.linspace(-20, 20, 4001)[:, None], (level,)).round()
        assert whole.unique().tolist() == [float(i - level // 2) for i in range(level)]
        assert bounded(torch.zeros(1), (level,)).abs().item() < 1e-6

    def test_values_lie_within_one(self) -> None:
        values = built(Quantised(), (12,)).encode(1e3 * numbers(9, 12)).values
        assert values.abs().max() <= 1

    def test_what_cannot_be(self) -> None:
        with pytest.raises(Mistake, match=r"too many code words: got 16,777,216; allowed: at most 1,048,576"):
            Quantised(levels=(64, 64, 64, 64)).build((12,))
        with pytest.raises(Mistake, match="at least 3"):
            Quantised(levels=(2, 8))


class TestCodebook:
    def test_the_nearest_vector_is_chosen(self) -> None:
        words, vectors = numbers(5, 6, 3), numbers(20, 3, seed=4)
        truth = torch.cdist(words.double(), vectors.double()).argmin(-1)
        assert torch.equal(nearest(words, vectors), truth)

    def test_each_level_tells_what_was_left_over(self) -> None:
        latent = built(Codebook(codes=50, size=2, depth=4), (12,)).eval()
        x = numbers(400, 12)
        levels = latent._levels(latent.encode(x).values)[:, 0]
        left = [latent.encoder(x) - levels[:, :depth].sum(1) for depth in range(5)]
        for depth, vectors in enumerate(latent.codebooks()):
            distances = torch.cdist(left[depth], vectors)
            torch.testing.assert_close(levels[:, depth], vectors[distances.argmin(1)])

    def test_errors_fall_with_every_level_once_learned(self) -> None:
        latent, x = built(Codebook(codes=16, size=2, depth=3), (12,)), numbers(500, 12)
        optimizer = torch.optim.Adam(latent.parameters(), 0.01)
        for _ in range(150):
            optimizer.zero_grad()
            code = latent.encode(x)
            ((latent.decode(code.values) - x).square().sum(1) + code.penalty).mean().backward()
            optimizer.step()
        levels, words = latent._levels(latent.encode(x).values)[:, 0], latent.encoder(x)
        errors = [float((words - levels[:, :depth].sum(1)).square().sum(1).mean().detach()) for depth in range(4)]
        assert errors[1] < 0.2 * errors[0]
        assert errors[2] < 0.5 * errors[1]
        assert errors[3] < 0.7 * errors[2]

    def test_training_draws_vectors_and_words_together(self) -> None:
        latent, x = built(Codebook(codes=20, size=3, commitment=0.5), (6, 3, 5)), numbers(2, 6, 3, 5)
        idle = latent.eval().encode(x)
        distance = (latent.encoder(x) - idle.values).square().sum((1, 2, 3))
        torch.testing.assert_close(latent.train().encode(x).penalty, idle.penalty + 1.5 * distance)


def test_usage_is_counted() -> None:
    usage = Usage(4)
    usage.add(torch.tensor([[0, 0], [1, 1]]))
    assert usage.shares() == [0.5]
    assert usage.perplexities() == pytest.approx([2.0])
    several = Usage((3, 3))
    several.add(torch.tensor([[[0, 1]], [[1, 1]], [[2, 1]]]))
    assert several.shares() == pytest.approx([1.0, 1 / 3])
    assert several.perplexities() == pytest.approx([3.0, 1.0])


QUICK = {"epochs": 2, "batch_size": 32, "architecture.width": 8, "architecture.map": True}


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return open_source("digits").array[:600]


def trained(digits: np.ndarray, **options: Any) -> Model:
    return fit(open_source(digits), with_options(named("conv"), QUICK | options))


def test_a_model_tells_how_many_of_its_codes_it_uses(digits: np.ndarray, tmp_path: Path) -> None:
    model = trained(digits, latent="quantised", **{"latent.levels": "4,4,4"})
    assert model.code == (3, 2, 2)
    assert 0 < model.metrics["codes_used"] <= 1
    assert 1 <= model.metrics["perplexity"] <= 64
    artifact.save(model, tmp_path / "m.diabolo")
    again = artifact.load(tmp_path / "m.diabolo")
    assert np.array_equal(again.encode(digits), model.encode(digits))
    deep = trained(digits, latent="codebook", **{"latent.depth": 2, "latent.codes": 8})
    assert len(deep.metrics["codes_used"]) == len(deep.metrics["perplexity"]) == 2
    artifact.save(deep, tmp_path / "m.diabolo")
    again = artifact.load(tmp_path / "m.diabolo")
    assert np.array_equal(again.encode(digits), deep.encode(digits))
    values = torch.from_numpy(again.encode(digits))
    assert torch.equal(again.network.latent.from_tokens(again.network.latent.tokens(values)), values)


def test_the_network_learns_through_the_rounding(digits: np.ndarray) -> None:
    for latent in ("quantised", "codebook"):
        model = trained(digits, latent=latent, epochs=15)
        assert model.metrics["mse"] < 0.6 * model.metrics["variance"]
