"""The importance-weighted bound: against a model whose likelihood is known, and as what training raises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributions

from diabolo.errors import Mistake
from diabolo.latents import CanDraw, Variational
from diabolo.latents.variational import LARGEST_LOG_VARIANCE
from diabolo.model import Model
from diabolo.network import Network
from diabolo.objectives import Gaussian, importance_bound, importance_weighted
from diabolo.preprocessing import Conversion
from diabolo.recipe import Recipe, with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.training import fit, players

NUMBERS, SIZE, SCALE = 6, 2, 0.4


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def linear_gaussian(exact: bool) -> tuple[Model, distributions.MultivariateNormal]:
    """x = W z + b + noise, with orthogonal columns W, and its likelihood N(b, W W' + scale^2 I).

    With `exact` the encoder gives the true posterior, N(S W' (x - b) / scale^2, S), S = (I + W' W / scale^2)^-1;
    otherwise one that is a little off.
    """
    recipe = with_options(named("linear"), {"latent": "variational", "latent.size": SIZE, "likelihood": Gaussian()})
    network = Network(recipe, (NUMBERS,)).double()
    weights = torch.linalg.qr(numbers(NUMBERS, SIZE))[0] * torch.tensor([1.5, 0.7])
    offset = numbers(NUMBERS, seed=2)
    precisions = 1 + weights.square().sum(0) / SCALE**2
    projection = weights.T / SCALE**2 / precisions[:, None]
    latent: Any = network.latent
    with torch.no_grad():
        latent.decoder.weight.copy_(weights)
        latent.decoder.bias.copy_(offset)
        latent.encoder.weight.copy_(torch.cat((projection, torch.zeros_like(projection))))
        raw = LARGEST_LOG_VARIANCE * torch.atanh(-precisions.log() / LARGEST_LOG_VARIANCE)
        latent.encoder.bias.copy_(torch.cat((-projection @ offset, raw)))
        if not exact:
            latent.encoder.bias.add_(torch.tensor([0.1, -0.2, 0.5, 0.3]))
    conversion = Conversion((NUMBERS,), "vector", "float64")
    covariance = weights @ weights.T + SCALE**2 * torch.eye(NUMBERS)
    return Model(recipe, network, conversion, SCALE), distributions.MultivariateNormal(offset, covariance)


def test_with_the_true_posterior_every_draw_gives_the_likelihood() -> None:
    model, truth = linear_gaussian(exact=True)
    x = truth.sample((20,))
    for draws in (1, 7):
        np.testing.assert_allclose(model.log_evidence(x.numpy(), draws), truth.log_prob(x).numpy(), atol=1e-9)


def test_with_another_posterior_it_lies_below_and_rises_to_the_likelihood() -> None:
    model, truth = linear_gaussian(exact=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x = truth.sample((300,))
    gaps = [float((truth.log_prob(x).numpy() - model.log_evidence(x.numpy(), draws)).mean()) for draws in (1, 5, 5000)]
    assert gaps[0] > 2 * gaps[1] > 4 * abs(gaps[2])
    assert abs(gaps[2]) < 0.01
    # One draw: the likelihood less the divergence of the posterior from the true one (Kingma & Welling 2014, eq. 1).
    latent: Any = model.network.latent
    mean, log_variance = latent.posterior(x)
    exact: Any = linear_gaussian(exact=True)[0].network.latent
    true_mean, true_log_variance = exact.posterior(x)
    ours, theirs = (
        distributions.Normal(m, (v / 2).exp()) for m, v in ((mean, log_variance), (true_mean, true_log_variance))
    )
    expected = float(distributions.kl_divergence(ours, theirs).sum(1).mean().detach())
    assert gaps[0] == pytest.approx(expected, rel=0.25)


def test_the_same_seed_gives_the_same_bound() -> None:
    model, truth = linear_gaussian(exact=False)
    x = truth.sample((4,)).numpy()
    assert np.array_equal(model.log_evidence(x, 3), model.log_evidence(x, 3))
    assert not np.array_equal(model.log_evidence(x, 3), model.log_evidence(x, 3, seed=1))


def test_several_draws_at_once_are_as_likely_as_told() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        latent = Variational(size=3).build((5,)).double()
    assert isinstance(latent, CanDraw)
    x, generator = numbers(4, 5), torch.Generator().manual_seed(0)
    code = latent.encode_draws(x, 20000, generator)
    mean, log_variance = latent.posterior(x)
    posterior = distributions.Normal(mean.repeat(20000, 1), (log_variance / 2).exp().repeat(20000, 1))
    told = posterior.log_prob(code.values) - distributions.Normal(0.0, 1.0).log_prob(code.values)
    torch.testing.assert_close(code.penalty, told.sum(1))
    torch.testing.assert_close(code.penalty.reshape(20000, 4).mean(0), latent.encode(x).penalty, rtol=0, atol=0.1)


def test_the_two_terms_are_the_bound() -> None:
    distortions, penalties = numbers(5, 3), numbers(5, 3, seed=2)
    expected = -torch.log(torch.exp(-(distortions + penalties)).mean(0))
    torch.testing.assert_close(importance_bound(distortions + penalties), expected)
    distortion, penalty = importance_weighted(distortions, penalties)
    torch.testing.assert_close(distortion + penalty, expected)


def test_training_with_draws_lowers_the_bound_itself() -> None:
    recipe = Recipe(latent=Variational(size=2, draws=4), likelihood=Gaussian())
    network = Network(recipe, (NUMBERS,))
    x = numbers(8, NUMBERS).float()
    terms = players.autoencoder(network, network, recipe).loss(x, x, torch.Generator().manual_seed(5))
    code = network.latent.encode_draws(network.encoder(x).values, 4, torch.Generator().manual_seed(5))
    errors = (network.decode(code.values) - x.repeat(4, 1)).square().sum(1) / 2
    expected = importance_bound((errors + code.penalty).reshape(4, 8))
    torch.testing.assert_close(terms["distortion"] + terms["penalty"], expected)
    one = with_options(recipe, {"latent.draws": 1})
    plain = players.autoencoder(network, network, one).loss(x, x, torch.Generator().manual_seed(5))
    assert sum(terms.values()).mean() < sum(plain.values()).mean()  # type: ignore[union-attr]


def test_a_variational_model_knows_how_probable_digits_are() -> None:
    digits = (open_source("digits").array[:800] > 127).astype(np.uint8) * 255
    options = {"epochs": 15, "batch_size": 50, "latent.size": 4, "architecture.width": 64, "likelihood": "bernoulli"}
    learned, unseen = digits[:600], digits[600:]
    for draws in (1, 5):
        model = fit(open_source(learned), with_options(named("variational"), options | {"latent.draws": draws}))
        evidence = model.log_evidence(unseen, 50)
        assert (evidence.mean() >= model.score_samples(unseen).mean() - 1) or draws > 1
        assert evidence.mean() > -64 * math.log(2)
        assert evidence.mean() > model.log_evidence(255 - unseen, 50).mean() + 20


def test_what_cannot_be() -> None:
    digits = open_source("digits").array[:100]
    quick = {"epochs": 1, "latent.size": 3, "architecture.width": 8}
    certain = fit(open_source(digits), with_options(named("deep"), quick))
    with pytest.raises(Mistake, match=r"plain is certain.*allowed: latent variational"):
        certain.log_evidence(digits)
    model, _ = linear_gaussian(exact=True)
    with pytest.raises(Mistake, match=r"too few draws: got 0; allowed: 1 or more"):
        model.log_evidence(np.zeros((2, NUMBERS)), 0)
    with pytest.raises(Mistake, match="free bits are for a single draw"):
        Variational(draws=2, free_bits=0.1).build((5,))
    several = {"latent": "variational", "latent.draws": 3, "crop": 8}
    for options, what in ((several, "hint"), (several | {"hint": "none"}, "skips")):
        with pytest.raises(Mistake, match=f"several draws of a code are for networks without {what}"):
            fit(open_source(digits), with_options(named("denoise"), options))
