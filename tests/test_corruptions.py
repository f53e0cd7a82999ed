"""Corruptions: the contract over the table, and each one's truth against an outside reference."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image

from diabolo.corruptions import (
    CORRUPTIONS,
    ON_VECTORS,
    BlindSpot,
    Blur,
    Boxes,
    Corrupted,
    Downscale,
    Flaws,
    Jpeg,
    MissingPixels,
    Noise,
    Poisson,
    Recorrupt,
    SaltAndPepper,
    Shot,
    Speckle,
    Strokes,
    Swap,
    Warp,
    corrupt,
)
from diabolo.errors import Mistake
from diabolo.options import from_plain, to_plain

EVERY = pytest.mark.parametrize("part", CORRUPTIONS.parts.values(), ids=CORRUPTIONS.parts)
RANGES = [
    Noise((5.0, 50.0)),
    Shot((5.0, 80.0)),
    SaltAndPepper((0.05, 0.5)),
    Poisson((5.0, 50.0)),
    Speckle((0.05, 0.5)),
    Swap((0.05, 0.9)),
    Jpeg((5, 95)),
    Blur((0.5, 3.0)),
    Downscale((1, 8)),
    MissingPixels((0.05, 0.9)),
    Boxes((1, 9), (0.1, 0.2)),
    Strokes((1, 9)),
    Flaws(chance=1.0),  # has no range to choose: every flaw's strength is drawn
    Warp(chance=1.0),
    Recorrupt((5.0, 50.0)),
    BlindSpot((0.02, 0.5)),
]
MASKS = [MissingPixels((0.3,), fill=51.0), Boxes((2,), fill=51.0), Strokes((2,), fill=51.0)]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(shape, generator=seeded(9), dtype=torch.float64).to(dtype)


def pictures(n: int = 2, c: int = 3, h: int = 24, w: int = 31) -> torch.Tensor:
    """Smooth pictures, on which a JPEG, a blur and a smaller size leave something."""
    rough = scipy.ndimage.gaussian_filter(images(n, c, h, w).numpy(), (0, 0, 2, 2))
    return torch.from_numpy((rough - rough.min()) / (rough.max() - rough.min()))


# ------------------------------------------------------------------ the contract


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_keeps_shape_dtype_and_input(part, dtype, channels):
    image = images(3, channels, 16, 19, dtype=dtype)
    before = image.clone()
    result, missing = part()(image, seeded())[:2]
    assert torch.equal(image, before)
    assert result.data_ptr() != image.data_ptr()
    assert result.shape == image.shape
    assert result.dtype == dtype
    assert result.isfinite().all()
    assert not torch.equal(result, image)
    if missing is not None:
        assert missing.shape == (3, 1, 16, 19)
        assert missing.dtype == dtype
        assert set(missing.unique().tolist()) <= {0.0, 1.0}


@EVERY
def test_same_seed_same_result(part):
    image = pictures()
    first, again, other = (part()(image, seeded(seed)).image for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert torch.equal(first, other) == (part in (Jpeg, Blur, Downscale))


@EVERY
def test_leaves_the_global_generator_alone(part):
    torch.manual_seed(3)
    state = torch.get_rng_state()
    part()(pictures(), seeded())
    assert torch.equal(torch.get_rng_state(), state)


@EVERY
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 9)], ids=str)
def test_small_images(part, size):
    image = images(2, 3, *size)
    result = part()(image, seeded())[0]
    assert result.shape == image.shape
    assert result.isfinite().all()


@EVERY
def test_non_contiguous_batches(part):
    image = images(2, 3, 16, 12)
    strided = image.to(memory_format=torch.channels_last)
    assert torch.equal(part()(image, seeded()).image, part()(strided, seeded()).image)


@EVERY
def test_vectors(part):
    vectors = images(4, 30)
    name = next(name for name, cls in CORRUPTIONS.parts.items() if cls is part)
    if name in ON_VECTORS:
        result, missing = part()(vectors, seeded())[:2]
        assert result.shape == vectors.shape
        assert not torch.equal(result, vectors)
        assert missing is None or missing.shape == vectors.shape
    else:
        with pytest.raises(Mistake, match=f"{name} needs images.*{', '.join(ON_VECTORS)}"):
            part()(vectors, seeded())


@EVERY
def test_described_and_read_back(part):
    assert from_plain(part, to_plain(part())) == part()


@pytest.mark.parametrize("part", RANGES, ids=lambda part: type(part).__name__)
def test_each_image_has_its_own_strength(part):
    image = pictures(8) if isinstance(part, Swap) else pictures(1).repeat(8, 1, 1, 1)  # who swaps needs others
    result = part(image, seeded())[0]
    distances = (result - image).square().flatten(1).mean(1)
    assert len(distances.unique()) > 4
    assert distances.max() > 2 * distances.min()


def test_the_table_covers_the_ranges():
    assert [type(part) for part in RANGES] == list(CORRUPTIONS.parts.values())
    assert CORRUPTIONS.several("none") == ()


@pytest.mark.parametrize(
    ("part", "options"),
    [
        (Noise, {"sigma": (-1.0,)}),
        (Noise, {"sigma": (5.0, float("nan"))}),
        (SaltAndPepper, {"share": (1.1,)}),
        (Poisson, {"peak": (0.0,)}),
        (Speckle, {"sigma": (-0.1,)}),
        (Swap, {"share": (1.1,)}),
        (Flaws, {"chance": -0.1}),
        (Flaws, {"twice": 1.1}),
        (Warp, {"turn": 181.0}),
        (Warp, {"shift": -0.1}),
        (Jpeg, {"quality": (0,)}),
        (Jpeg, {"quality": (101,)}),
        (Blur, {"sigma": (-1.0,)}),
        (Downscale, {"factor": (0,)}),
        (MissingPixels, {"share": (-0.1,)}),
        (MissingPixels, {"fill": 256.0}),
        (Boxes, {"side": (0.0,)}),
        (Boxes, {"count": (-1,)}),
        (Strokes, {"width": (0.0,)}),
    ],
    ids=str,
)
def test_strengths_outside_the_limits_are_refused(part, options):
    with pytest.raises(Mistake, match=next(iter(options))):
        part(**options)


@pytest.mark.parametrize("sigma", [(), (50.0, 5.0), (1.0, 2.0, 3.0)], ids=str)
def test_neither_a_value_nor_a_range(sigma):
    with pytest.raises(Mistake, match=r"noise\.sigma"):
        Noise(sigma)(images(1, 1, 4, 4), seeded())


# ------------------------------------------------------------------ composition


def test_masks_unite_in_any_order():
    image = images(3, 2, 20, 20)
    alone = [part(image, generator).missing for generator in [seeded(4)] for part in MASKS]
    result, missing = corrupt(image, MASKS, seeded(4))[:2]
    assert torch.equal(missing, torch.stack(alone).amax(0))
    assert torch.equal(result, torch.where(missing > 0, torch.tensor(0.2), image))


def test_a_later_corruption_keeps_the_mask():
    image = images(2, 1, 12, 12)
    result, missing = corrupt(image, [Boxes(), Noise()], seeded(4))[:2]
    assert torch.equal(missing, Boxes()(image, seeded(4)).missing)
    assert missing.any()
    assert (result[missing > 0] != 0).all()


def test_no_corruption_gives_the_image():
    image = images(2, 1, 4, 4)
    assert corrupt(image, (), seeded()) == Corrupted(image, None)


@pytest.mark.parametrize(
    "batch", [torch.zeros(3, 8, 8), torch.zeros(2, 1, 8, 8, dtype=torch.uint8)], ids=lambda b: str(b.dtype)
)
def test_not_a_batch_of_floats(batch):
    with pytest.raises(Mistake, match="batch of floats"):
        corrupt(batch, [Noise()], seeded())


# ------------------------------------------------------------------ the truths


def test_noise_has_its_standard_deviation_and_is_not_clipped():
    noisy = Noise((51.0,))(torch.ones(2, 3, 200, 200), seeded()).image
    assert noisy.std().item() == pytest.approx(0.2, rel=0.003)
    assert noisy.mean().item() == pytest.approx(1.0, abs=0.002)
    correlation = torch.corrcoef(noisy.transpose(0, 1).reshape(3, -1))
    assert (correlation - torch.eye(3)).abs().max() < 0.02  # every channel has noise of its own


def test_poisson_variance_is_mean_over_peak():
    level = torch.tensor([0.1, 0.5, 1.0, 2.0])[:, None, None, None].expand(4, 1, 300, 300)
    counted = Poisson((20.0,))(level, seeded()).image.flatten(1)
    np.testing.assert_allclose(counted.mean(1), [0.1, 0.5, 1.0, 2.0], rtol=0.02)
    np.testing.assert_allclose(counted.var(1), np.array([0.1, 0.5, 1.0, 2.0]) / 20, rtol=0.03)


def test_poisson_takes_values_below_zero_for_dark():
    assert (Poisson()(torch.full((1, 1, 4, 4), -0.5), seeded()).image == 0).all()


def test_speckle_grows_with_the_value():
    level = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None].expand(3, 1, 200, 200)
    speckled = Speckle((0.3,))(level, seeded()).image.flatten(1)
    np.testing.assert_allclose(speckled.std(1), [0.0, 0.15, 0.3], rtol=0.02)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.4, 1.0])
def test_salt_and_pepper_share(share):
    result = SaltAndPepper((share,))(torch.full((1, 3, 300, 300), 0.5), seeded()).image
    salt, pepper = (result == 1).float(), (result == 0).float()
    assert salt.mean().item() == pytest.approx(share / 2, abs=0.004)
    assert pepper.mean().item() == pytest.approx(share / 2, abs=0.004)
    assert torch.equal(result[:, 0], result[:, 2])  # whole pixels


@pytest.mark.parametrize("quality", [5, 50, 95])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_pillows_round_trip(quality, channels):
    image = pictures(2, channels)
    for ours, picture in zip(Jpeg((quality,))(image, seeded()).image, image, strict=True):
        levels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        file = io.BytesIO()
        Image.fromarray(levels.squeeze()).save(file, "JPEG", quality=quality)
        expected = np.asarray(Image.open(file)).reshape(levels.shape)
        np.testing.assert_array_equal((ours * 255).round().permute(1, 2, 0).numpy(), expected)


def test_jpeg_takes_other_channels_one_by_one_and_clips():
    image = torch.cat((pictures(2, 2), torch.full((2, 2, 24, 31), 1.3, dtype=torch.float64)), 1)
    result = Jpeg()(image, seeded()).image
    for channel in range(4):
        assert torch.equal(result[:, channel : channel + 1], Jpeg()(image[:, channel : channel + 1], seeded()).image)
    assert torch.equal(result[:, 2:], Jpeg()(torch.ones(2, 2, 24, 31, dtype=torch.float64), seeded()).image)


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.5, 4.0])
@pytest.mark.parametrize("size", [(24, 31), (3, 5)], ids=str)
def test_blur_is_scipys(sigma, size):
    image = images(2, 3, *size, dtype=torch.float64)
    expected = scipy.ndimage.gaussian_filter(image.numpy(), (0, 0, sigma, sigma), mode="mirror", truncate=4.0)
    np.testing.assert_allclose(Blur((sigma,))(image, seeded()).image, expected, atol=1e-12)


def test_blur_of_a_range_cuts_each_kernel_at_its_own_width():
    image, generator = images(4, 2, 20, 20, dtype=torch.float64), seeded(5)
    sigmas = (0.5 + 2.5 * torch.rand(4, generator=seeded(5))).tolist()
    for picture, result, sigma in zip(image, Blur((0.5, 3.0))(image, generator).image, sigmas, strict=True):
        expected = scipy.ndimage.gaussian_filter(picture.numpy(), (0, sigma, sigma), mode="mirror", truncate=4.0)
        np.testing.assert_allclose(result, expected, atol=1e-6)


def test_downscale_keeps_constants_and_ramps_and_loses_a_chessboard():
    ramp = torch.arange(48.0).expand(1, 2, 32, 48) / 48
    np.testing.assert_allclose(Downscale((4,))(ramp, seeded()).image[..., 12:-12], ramp[..., 12:-12], atol=1e-6)
    np.testing.assert_allclose(Downscale((3,))(torch.full((1, 1, 9, 9), 0.3), seeded()).image, 0.3, atol=1e-6)
    chessboard = (torch.arange(16)[:, None] + torch.arange(16)).remainder(2).float()[None, None]
    np.testing.assert_allclose(Downscale((2,))(chessboard, seeded()).image, 0.5, atol=1e-6)


def test_downscale_is_pillows_enlargement_of_the_area_means():
    image = images(1, 1, 12, 15)
    means = image.reshape(4, 3, 5, 3).mean((1, 3)).numpy()
    expected = np.asarray(Image.fromarray(means).resize((15, 12), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(Downscale((3,))(image, seeded()).image[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("part", MASKS, ids=lambda part: type(part).__name__)
def test_masks_fill_exactly_what_they_say(part):
    image = images(4, 3, 40, 40)
    result, missing = part(image, seeded())[:2]
    hidden = missing.expand_as(image) > 0
    assert 0 < hidden.float().mean() < 1
    assert (result[hidden] == torch.tensor(0.2)).all()
    assert torch.equal(result[~hidden], image[~hidden])


@pytest.mark.parametrize("share", [0.0, 0.01, 0.7, 1.0])
def test_missing_pixels_share(share):
    for batch in (images(2, 3, 200, 200), images(10, 8000)):
        missing = MissingPixels((share,))(batch, seeded()).missing
        assert missing.mean().item() == pytest.approx(share, abs=0.005)


def test_a_box_has_its_sides_and_lies_inside():
    missing = Boxes((1,), (0.25,))(images(50, 1, 40, 20), seeded()).missing[:, 0]
    assert (missing.sum((1, 2)) == 10 * 5).all()
    assert (missing.amax(2).sum(1) == 10).all()
    assert (missing.amax(1).sum(1) == 5).all()
    assert missing.amax(0).sum() > 0.8 * 40 * 20  # anywhere in the image


@pytest.mark.parametrize(("side", "covered"), [(0.02, 1), (0.19, 4)])
def test_the_sides_of_a_box_are_rounded_and_at_least_a_pixel(side, covered):
    assert (Boxes((1,), (side,))(images(9, 1, 10, 10), seeded()).missing.sum((1, 2, 3)) == covered).all()


def test_boxes_are_counted():
    image = images(200, 1, 64, 64)
    assert Boxes((0,))(image, seeded()).missing.sum() == 0
    found = [scipy.ndimage.label(mask)[1] for mask in Boxes((0, 3), (0.02,))(image, seeded()).missing[:, 0].numpy()]
    assert {0, 1, 2, 3} == set(found)  # boxes of one pixel seldom touch


def test_a_stroke_hangs_together_and_goes_on():
    masks = Strokes((1,), (3.0,))(images(20, 1, 64, 64), seeded()).missing[:, 0].numpy()
    for mask in masks:
        assert scipy.ndimage.label(mask, np.ones((3, 3)))[1] == 1
    assert max(np.ptp(np.nonzero(mask), axis=1).max() for mask in masks) > 2 * 16 + 3  # further than two pieces


@pytest.mark.parametrize("width", [2.0, 7.0])
def test_a_straight_stroke_is_as_wide_as_it_says(width):
    masks = Strokes((1,), (width,), pieces=1)(images(40, 1, 64, 64), seeded()).missing[:, 0].numpy()
    inside = [mask for mask in masks if not (mask[[0, -1]].any() or mask[:, [0, -1]].any())]
    assert len(inside) > 10
    for mask in inside:
        rows, columns = np.nonzero(mask)
        places = np.stack((rows, columns)) - np.mean((rows, columns), axis=1)[:, None]
        across = np.ptp(np.linalg.svd(places, full_matrices=False)[0][:, 1] @ places)
        assert across == pytest.approx(width - 0.5, abs=1.0)  # between the centres of the outermost pixels


def test_strokes_are_counted():
    image = images(100, 1, 64, 64)
    assert Strokes((0,))(image, seeded()).missing.sum() == 0
    hidden = [Strokes((count,))(image, seeded()).missing.mean().item() for count in (1, 4, 16)]
    assert hidden[0] < 0.5 * hidden[1] < 0.5 * hidden[2] < 0.5


STILL = {"turn": 0.0, "scale": 0.0, "shear": 0.0, "shift": 0.0, "bend": 0.0}


def test_warped_pictures_are_marked_as_wholes_and_the_others_stay_to_the_bit():
    image = pictures(200, 2, 8, 9)
    result, missing = Warp(chance=0.5)(image, seeded())[:2]
    hit = missing.amax((1, 2, 3)) > 0
    assert torch.equal(missing, hit.view(-1, 1, 1, 1).expand(200, 1, 8, 9).to(missing.dtype))
    assert 0.4 < hit.double().mean() < 0.6
    assert torch.equal(result[~hit], image[~hit])
    assert (result[hit] != image[hit]).flatten(1).any(1).all()
    assert image.amin() - 1e-9 <= result.amin()
    assert result.amax() <= image.amax() + 1e-9


def test_a_warp_of_nothing_is_the_picture():
    image = pictures(8)
    np.testing.assert_allclose(Warp(chance=1.0, **STILL)(image, seeded()).image, image, atol=1e-6)


@pytest.mark.parametrize(
    "option", [{"turn": 180.0}, {"turn": 10.0}, {"scale": 0.4}, {"shear": 0.4}, {"shift": 0.2}], ids=str
)
def test_a_straight_edge_stays_straight_unless_it_is_bent(option):
    """A ramp is a ramp after any affine map, but for what came from beyond the border."""
    ramp = (torch.arange(48.0, dtype=torch.float64) / 48).expand(40, 1, 48, 48)
    results = Warp(chance=1.0, **(STILL | option))(ramp, seeded()).image[:, 0, 20:28, 20:28]
    for axis in (1, 2):
        assert results.diff(dim=axis).diff(dim=axis).abs().max() < 1e-6
    steps = results.diff(dim=2).mean((1, 2)) * 48
    if "turn" in option:
        least = np.cos(np.radians(option["turn"]))
        assert least - 1e-6 <= steps.min() < least + 0.1
        assert (steps.square() + (results.diff(dim=1).mean((1, 2)) * 48).square()).max() < 1 + 1e-6
    if "scale" in option:
        assert steps.max() <= np.exp(0.4) + 1e-6
        assert steps.min() >= np.exp(-0.4) - 1e-6
    if "shift" in option:
        moved = (results - ramp[:, 0, 20:28, 20:28])[:, 0, 0]
        assert 0.1 < moved.abs().max() <= 0.2 + 1e-6


def test_what_is_bent_moves_each_place_by_itself():
    ramp = (torch.arange(48.0, dtype=torch.float64) / 48).expand(40, 1, 48, 48)
    results = Warp(chance=1.0, **(STILL | {"bend": 0.2}))(ramp, seeded()).image[:, 0, 16:32, 16:32]
    moved = (results - ramp[:, 0, 16:32, 16:32]).flatten(1)
    assert (moved.std(1) > 0.005).double().mean() > 0.3  # half of them are bent
    assert moved.abs().max() < 0.3  # between the corners of the grid a bit more
