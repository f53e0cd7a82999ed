"""Metrics against torchmetrics and scikit-image, and the copy score against models whose score is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import skimage.data
import skimage.metrics
import torch
from torch.nn import functional
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from diabolo.errors import Mistake
from diabolo.metrics import copy_score, ms_ssim, mse, psnr, ssim


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photographs(side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Real pictures (2, 3, side, side + 8) in 0..1, and a noisy, a blurred copy of them."""
    whole = [
        torch.from_numpy(picture.copy()).permute(2, 0, 1) / 255
        for picture in (skimage.data.astronaut(), skimage.data.coffee())
    ]
    clean = torch.stack([picture[:, 40 : 40 + side, 150 : 158 + side] for picture in whole])
    noisy = clean[0] + 0.1 * torch.randn(clean[0].shape, generator=seeded())
    return clean, torch.stack((noisy, functional.avg_pool2d(clean[1], 5, 1, 2)))


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_psnr_and_mse_are_scikit_images(scale):
    a, b = (scale * picture for picture in photographs(48))
    for ours, mine, x, y in zip(psnr(a, b, scale), mse(a, b), a.double().numpy(), b.double().numpy(), strict=True):
        assert ours.item() == pytest.approx(skimage.metrics.peak_signal_noise_ratio(x, y, data_range=scale), abs=1e-4)
        assert mine.item() == pytest.approx(skimage.metrics.mean_squared_error(x, y), rel=1e-5)
    expected = peak_signal_noise_ratio(b, a, data_range=scale, reduction="none", dim=(1, 2, 3))
    torch.testing.assert_close(psnr(a, b, scale), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("scale", [1.0, 255.0])
@pytest.mark.parametrize("side", [11, 48])
def test_ssim_is_the_oracles(scale, side):
    a, b = (scale * picture.double() for picture in photographs(side))
    torch.testing.assert_close(ssim(a, b, scale), inside(a, b, scale), atol=1e-6, rtol=0)
    torch.testing.assert_close(ssim(a.float(), b.float(), scale), ssim(a, b, scale).float(), atol=5e-5, rtol=0)
    for ours, x, y in zip(ssim(a, b, scale), a.numpy(), b.numpy(), strict=True):
        theirs = skimage.metrics.structural_similarity(
            x, y, data_range=scale, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert ours.item() == pytest.approx(theirs, abs=1e-6)


def inside(a: torch.Tensor, b: torch.Tensor, scale: float) -> torch.Tensor:
    """The mean of torchmetrics' map of SSIM without the border that it makes up by padding."""
    _, places = structural_similarity_index_measure(b, a, data_range=scale, reduction="none", return_full_image=True)
    return places[..., 5:-5, 5:-5].mean((1, 2, 3))


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_ms_ssim_is_torchmetrics(scale):
    a, b = (scale * picture for picture in photographs(192))
    whole = multiscale_structural_similarity_index_measure(b, a, data_range=scale, reduction="none")
    torch.testing.assert_close(ms_ssim(a, b, scale), whole, atol=1e-3, rtol=0)  # its last scale has a made-up border
    expected, first, second = torch.ones(2), a, b
    for weight in (0.0448, 0.2856, 0.3001, 0.2363):
        _, contrast = structural_similarity_index_measure(
            second, first, data_range=scale, reduction="none", return_contrast_sensitivity=True
        )
        expected = expected * contrast**weight
        first, second = functional.avg_pool2d(first, 2), functional.avg_pool2d(second, 2)
    expected = expected * inside(first, second, scale) ** 0.1333
    torch.testing.assert_close(ms_ssim(a, b, scale), expected, atol=1e-5, rtol=0)


def test_equal_images():
    a, _ = photographs(176)
    ones = torch.ones(2)
    assert (mse(a, a) == 0).all()
    assert (psnr(a, a) == math.inf).all()
    torch.testing.assert_close(ssim(a, a), ones)
    torch.testing.assert_close(ms_ssim(a, a), ones)


def test_opposed_structures_give_no_nan():
    a, _ = photographs(176)
    assert (ssim(a, 1 - a) < 0.5).all()
    assert (ms_ssim(a, 1 - a) == 0).all()


def test_half_precision_is_measured_in_single():
    a, b = (picture.half() for picture in photographs(48))
    torch.testing.assert_close(ssim(a, b), ssim(a.float(), b.float()))
    assert mse(a, b).dtype == torch.float32


def test_vectors_have_an_error():
    a, b = torch.zeros(3, 5), torch.tensor([0.0, 1.0, 2.0])[:, None].expand(3, 5)
    assert mse(a, b).tolist() == [0, 1, 4]


@pytest.mark.parametrize(("metric", "least"), [(ssim, 11), (ms_ssim, 176)])
def test_too_small_images_are_told_the_least_side(metric, least):
    a = torch.zeros(1, 1, 200, least)
    assert metric(a, a).item() == pytest.approx(1)
    with pytest.raises(Mistake, match=f"at least {least} pixels"):
        metric(a[..., 1:], a[..., 1:])


def test_unequal_shapes_and_an_empty_range_are_refused():
    with pytest.raises(Mistake, match="same shape"):
        mse(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 1, 1))
    with pytest.raises(Mistake, match="range"):
        psnr(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4), 0)


# ------------------------------------------------------------------ the copy score


def projector(images: torch.Tensor, size: int):
    """PCA's reconstruction with `size` components."""
    mean = images.mean(0)
    axes = torch.linalg.svd(images - mean, full_matrices=False).Vh[:size]
    return lambda batch: mean + (batch - mean) @ axes.T @ axes


def test_a_copy_scores_one_and_a_constant_zero():
    images = torch.rand(50, 1, 8, 8, generator=seeded())
    assert copy_score(lambda batch: batch, images, seeded()) == 1
    assert copy_score(lambda batch: images.mean(0).expand_as(batch), images, seeded()) == pytest.approx(0, abs=1e-6)
    assert copy_score(lambda batch: batch + 9, images, seeded()) == 0


@pytest.mark.parametrize("size", [0, 5, 20, 40])
def test_a_projection_of_even_noise_scores_its_share_of_the_values(size):
    images = torch.randn(4000, 40, generator=seeded(), dtype=torch.float64)
    assert copy_score(projector(images, size), images, seeded(1)) == pytest.approx(size / 40, abs=0.01)


def test_the_noise_has_the_mean_and_variance_of_each_value():
    images = torch.randn(5000, 3, generator=seeded()) * torch.tensor([0.1, 1.0, 0.0]) + torch.tensor([2.0, -1.0, 5.0])
    seen = []
    copy_score(lambda batch: seen.append(batch) or batch, images, seeded(1))
    np.testing.assert_allclose(seen[0].mean(0), images.mean(0), atol=0.05)
    np.testing.assert_allclose(seen[0].std(0), images.std(0), rtol=0.05, atol=1e-5)


def test_same_seed_same_score_and_no_gradient():
    images = torch.rand(20, 6, generator=seeded())
    gain, seen = torch.full((6,), 0.7, requires_grad=True), []
    model = lambda batch: seen.append(gain * batch) or seen[-1]  # noqa: E731
    first, again, other = (copy_score(model, images, seeded(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert isinstance(first, float)
    assert not any(batch.requires_grad for batch in seen)


def test_images_that_do_not_vary_are_refused():
    with pytest.raises(Mistake, match="vary"):
        copy_score(lambda batch: batch, torch.ones(5, 4), seeded())
