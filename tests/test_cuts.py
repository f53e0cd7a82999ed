"""Squares cut from pictures: within them, or over their edges."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diabolo.training.cuts import Cut

sides = st.integers(1, 40)
places = st.floats(0, 1, exclude_max=True)


def numbered(height: int, width: int) -> np.ndarray:
    """A grey picture of which every pixel is another number, none of them 0."""
    return np.arange(1, height * width + 1, dtype=np.int32).reshape(height, width)


@given(sides, sides, st.integers(2, 40), places, places, st.integers(1, 39), st.integers(0, 3))
def test_a_square_over_edges_shows_the_picture_and_says_where(
    height: int, width: int, side: int, y: float, x: float, margin: int, channels: int
) -> None:
    margin = min(margin, side - 1)
    grey = numbered(height, width)
    image = np.stack([grey] * channels, 2) if channels else grey
    square = Cut(side, y, x, margin)(image)
    assert square.shape == (side, side, (channels or 1) + 1)
    inside = square[..., -1]
    assert set(np.unique(inside)) <= {0, 1}
    assert not square[inside == 0].any()
    rows, columns = inside.any(1).nonzero()[0], inside.any(0).nonzero()[0]
    seen = square[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert seen[..., -1].all()
    top, left = divmod(int(seen[0, 0, 0]) - 1, width)
    expected = grey[top : top + len(rows), left : left + len(columns)]
    assert (seen[..., :-1] == expected[..., None]).all()
    # What is missing lies beyond an edge of the picture.
    assert rows[0] == 0 or top == 0
    assert columns[0] == 0 or left == 0
    assert rows[-1] == side - 1 or top + len(rows) == height
    assert columns[-1] == side - 1 or left + len(columns) == width


@given(sides, sides, st.integers(0, 20), places, places)
def test_a_picture_that_fits_into_the_square_is_seen_whole(
    height: int, width: int, spare: int, y: float, x: float
) -> None:
    margin = 3
    side = max(height, width) + 2 * margin + spare
    square = Cut(side, y, x, margin)(numbered(height, width))
    assert square[..., -1].sum() == height * width


def test_squares_hang_over_by_the_margin_and_no_more() -> None:
    picture = numbered(30, 30)
    first, last = Cut(10, 0, 0, 4)(picture), Cut(10, 0.9999, 0.9999, 4)(picture)
    assert first[..., -1].sum() == last[..., -1].sum() == 36
    assert first[4, 4, 0] == 1
    assert last[5, 5, 0] == 900


@given(sides, sides, sides, places, places)
def test_without_a_margin_a_square_is_all_picture(height: int, width: int, side: int, y: float, x: float) -> None:
    square = Cut(side, y, x)(numbered(height, width))
    assert square.shape == (side, side)
    assert square.all()
