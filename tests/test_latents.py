"""Latents: what every one in the table promises, and truths from torch.distributions, autograd and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import distributions, nn

from diabolo.errors import Mistake
from diabolo.latents import (
    LATENTS,
    CanSample,
    CanTokenise,
    Codebook,
    Coded,
    Contractive,
    Linear,
    Plain,
    Quantised,
    Sparse,
    Variational,
)
from diabolo.latents.contractive import jacobian_estimate, jacobian_norm
from diabolo.latents.principal import principal_components

FEATURES = [(12,), (6, 3, 5)]
SMALL = {
    Coded: {"width": 8, "blocks": 1, "state": 6, "hyper": 2},
    Quantised: {"levels": (4, 3)},
    Codebook: {"codes": 20, "size": 3},
}
VARIANTS = [
    *(cls(**SMALL.get(cls, {"size": 4})) for cls in LATENTS.parts.values()),
    *(Sparse(size=4, pressure=pressure, active=2) for pressure in ("kl", "top-k")),
    Plain(size=20, activation="tanh"),
    Variational(size=4, free_bits=0.2),
    Quantised(levels=(8, 5, 5), words=2),
    Codebook(codes=20, size=3, words=2, depth=3),
]
SEES_THE_BATCH = [Sparse(size=4, pressure="kl", active=2), Variational(size=4, free_bits=0.2)]


def channels(part, features):
    """How many numbers a latent's code has, at each position of a map."""
    if isinstance(part, Quantised):
        return part.words * len(part.levels)
    if isinstance(part, Codebook):
        return part.words * part.depth * part.size
    return getattr(part, "size", features[0])


