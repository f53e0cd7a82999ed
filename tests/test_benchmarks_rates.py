"""The rate-distortion figures of the codec's benchmark: BD-rates, averages, and what is kept of the points."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import _rates  # noqa: E402
from benchmarks._rates import Curve, Point, bd_rate  # noqa: E402

RATES = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
STEPS = np.array([25.0, 28.0, 30.5, 33.0, 37.0])


def point(setting: float, photo: int, size: int, psnr: float, ms_ssim: float = 0.9) -> Point:
    return Point(setting, photo, 800, size, psnr, ms_ssim, 0.01, 0.02, 0)


def line(slope: float, start: float, qualities: np.ndarray) -> Curve:
    """Rates whose logarithm is a straight line over the quality."""
    return np.exp(start + slope * qualities), qualities


def test_a_curve_beside_itself() -> None:
    assert bd_rate((RATES, STEPS), (RATES, STEPS)) == 0


@pytest.mark.parametrize("factor", [0.5, 0.9, 2.0])
def test_files_smaller_by_a_factor(factor: float) -> None:
    assert bd_rate((RATES, STEPS), (factor * RATES, STEPS)) == pytest.approx(100 * (factor - 1))


def test_order_of_the_settings_does_not_count() -> None:
    order = [3, 0, 4, 1, 2]
    assert bd_rate((RATES[order], STEPS[order]), (0.5 * RATES, STEPS)) == pytest.approx(-50)


def test_straight_lines_have_a_closed_form() -> None:
    """The mean difference of two lines is their difference in the middle of what they share: here of 28 to 36 dB."""
    anchor, other = line(0.20, -8, np.array([26, 29, 33, 36.0])), line(0.15, -7, np.array([28, 30, 35, 40.0]))
    assert _rates.overlap(anchor, other) == (28, 36)
    assert bd_rate(anchor, other) == pytest.approx(100 * (np.exp(1 - 0.05 * 32) - 1))
    assert (1 + bd_rate(anchor, other) / 100) * (1 + bd_rate(other, anchor) / 100) == pytest.approx(1)


def test_a_setting_that_is_no_better_than_a_smaller_one_is_left_out() -> None:
    rates, qualities = np.insert(RATES, 3, [0.5, 0.6]), np.insert(STEPS, 3, [30.5, 29.0])
    assert np.array_equal(_rates.rising((rates, qualities)), (RATES, STEPS))
    assert bd_rate((RATES, STEPS), (0.5 * rates, qualities)) == pytest.approx(-50)


def test_curves_without_a_quality_in_common() -> None:
    with pytest.raises(ValueError, match=r"no quality in common: 25\.00 to 37\.00 dB and 38\.00 to 50\.00 dB"):
        bd_rate((RATES, STEPS), (RATES, STEPS + 13))


def test_a_curve_of_one_point() -> None:
    with pytest.raises(ValueError, match="two points of rising quality, got 1 of 2"):
        bd_rate((RATES, STEPS), (np.array([0.1, 0.2]), np.array([30.0, 29.0])))


def test_the_average_photo() -> None:
    """Rates and qualities are averaged before anything else; MS-SSIM before it becomes decibels."""
    points = [
        point(1, 0, 10, 30, 0.98),
        point(1, 1, 30, 34, 0.90),
        point(2, 0, 50, 36, 0.99),
        point(2, 1, 70, 38, 0.99),
    ]
    rates, qualities = _rates.curve(points, "psnr")
    assert rates.tolist() == [0.2, 0.6]
    assert qualities.tolist() == [32, 37]
    assert _rates.curve(points, "ms_ssim")[1] == pytest.approx([-10 * np.log10(0.06), 20])


def test_mean_of_the_photos_own_rates() -> None:
    """One photo's files are half as large, the other's, which are the larger, a quarter smaller."""
    anchor = [point(s, k, size * 8, 28 + 2 * s + k) for k, size in ((0, 10), (1, 100)) for s in (1, 2, 3)]
    other = [point(p.setting, p.photo, p.bytes * (4 if p.photo == 0 else 6) // 8, p.psnr) for p in anchor]
    grown = [[point(p.setting, p.photo, int(p.bytes * 2**p.setting), p.psnr) for p in side] for side in (anchor, other)]
    assert _rates.mean_of_photos(grown[0], grown[1], "psnr") == pytest.approx((-50 - 25) / 2)


def test_quality_of_a_photo() -> None:
    photo = np.random.default_rng(0).integers(0, 250, (192, 200, 3), np.uint8)
    found = _rates.quality(photo + np.uint8([3, 0, 0]), photo)
    assert found["psnr"] == pytest.approx(10 * np.log10(255**2 / 3), abs=1e-4)
    assert 0.99 < found["ms_ssim"] < 1
    with pytest.raises(ValueError, match="decoded float64"):
        _rates.quality(photo / 255, photo)


def test_points_are_read_as_they_were_kept() -> None:
    points = {"WebP": [point(0.5, 0, 1234, 30.25)], "ours, effort 1": [point(20, 3, 999, 31.5, 0.987654)]}
    assert _rates.read(_rates.lines(points)) == points


def test_published_curves(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"results": {"bpp": [0.1, 0.2], "psnr-rgb": [27, 29], "ms-ssim-rgb": [0.9, 0.99]}}))
    held = _rates.published(file)
    assert held["psnr"][1].tolist() == [27, 29]
    assert held["ms_ssim"][1] == pytest.approx([10, 20])
    file.write_text(json.dumps({"results": {"bpp": [0.1, 0.2], "psnr": [27, 29]}}))
    assert list(_rates.published(file)) == ["psnr"]
