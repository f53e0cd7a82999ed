"""The noise level: as a map against a direct blur, and found where it is known because the test added it."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from skimage import data

from diabolo import noise_level
from diabolo.errors import Mistake
from diabolo.noise_level import NoiseLevel, estimate, level_map


def noisy(clean: np.ndarray, sigma: float, shot: float = 0.0, seed: int = 0) -> np.ndarray:
    """`clean` 0..255 with noise, neither clipped nor rounded, in 0..1."""
    draw = np.random.default_rng(seed).standard_normal(clean.shape)
    return (clean + np.sqrt(sigma**2 + shot**2 * clean / 255) * draw) / 255


def as_bytes(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)


def flat(side: int = 128) -> np.ndarray:
    return np.full((side, side), 128.0)


def test_map_is_the_variance_of_the_blurred_image() -> None:
    image = np.random.default_rng(0).uniform(0, 1, (2, 3, 20, 13)) + np.linspace(-1.5, 1.5, 20)[:, None]
    blurred = uniform_filter(image.mean(1), size=(0, 9, 9), mode="nearest").clip(0, 1)
    sigma, shot = np.array([5.0, 50.0]), np.array([30.0, 0.0])
    expected = np.sqrt(sigma[:, None, None] ** 2 + shot[:, None, None] ** 2 * blurred) / 255
    found = level_map(torch.from_numpy(image), torch.from_numpy(sigma), torch.from_numpy(shot))
    assert found.shape == (2, 1, 20, 13)
    np.testing.assert_allclose(found[:, 0].numpy(), expected, rtol=1e-6)


def test_map_takes_numbers_and_keeps_type_and_size() -> None:
    found = level_map(torch.rand(2, 1, 1, 3), 25.0, 0.0)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.full((2, 1, 1, 3), 25 / 255))


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
@pytest.mark.parametrize("name", ["camera", "astronaut"])
def test_white_noise_on_photographs(name: str, sigma: float) -> None:
    image = noisy(getattr(data, name)().astype(float), sigma)
    for kind in (image, as_bytes(image)):
        found = estimate(kind)
        assert found.sigma == pytest.approx(sigma, abs=1)
        assert found.shot == 0


def test_clipped_noise_is_found_at_the_bounds() -> None:
    for brightness in (40, 60, 200):
        assert estimate(as_bytes(noisy(flat(256) - 128 + brightness, 50))).sigma == pytest.approx(50, abs=2.5)


def test_clean_pictures_have_almost_none() -> None:
    assert estimate(data.coffee()) < (1.5, 1e-9)
    drawing = np.full((64, 64), 200, np.uint8)
    drawing[20:30, 20:40] = 30
    assert estimate(drawing) == NoiseLevel(0, 0)


@pytest.mark.parametrize("level", [NoiseLevel(2, 10), NoiseLevel(5, 30), NoiseLevel(0, 40)])
def test_noise_that_grows_with_brightness(level: NoiseLevel) -> None:
    clean = data.astronaut().astype(float)
    brightness = np.quantile(clean / 255, (0.05, 0.5, 0.95))
    true = np.sqrt(level.sigma**2 + level.shot**2 * brightness)
    for image in (noisy(clean, *level), as_bytes(noisy(clean, *level))):
        found = estimate(image)
        assert found.shot > 0
        np.testing.assert_allclose(np.sqrt(found.sigma**2 + found.shot**2 * brightness), true, atol=1.5)


def test_the_types_say_the_same() -> None:
    image = as_bytes(noisy(data.camera().astype(float), 15))
    expected = estimate(image)
    assert estimate(image.astype(np.uint16) * 257) == pytest.approx(expected, abs=1e-3)
    assert estimate(image.astype(np.float32) / 255) == pytest.approx(expected, abs=1e-3)
    assert estimate(image[..., None]) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (7, 7), (7, 300), (8, 8), (9, 8, 3), (1, 1, 3)])
def test_small_images(shape: tuple[int, ...]) -> None:
    assert estimate(np.full(shape, 0.5)) == (0, 0)
    found = estimate(noisy(np.full(shape, 128.0), 20))
    assert np.isfinite(found).all()
    assert 0 <= found.sigma < 60
    if np.prod(shape) >= 1000:
        assert found.sigma == pytest.approx(20, abs=3)


def test_what_is_no_number_or_constant_is_left_out() -> None:
    image = noisy(flat(), 10)
    image[:20, :20] = np.nan
    assert estimate(image).sigma == pytest.approx(10, abs=0.7)
    assert estimate(np.full((32, 32), np.nan)) == (0, 0)
    assert estimate(np.full((1000, 9, 3), 7, np.uint8)) == (0, 0)
    assert estimate(np.empty((0, 5, 3))) == (0, 0)


def test_a_large_image_takes_little_time_and_memory() -> None:
    tile = as_bytes(noisy(flat(500), 20))
    image = np.tile(tile, (14, 14))
    tracemalloc.start()
    start = time.process_time()
    found = estimate(image)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.sigma == pytest.approx(20, abs=0.7)
    assert seconds < 1
    assert peak < 100 * 2**20


def test_the_waves_are_orthonormal_and_leave_out_the_mean() -> None:
    both = np.hstack(noise_level._projections())
    assert both.shape == (64, 63)
    np.testing.assert_allclose(both.T @ both, np.eye(63), atol=1e-6)
    np.testing.assert_allclose(both.sum(0), 0, atol=1e-5)


@pytest.mark.parametrize("image", [np.zeros(5), np.zeros((8, 8, 3, 1)), np.zeros((8, 8), int), np.zeros((8, 8), bool)])
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(Mistake, match="uint8, uint16 or float"):
        estimate(image)