def built(part, features, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return part.build(features)


def numbers(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def generator(seed=2):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("features", FEATURES, ids=str)
@pytest.mark.parametrize("part", VARIANTS, ids=repr)
class TestEveryLatent:
    def test_shapes_and_penalty(self, part, features):
        latent = built(part, features)
        origin = numbers(7, *features).requires_grad_()
        for source, chance in ((None, None), (origin, generator())):
            values, penalty, weight = latent.encode(torch.tanh(origin), source, chance)
            assert latent.code == (channels(part, features), *features[1:])
            assert values.shape == (7, *latent.code)
            assert penalty.shape == (7,)
            assert penalty.isfinite().all()
            assert (penalty >= 0).all()
            assert weight is None or (weight.shape == (7,) and (weight > 0).all())
            assert latent.decode(values).shape == origin.shape

    def test_without_a_generator_nothing_is_drawn(self, part, features):
        latent, x = built(part, features), numbers(7, *features)
        for first, again in zip(latent.encode(x)[:2], latent.encode(x)[:2], strict=True):
            assert torch.equal(first, again)

    def test_same_generator_same_code(self, part, features):
        latent, x = built(part, features), numbers(7, *features).requires_grad_()
        first, again = (latent.encode(torch.tanh(x), x, generator(9)) for _ in range(2))
        assert torch.equal(first.values, again.values)
        assert torch.equal(first.penalty, again.penalty)

    def test_images_do_not_see_each_other(self, part, features):
        latent, x = built(part, features), numbers(7, *features)
        together, alone = latent.encode(x), latent.encode(x[2:3])
        torch.testing.assert_close(together.values[2:3], alone.values)
        if part not in SEES_THE_BATCH:
            torch.testing.assert_close(together.penalty[2:3], alone.penalty)

    def test_only_those_that_say_so_look_at_the_origin(self, part, features):
        latent, origin = built(part, features), numbers(7, *features).requires_grad_()
        seen, unseen = (latent.encode(torch.tanh(origin), source) for source in (origin, None))
        assert torch.equal(seen.values, unseen.values)
        assert torch.equal(seen.penalty, unseen.penalty) != getattr(latent, "needs_origin", False)

    def test_gradients_are_finite_and_reach_every_weight(self, part, features):
        latent, origin = built(part, features), numbers(7, *features).requires_grad_()
        code = latent.encode(torch.tanh(origin), origin, generator())
        (latent.decode(code.values).square().sum() + code.penalty.sum()).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in latent.parameters())

    def test_half_precision_penalty_is_wide(self, part, features):
        latent = built(part, features).bfloat16()
        assert latent.encode(numbers(7, *features).bfloat16()).penalty.dtype == torch.float32


@pytest.mark.parametrize("part", VARIANTS, ids=repr)
def test_what_can_be_sampled_has_the_code_s_shape_and_is_as_random_as_its_seed(part):
    for latent in (built(part, features) for features in FEATURES):
        if isinstance(part, Variational | Linear) != isinstance(latent, CanSample):
            raise AssertionError(f"{part} should say whether its codes have a prior")
        if isinstance(latent, CanSample):
            first, again, other = (latent.sample_prior(5, generator(seed)) for seed in (3, 3, 4))
            assert first.shape == (5, *latent.code)
            assert torch.equal(first, again)
            assert torch.equal(first, other) == isinstance(part, Linear)  # which has learned no variance yet
            assert latent.decode(first).shape[1:] == latent.decode(other).shape[1:]


@pytest.mark.parametrize("part", VARIANTS, ids=repr)
def test_codes_of_whole_numbers_say_so(part):
    latent = built(part, (12,))
    assert isinstance(latent, CanTokenise) == isinstance(part, Quantised | Codebook)


@pytest.mark.parametrize("part", [part for part in VARIANTS if not isinstance(part, Coded)], ids=repr)
def test_maps_are_coded_position_by_position(part):
    latent = built(part, (6, 3, 5)).eval()
    x = numbers(2, 6, 3, 5)
    whole, corner = latent.encode(x).values, latent.encode(x[:, :, 1:2, 2:4]).values
    torch.testing.assert_close(whole[:, :, 1:2, 2:4], corner)


class TestVariational:
    def test_penalty_is_the_divergence_from_the_prior(self):
        latent = built(Variational(size=5), (12,))
        mean, log_variance = latent.posterior(3 * numbers(7, 12))
        posterior = distributions.Normal(mean, (log_variance / 2).exp())
        expected = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).sum(1)
        torch.testing.assert_close(latent.encode(3 * numbers(7, 12)).penalty, expected)

    def test_draws_have_the_posterior_s_moments(self):
        latent = built(Variational(size=2), (12,))
        x = numbers(1, 12).expand(40000, 12)
        mean, log_variance = (moment[0] for moment in latent.posterior(x))
        draws = latent.encode(x, generator=generator()).values
        torch.testing.assert_close(draws.mean(0), mean, rtol=0, atol=0.03)
        torch.testing.assert_close(draws.std(0), (log_variance / 2).exp(), rtol=0.02, atol=0)
        assert torch.equal(latent.encode(x).values[0], mean)

    def test_extreme_features_stay_finite(self):
        code = built(Variational(size=3), (12,)).encode(1e4 * numbers(7, 12), generator=generator())
        assert code.values.isfinite().all()
        assert code.penalty.isfinite().all()

    def test_free_bits_are_the_maximum_with_the_batch_s_mean(self):
        latent, x = built(Variational(size=8, free_bits=0.25), (12,)), numbers(64, 12)
        mean, log_variance = latent.posterior(x)
        posterior = distributions.Normal(mean, (log_variance / 2).exp())
        each = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0))
        assert 0 < (each.mean(0) < 0.25).sum() < 8  # both sides of the maximum are tried
        torch.testing.assert_close(latent.encode(x).penalty.mean(), each.mean(0).clamp(min=0.25).sum())
        torch.testing.assert_close(latent.eval().encode(x).penalty, each.sum(1))

    def test_prior_is_standard_normal(self):
        codes = built(Variational(size=6), (9, 2, 3)).sample_prior(5000, generator())
        assert codes.shape == (5000, 6, 2, 3)
        assert abs(codes.mean()) < 0.01
        assert abs(codes.std() - 1) < 0.01


