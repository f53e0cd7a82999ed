"""Preprocessing: raw arrays to network tensors and back, without a silent change of shape or scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2gray

from diabolo.errors import Mistake
from diabolo.preprocessing import Conversion, Preprocessing, network_shape

GREY = Conversion((1, 4, 5), "grey", "uint8")
COLOUR = Conversion((3, 4, 5), "channels", "uint8")
TABLE = Conversion((3,), "vector", "float64", offset=(10.0,), scale=(5.0,))


@pytest.mark.parametrize(
    ("image", "shape", "layout"),
    [
        ((7,), (7,), "vector"),
        ((4, 5), (1, 4, 5), "grey"),
        ((4, 5, 1), (1, 4, 5), "channels"),
        ((4, 5, 3), (3, 4, 5), "channels"),
        ((28, 28, 4), (4, 28, 28), "channels"),
    ],
)
def test_shapes(image: tuple[int, ...], shape: tuple[int, ...], layout: str) -> None:
    assert network_shape(image) == (shape, layout)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ((3, 28, 28), r"channels come first: got images of shape \(3, 28, 28\).*x.transpose\(0, 2, 3, 1\)"),
        ((1, 28, 28), "channels come first"),
        ((), "not pictures or vectors"),
        ((2, 3, 4, 5), "not pictures or vectors"),
    ],
)
def test_shapes_that_are_refused(image: tuple[int, ...], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        network_shape(image)


@pytest.mark.parametrize(
    ("dtype", "top"), [("uint8", 255), ("uint16", 65535), ("bool", 1), ("float32", 1.0), ("float64", 1.0)]
)
def test_units(dtype: str, top: float) -> None:
    raw = np.array([[[0, top], [top, 0]]], dtype)
    conversion = Conversion((1, 2, 2), "grey", dtype)
    network = conversion.to_network(raw)
    assert network.dtype == torch.float32
    assert network.tolist() == [[[[0.0, 1.0], [1.0, 0.0]]]]
    again = conversion.from_network(network)
    assert again.dtype == raw.dtype
    assert np.array_equal(again, raw)
    assert raw.flags.writeable


@given(
    data=st.data(), dtype=st.sampled_from(["uint8", "uint16"]), layout=st.sampled_from(["grey", "channels", "vector"])
)
def test_whole_numbers_come_back_as_they_were(data: st.DataObject, dtype: str, layout: str) -> None:
    """With any two values as the range, too: 0 and 1 for the network where there are no others."""
    seed, low, high = (data.draw(st.integers(0, np.iinfo(dtype).max)) for _ in range(3))
    shape = {"grey": (3, 4, 5), "channels": (3, 4, 5, 2), "vector": (3, 7)}[layout]
    raw = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    unit = float(np.iinfo(dtype).max)
    scaling = ((low / unit,), ((high - low) / unit or 1.0,)) if high > low else ((0.0,), (1.0,))
    conversion = Conversion(network_shape(shape[1:])[0], layout, dtype, *scaling)
    if abs(scaling[1][0]) > 0.01:
        assert np.array_equal(conversion.from_network(conversion.to_network(raw)), raw)


def test_whole_numbers_are_rounded_and_clipped() -> None:
    values = torch.tensor([[[[-3.0, 0.5], [1.7, 0.999]]]])
    assert Conversion((1, 2, 2), "grey", "uint8").from_network(values).tolist() == [[[0, 128], [255, 255]]]
    assert Conversion((1, 2, 2), "grey", "bool").from_network(values).tolist() == [[[False, False], [True, True]]]
    kept = Conversion((1, 2, 2), "grey", "uint8").from_network(values, np.float32)
    assert kept.dtype == np.float32
    assert kept.min() == -3


def test_channels_are_moved_not_mixed() -> None:
    raw = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    network = COLOUR.to_network(raw)
    assert network.shape == (2, 3, 4, 5)
    np.testing.assert_allclose(network[1, 2, 3, 4], raw[1, 3, 4, 2] / 255, rtol=1e-6)
    assert np.array_equal(COLOUR.from_network(network), raw)


def test_learned_ranges_and_columns() -> None:
    raw = np.array([[10.0, 15.0, 12.5]])
    assert TABLE.to_network(raw).tolist() == [[0.0, 1.0, 0.5]]
    np.testing.assert_allclose(TABLE.from_network(TABLE.to_network(raw)), raw)
    columns = Conversion((3,), "vector", "float64", (1e9, 0.0, -1.0), (1.0, 1e-3, 2.0))
    raw = np.array([[1e9 + 0.5, 2e-3, 3.0]])
    assert columns.to_network(raw).tolist() == [[0.5, 2.0, 2.0]]
    np.testing.assert_allclose(columns.from_network(columns.to_network(raw)), raw, rtol=1e-15)
    assert TABLE.to_network(np.array([[10, 15, 20]])).tolist() == [[0.0, 1.0, 2.0]]


@pytest.mark.parametrize(
    ("conversion", "raw", "message"),
    [
        (GREY, np.zeros((2, 5, 4), np.uint8), r"another size: got shape \(2, 5, 4\); allowed: shape \(n, 4, 5\)"),
        (GREY, np.zeros((2, 20), np.uint8), r"another kind: got shape \(2, 20\)"),
        (GREY, np.zeros((4, 5), np.uint8), "another kind"),
        (GREY, np.zeros((2, 4, 5, 1), np.uint8), "another kind"),
        (GREY, np.zeros((), np.uint8), "another kind"),
        (COLOUR, np.zeros((2, 3, 4, 5), np.uint8), "another size"),
        (COLOUR, np.zeros((2, 4, 5, 4), np.uint8), "another size"),
        (TABLE, np.zeros((2, 4)), "another size"),
        (TABLE, np.zeros((2, 3), np.uint8), "learned from floats: got uint8 values"),
        (GREY, np.full((2, 4, 5), 255.0), r"got 255 to 255; allowed: 0 to 1; try: x.astype\('uint8'\), or x / 255"),
        (GREY, np.full((2, 4, 5), 200, np.int64), "int64 stands for 0..1"),
        (GREY, np.full((2, 4, 5), np.nan), "NaN or infinity in the data: got 40 such values"),
        (TABLE, np.full((2, 3), np.inf), "NaN or infinity"),
        (GREY, np.zeros((2, 4, 5), complex), "not numbers: got complex128"),
        (GREY, np.zeros((2, 4, 5), object), "not numbers: got object"),
        (GREY, np.full((2, 4, 5), "a"), "not numbers: got <U1"),
    ],
)
def test_arrays_that_do_not_fit(conversion: Conversion, raw: Any, message: str) -> None:
    with pytest.raises(Mistake, match=message) as caught:
        conversion.to_network(raw)
    assert "\n" not in str(caught.value)


def test_floats_of_a_model_of_bytes_stand_for_0_to_1() -> None:
    raw = np.random.default_rng(0).integers(0, 256, (2, 4, 5), np.uint8)
    assert torch.allclose(GREY.to_network(raw), GREY.to_network(raw.astype(np.float32) / 255))


def test_any_size() -> None:
    conversion = Conversion((3, 4, 5), "channels", "uint8", any_size=True)
    assert conversion.to_network(np.zeros((2, 9, 1, 3), np.uint8)).shape == (2, 3, 9, 1)
    assert conversion.describe() == "(n, h, w, 3)"
    with pytest.raises(Mistake, match="another size"):
        conversion.to_network(np.zeros((2, 9, 1, 4), np.uint8))


def test_the_input_stays_as_it_is() -> None:
    for raw in (np.ones((2, 4, 5), np.float32), np.ones((2, 4, 5), np.uint8)):
        before = raw.copy()
        GREY.to_network(raw).add_(1) if raw.dtype == np.uint8 else Conversion(
            (1, 4, 5), "grey", "float32", (0.5,), (2.0,)
        ).to_network(raw).add_(1)
        assert np.array_equal(raw, before)
    frozen = np.ones((2, 4, 5), np.float32)
    frozen.flags.writeable = False
    Conversion((1, 4, 5), "grey", "float32").to_network(frozen).add_(1)
    assert frozen.max() == 1


def test_pictures_become_squares_of_one_side() -> None:
    wanted = Preprocessing(side=8)
    assert wanted.picture(np.zeros((20, 30), np.uint8), 0).shape == (8, 8)
    assert wanted.picture(np.zeros((20, 30, 3), np.uint8), 3).shape == (8, 8, 3)
    middle = np.zeros((8, 20), np.uint8)
    middle[:, 6:14] = 200
    assert np.array_equal(wanted.picture(middle, 0), np.full((8, 8), 200))
    vector = np.zeros(7)
    assert wanted.picture(vector, 0) is vector


def test_colour_becomes_grey_and_grey_colour() -> None:
    colour = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    grey = Preprocessing().picture(colour, 1)
    assert grey.shape == (6, 7)
    assert grey.dtype == np.uint8
    assert np.abs(grey / 255 - rgb2gray(colour)).max() < 0.12  # of BT.709's weights, not BT.601's
    expected = np.rint(colour @ np.array([0.299, 0.587, 0.114]))
    assert np.array_equal(grey, expected)
    again = Preprocessing().picture(grey, 3)
    assert again.shape == (6, 7, 3)
    assert (again == grey[..., None]).all()
    with pytest.raises(Mistake, match="2 channels cannot become one of 3"):
        Preprocessing().picture(np.zeros((6, 7, 2), np.uint8), 3)


@pytest.mark.parametrize("options", [{"side": -1}, {"side": 10**6}, {"channels": 4}, {"scaling": "rows"}])
def test_wishes_that_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(Mistake, match="not allowed"):
        Preprocessing(**options)
