"""Likelihoods: what every one in the table promises, and the truth from torch.distributions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions

from diabolo.errors import Mistake
from diabolo.objectives import LIKELIHOODS, Bernoulli, Gaussian, Laplace, check_range, choose
from diabolo.options import name_of

VARIANTS = [*(cls() for cls in LIKELIHOODS.parts.values()), Gaussian(scale="optimal"), Laplace(scale="optimal")]
EVERYTHING = (-math.inf, math.inf)
SHAPES = [(6,), (3, 4, 5)]


def example(*shape, seed=0):
    """Decoder outputs of both signs and images in 0..1, float64."""
    generator = torch.Generator().manual_seed(seed)
    parameters = torch.randn(5, *shape, generator=generator, dtype=torch.float64)
    return parameters, torch.rand(5, *shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("likelihood", VARIANTS, ids=repr)
class TestEveryLikelihood:
    def test_one_number_per_image(self, likelihood, shape):
        parameters, image = example(*shape)
        for numbers in (
            likelihood.distortion(parameters, image),
            likelihood.error(parameters, image),
            likelihood.log_likelihood(parameters, image, 0.3),
        ):
            assert numbers.shape == (5,)
            assert numbers.isfinite().all()
        assert (likelihood.error(parameters, image) >= 0).all()

    def test_reconstruction_has_the_image_s_shape_and_range(self, likelihood, shape):
        parameters, _ = example(*shape)
        mean = likelihood.mean(10 * parameters)
        assert mean.shape == parameters.shape
        assert likelihood.low <= mean.min()
        assert mean.max() <= likelihood.high

    def test_training_goes_towards_the_image(self, likelihood, shape):
        parameters, image = example(*shape)
        parameters.requires_grad_()
        loss = likelihood.distortion(parameters, image).mean()
        (slope,) = torch.autograd.grad(loss, parameters)
        towards = (slope * (likelihood.mean(parameters) - image)).flatten(1).sum(1)
        assert (towards > 0).all()

    def test_half_precision_does_not_overflow(self, likelihood, shape):
        parameters, image = (1000 * x for x in example(*shape))
        image = image.clamp(likelihood.low, min(likelihood.high, 1000))
        distortion = likelihood.distortion(parameters.half(), image.half())
        assert distortion.dtype == torch.float32
        torch.testing.assert_close(distortion.double(), likelihood.distortion(parameters, image), rtol=0.02, atol=0)

    def test_calibrated_scale_is_the_most_likely(self, likelihood, shape):
        parameters, image = example(*shape)
        scale = likelihood.scale_from(likelihood.error(parameters, image).sum().item(), image.numel())
        best = likelihood.log_likelihood(parameters, image, scale).sum()
        assert all(
            best >= likelihood.log_likelihood(parameters, image, scale * f).sum() for f in (0.9, 0.99, 1.01, 1.1)
        )


@pytest.mark.parametrize("scale", [0.05, 1.0, 7.0])
@pytest.mark.parametrize(
    ("likelihood", "truth"), [(Gaussian(), distributions.Normal), (Laplace(), distributions.Laplace)], ids=repr
)
def test_density_is_the_truth(likelihood, truth, scale):
    parameters, image = example(3, 4, 5)
    expected = truth(parameters, scale).log_prob(image).sum((1, 2, 3))
    torch.testing.assert_close(likelihood.log_likelihood(parameters, image, scale), expected, rtol=1e-12, atol=1e-12)


def test_bernoulli_is_the_truth():
    parameters, image = example(3, 4, 5)
    image = image.round()
    expected = distributions.Bernoulli(logits=parameters).log_prob(image).sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli().log_likelihood(parameters, image, 123.0), expected)
    torch.testing.assert_close(Bernoulli().distortion(parameters, image), -expected)
    torch.testing.assert_close(Bernoulli().mean(parameters), distributions.Bernoulli(logits=parameters).mean)


@pytest.mark.parametrize(
    ("cls", "truth", "constant"),
    [
        (Gaussian, distributions.Normal, 30 * math.log(2 * math.pi)),
        (Laplace, distributions.Laplace, 60 * math.log(2)),
    ],
)
def test_unit_scale_leaves_out_the_documented_constant(cls, truth, constant):
    parameters, image = example(3, 4, 5)
    expected = -truth(parameters, 1.0).log_prob(image).sum((1, 2, 3)) - constant
    torch.testing.assert_close(cls().distortion(parameters, image), expected)


@pytest.mark.parametrize("cls", [Gaussian, Laplace])
def test_optimal_scale_is_the_exact_density_at_the_batch_s_best_scale(cls):
    parameters, image = example(3, 4, 5)
    likelihood = cls(scale="optimal")
    scale = likelihood.scale_from(likelihood.error(parameters, image).sum().item(), image.numel())
    expected = -likelihood.log_likelihood(parameters, image, scale)
    torch.testing.assert_close(likelihood.distortion(parameters, image), expected)


def test_optimal_gaussian_trains_on_the_logarithm_of_the_error():
    parameters, image = example(6)
    parameters.requires_grad_()
    (slope,) = torch.autograd.grad(Gaussian(scale="optimal").distortion(parameters, image).mean(), parameters)
    (expected,) = torch.autograd.grad(6 / 2 * (parameters - image).square().mean().log(), parameters)
    torch.testing.assert_close(slope, expected)


@pytest.mark.parametrize("cls", [Gaussian, Laplace])
def test_exact_reconstruction_has_a_finite_density(cls):
    image = example(6)[1]
    likelihood = cls(scale="optimal")
    assert likelihood.distortion(image, image).isfinite().all()
    assert likelihood.log_likelihood(image, image, likelihood.scale_from(0.0, 30)).isfinite().all()


@pytest.mark.parametrize(("two_valued", "name"), [(True, "bernoulli"), (False, "gaussian")])
def test_automatic_choice_says_which_and_why(two_valued, name):
    likelihood, reason = choose(two_valued)
    assert name_of(likelihood) == name
    assert reason.startswith(name)
    assert "because" in reason


FITTING = [
    (Gaussian(), "linear", EVERYTHING, (-5.0, 300.0)),
    (Gaussian(), "sigmoid", (0.0, 1.0), (0.0, 1.0)),
    (Laplace(), "tanh", (-1.0, 1.0), (-1.0, 1.0)),
    (Laplace(), "relu", (0.0, math.inf), (0.0, 300.0)),
    (Bernoulli(), "linear", EVERYTHING, (0.0, 1.0)),
]
MISFITS = [
    (
        Bernoulli(),
        "linear",
        EVERYTHING,
        (-1.0, 1.0),
        r"bernoulli likelihood.*data from -1 to 1; allowed: data from 0 to 1",
    ),
    (Bernoulli(), "linear", EVERYTHING, (0.0, 255.0), r"bernoulli likelihood.*data from 0 to 255"),
    (Bernoulli(), "sigmoid", (0.0, 1.0), (0.0, 1.0), r"bernoulli.*sigmoid output.*--architecture.output linear"),
    (
        Gaussian(),
        "tanh",
        (-1.0, 1.0),
        (0.0, 255.0),
        r"tanh output.*gaussian.*data from 0 to 255; allowed: data from -1 to 1",
    ),
    (Gaussian(), "sigmoid", (0.0, 1.0), (-0.5, 1.0), r"sigmoid output.*data from -0.5 to 1"),
    (Laplace(), "relu", (0.0, math.inf), (-2.0, 9.0), r"relu output.*laplace.*data from -2 to 9"),
]


@pytest.mark.parametrize(("likelihood", "output", "output_range", "data_range"), FITTING)
def test_what_fits_passes(likelihood, output, output_range, data_range):
    assert check_range(likelihood, output, output_range, data_range) is None


@pytest.mark.parametrize(("likelihood", "output", "output_range", "data_range", "message"), MISFITS)
def test_what_cannot_fit_is_a_mistake_that_names_both(likelihood, output, output_range, data_range, message):
    with pytest.raises(Mistake, match=message):
        check_range(likelihood, output, output_range, data_range)