class TestSparse:
    def test_kl_is_the_divergence_of_mean_activities(self):
        latent, x = built(Sparse(size=5, pressure="kl", weight=3.0, target=0.1), (12,)), numbers(64, 12)
        code = latent.encode(x)
        expected = distributions.kl_divergence(
            distributions.Bernoulli(torch.tensor(0.1)), distributions.Bernoulli(code.values.mean(0))
        ).sum()
        torch.testing.assert_close(code.penalty, 3.0 * expected.expand(64))

    def test_l1_is_the_summed_magnitude(self):
        code = built(Sparse(size=5, weight=0.5, activation="tanh"), (6, 3, 5)).encode(numbers(4, 6, 3, 5))
        torch.testing.assert_close(code.penalty, 0.5 * torch.linalg.vector_norm(code.values, 1, dim=(1, 2, 3)))

    def test_top_k_keeps_the_largest(self):
        latent, x = built(Sparse(size=20, pressure="top-k", active=3), (12,)), numbers(9, 12)
        everything, kept = latent.layer.encode(x), latent.encode(x).values
        assert (kept != 0).sum(1).tolist() == [3] * 9
        assert torch.equal(kept[kept != 0], everything[kept != 0])
        assert (
            everything.masked_fill(kept != 0, -torch.inf).amax(1) <= kept.masked_fill(kept == 0, torch.inf).amin(1)
        ).all()

    def test_pressure_makes_codes_sparse(self):
        for pressure, weight in (("l1", 0.3), ("kl", 1.0)):
            latent, x = built(Sparse(size=16, pressure=pressure, weight=weight), (12,)), numbers(64, 12)
            optimiser = torch.optim.Adam(latent.parameters(), 0.02)
            before = latent.encode(x).values.mean().item()
            for _ in range(100):
                optimiser.zero_grad()
                latent.encode(x).penalty.mean().backward()
                optimiser.step()
            assert latent.encode(x).values.mean().item() < 0.5 * before

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"pressure": "kl", "activation": "relu"}, r"between 0 and 1: got activation relu; allowed: sigmoid"),
            ({"pressure": "top-k", "size": 4, "active": 5}, r"more than sparse.size: got 5; allowed: 1 to 4"),
        ],
    )
    def test_contradictions_are_refused(self, options, message):
        with pytest.raises(Mistake, match=message):
            Sparse(**options).build((12,))


def jacobian_truth(function, x):
    """The squared Frobenius norm of the Jacobian of each image's code, image by image."""
    rows = [torch.autograd.functional.jacobian(lambda one: function(one[None])[0], image) for image in x]
    return torch.stack([row.square().sum() for row in rows])


class TestContractive:
    @pytest.mark.parametrize("activation", ["linear", "sigmoid", "tanh", "relu"])
    @pytest.mark.parametrize("features", FEATURES, ids=str)
    def test_one_layer_is_exact(self, features, activation):
        latent, x = built(Contractive(size=4, weight=2.0, activation=activation), features), numbers(3, *features)
        expected = 2.0 * jacobian_truth(lambda z: latent.encode(z).values, x)
        torch.testing.assert_close(latent.encode(x, x).penalty, expected)

    def test_an_image_only_flattened_is_one_layer_too(self):
        latent, image = built(Contractive(size=4), (12,)), numbers(3, 2, 2, 3)
        with torch.no_grad():
            penalty = latent.encode(image.flatten(1), image, generator()).penalty
        torch.testing.assert_close(penalty, latent.encode(image.flatten(1), image.flatten(1)).penalty)
        assert (penalty > 0).all()

    def test_several_layers_are_exact_without_a_generator(self):
        latent = built(Contractive(size=4, weight=2.0), (6, 4, 4))
        with torch.random.fork_rng():
            torch.manual_seed(3)
            net = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1), nn.Tanh())
        x = numbers(3, 2, 4, 4).requires_grad_()
        expected = 2.0 * jacobian_truth(lambda z: latent.encode(net(z)).values, x.detach())
        torch.testing.assert_close(latent.encode(net(x), x).penalty, expected)

    def test_estimate_is_unbiased(self):
        x = numbers(1, 5)
        weights = numbers(4, 5, seed=8)
        many = x.expand(4000, 5).contiguous().requires_grad_()
        values = torch.tanh(many @ weights.T)
        estimates = jacobian_estimate(values, many, generator()).detach()
        exact = jacobian_norm(values[:1], many)[0].item()
        assert abs(estimates.mean().item() - exact) < 4 * estimates.std().item() / 4000**0.5
        assert estimates.std() > 0

    def test_plain_inference_costs_nothing(self):
        latent, x = built(Contractive(size=4), (12,)), numbers(3, 12)
        with torch.no_grad():
            assert latent.encode(torch.tanh(x), x).penalty.tolist() == [0.0] * 3


def digits():
    return load_digits().data


def assert_same_components(ours, theirs, data):
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.variances, theirs.explained_variance_, rtol=1e-8)
    assert np.abs((ours.basis * theirs.components_).sum(1)).min() >= 0.9999
    assert (ours.basis.max(1) > -ours.basis.min(1)).all()  # the largest entry decides the sign
    np.testing.assert_allclose(ours.basis @ ours.basis.T, np.eye(len(ours.basis)), atol=1e-10)
    centred = data - ours.mean
    error = ((centred - centred @ ours.basis.T @ ours.basis) ** 2).sum()
    expected = ((data - theirs.inverse_transform(theirs.transform(data))) ** 2).sum()
    np.testing.assert_allclose(error, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(ours.residual_variance * (ours.samples - 1), expected, rtol=1e-8, atol=1e-6)


class TestPrincipalComponents:
    @pytest.mark.parametrize("size", [1, 2, 16, 40])
    def test_matches_scikit_learn_on_digits(self, size):
        data = digits()
        ours, theirs = principal_components(data, size), PCA(size, svd_solver="full").fit(data)
        assert_same_components(ours, theirs, data)
        assert ours.samples == 1797

    @pytest.mark.parametrize("rows", [1, 7, 512, 600, 5000])
    def test_a_stream_gives_the_same_whatever_its_batches(self, rows):
        data = digits()
        streamed = principal_components((data[i : i + rows] for i in range(0, 1797, rows)), 8)
        assert_same_components(streamed, PCA(8, svd_solver="full").fit(data), data)

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32])
    def test_any_dtype_is_summed_in_doubles(self, dtype):
        data = digits()
        assert_same_components(principal_components(data.astype(dtype), 8), PCA(8, svd_solver="full").fit(data), data)

    def test_products_of_bytes_are_summed_exactly(self):
        data = (255 * (np.random.default_rng(0).random((5000, 20)) < 0.01)).astype(np.uint8)
        assert_same_components(principal_components(data, 20), PCA(20, svd_solver="full").fit(data.astype(float)), data)
        first, again = (principal_components(np.split(data, pieces), 20) for pieces in (5000, 5))
        assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))

    def test_a_large_mean_does_not_cancel(self):
        data = digits() + 1e6
        assert_same_components(principal_components(data, 8), PCA(8, svd_solver="full").fit(data), data)

    def test_more_numbers_than_samples(self):
        data = np.random.default_rng(0).normal(size=(30, 1500)) * np.linspace(1, 2, 30)[:, None]
        assert_same_components(principal_components(data, 20), PCA(20, svd_solver="full").fit(data), data)

    def test_directions_without_variance_are_orthonormal_too(self):
        for data in (np.ones((10, 40)), np.ones((40, 10))):
            found = principal_components(data, 10)
            np.testing.assert_allclose(found.basis @ found.basis.T, np.eye(10), atol=1e-10)
            np.testing.assert_allclose(found.variances, 0, atol=1e-12)

    @pytest.mark.parametrize(
        ("data", "size", "message"),
        [
            (np.ones((5, 9)), 6, r"6 from 5 samples of 9 numbers; allowed: 1 to 5"),
            ([np.ones((5, 3))], 4, r"4 from 5 samples of 3 numbers; allowed: 1 to 3"),
            (np.ones((1, 9)), 1, r"more than one sample: got 1"),
            ([np.ones((1, 9))], 1, r"more than one sample: got 1"),
            ([], 1, r"more than one sample: got 0"),
            ([np.ones((2, 5000))], 1, r"too many numbers in a sample.*got 5000; allowed: at most 4096"),
        ],
    )
    def test_what_cannot_be_solved_is_a_mistake(self, data, size, message):
        with pytest.raises(Mistake, match=message):
            principal_components(data, size)


class TestLinear:
    def test_with_the_solution_it_is_pca(self):
        data = digits()
        latent, solution = built(Linear(size=10), (64,)), principal_components(data, 10)
        latent.set_solution(solution.mean, solution.basis, solution.variances)
        theirs = PCA(10, svd_solver="full").fit(data)
        values = latent.encode(torch.from_numpy(data)).values.detach()
        assert values.dtype == torch.float64
        signs = np.sign((solution.basis * theirs.components_).sum(1))
        np.testing.assert_allclose(values.numpy() * signs, theirs.transform(data), atol=1e-9)
        restored = theirs.inverse_transform(theirs.transform(data))
        np.testing.assert_allclose(latent.decode(values).detach().numpy(), restored, atol=1e-9)

    def test_the_prior_has_the_codes_variances(self):
        latent, solution = built(Linear(size=3), (64,)), principal_components(digits(), 3)
        latent.set_solution(solution.mean, solution.basis, solution.variances)
        codes = latent.sample_prior(20000, generator())
        assert codes.dtype == torch.float64
        torch.testing.assert_close(codes.var(0), latent.variances, rtol=0.05, atol=0)
        assert (codes.mean(0).abs() < 0.05 * latent.variances.sqrt()).all()

    def test_order_keeps_the_space_and_sorts_it(self):
        data = torch.from_numpy(digits())
        latent = built(Linear(size=10), (64,)).double()
        with torch.no_grad():
            latent.basis.copy_(numbers(10, 64, seed=4))
            latent.mean.copy_(numbers(64, seed=5))
            straight = torch.linalg.svd(latent.basis)[2][:10]
        expected = (data - latent.mean) @ straight.T @ straight + latent.mean
        latent.order(latent.encode(data).values)
        values = latent.encode(data).values
        torch.testing.assert_close(latent.basis @ latent.basis.T, torch.eye(10, dtype=torch.float64))
        torch.testing.assert_close(latent.decode(values), expected.detach())
        torch.testing.assert_close(values.mean(0), torch.zeros(10, dtype=torch.float64))
        torch.testing.assert_close(latent.variances, values.var(0).detach())
        assert (latent.variances.diff() <= 1e-9).all()
        assert (latent.basis.amax(1) > -latent.basis.amin(1)).all()
        torch.testing.assert_close(torch.cov(values.T), torch.diag(latent.variances), rtol=0, atol=1e-6)
        theirs = PCA(10, svd_solver="full").fit(expected.detach().numpy())
        np.testing.assert_allclose(latent.variances.numpy(), theirs.explained_variance_, rtol=1e-8)

    def test_order_replaces_a_direction_that_was_lost(self):
        latent, x = built(Linear(size=4), (12,)), numbers(20, 12)
        with torch.no_grad():
            latent.basis[3] = 0
        latent.order(latent.encode(x).values)
        torch.testing.assert_close(latent.basis @ latent.basis.T, torch.eye(4), rtol=0, atol=1e-6)
        assert latent.variances[3] == 0

    def test_order_works_on_one_number_and_on_maps(self):
        for size, shape in ((1, (12,)), (3, (6, 3, 5))):
            latent, x = built(Linear(size=size), shape), numbers(20, *shape)
            before = latent.decode(latent.encode(x).values)
            latent.order(latent.encode(x).values)
            assert latent.basis.dtype == torch.float32
            torch.testing.assert_close(latent.decode(latent.encode(x).values), before, rtol=1e-4, atol=1e-5)

    def test_gradient_descent_arrives_at_pca(self):
        data = torch.from_numpy(digits() / 16)
        latent = built(Linear(size=4), (64,)).double()
        optimiser = torch.optim.LBFGS(latent.parameters(), max_iter=200, line_search_fn="strong_wolfe")

        def measure():
            optimiser.zero_grad()
            error = (latent.decode(latent.encode(data).values) - data).square().sum(1).mean()
            error.backward()
            return error

        optimiser.step(measure)
        error = measure()
        solution = principal_components(data.numpy(), 4)
        optimum = solution.residual_variance * (len(data) - 1) / len(data)
        assert optimum * (1 - 1e-9) <= error.item() < 1.001 * optimum
        latent.order(latent.encode(data).values)
        alignment = (latent.basis.detach().numpy() * solution.basis).sum(1)
        assert np.abs(alignment).min() > 0.99

    def test_larger_than_its_features_is_a_mistake(self):
        with pytest.raises(Mistake, match=r"larger than its features: got 13; allowed: 1 to 12"):
            Linear(size=13).build((12,))
