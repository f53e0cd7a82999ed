"""Tiles: the same result as the whole picture at once, nothing of a tile's border seen, memory bounded."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import pytest
import torch

from diabolo.errors import Mistake
from diabolo.tiles import Tiling, by_tiles

SIZES = [(1, 1), (1, 700), (700, 1), (7, 9), (64, 64), (65, 64), (513, 515), (300, 130), (1000, 3)]
TYPES = ["uint8", "uint16", "float32", "float64", "bool", "int32"]


def noise(*shape, dtype="uint8"):
    values = np.random.default_rng(0).random(shape)
    if dtype == "bool":
        return values > 0.5
    return (values * np.iinfo(dtype).max).astype(dtype) if np.dtype(dtype).kind in "ui" else values.astype(dtype)


def network(channels):
    """Seven convolutions 3 x 3 at half the resolution: a pixel sees at most 15 pixels to each side."""
    layers = [torch.nn.PixelUnshuffle(2), torch.nn.Conv2d(4 * channels, 8, 3, padding=1)]
    for _ in range(5):
        layers += [torch.nn.ELU(), torch.nn.Conv2d(8, 8, 3, padding=1)]
    layers += [torch.nn.ELU(), torch.nn.Conv2d(8, 12, 3, padding=1), torch.nn.PixelShuffle(2)]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = torch.nn.Sequential(*layers)
        for layer in net:
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight)

    def function(piece):
        with torch.no_grad():
            values = torch.tensor(piece, dtype=torch.float32).permute(2, 0, 1)[None] / 255
            return net(values)[0].permute(1, 2, 0).numpy()

    return function


@pytest.mark.parametrize(("height", "width"), [(200, 333), (129, 128), (90, 400), (257, 131)])
def test_tiled_equals_whole(height, width):
    image, function = noise(height, width, 4), network(4)
    whole = by_tiles(image, function, multiple=2, tile=4096, dtype=np.float32)
    tiled = by_tiles(image, function, multiple=2, tile=128, overlap=64, dtype=np.float32)
    assert whole.shape == (height, width, 3)
    assert whole.std() > 0.1
    np.testing.assert_allclose(tiled, whole, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", TYPES)
def test_identity_gives_the_same_bits(size, dtype):
    image = noise(*size, 2, dtype=dtype)
    before = image.copy()
    result = by_tiles(image, lambda piece: piece, multiple=4, tile=64, overlap=24)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result, before)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(("multiple", "tile", "overlap"), [(1, 64, 32), (6, 96, 40), (16, 70, 0), (8, 512, 64)])
@pytest.mark.parametrize("size", [(150, 90), (1, 600), (513, 63)])
def test_tiles_lie_on_the_grids_and_cover_the_picture(multiple, tile, overlap, size):
    image = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=2)
    pieces = []
    by_tiles(image, lambda piece: pieces.append(piece.copy()) or piece, multiple=multiple, tile=tile, overlap=overlap)
    assert len({piece.shape for piece in pieces}) == 1
    for axis in (0, 1):
        side = pieces[0].shape[axis]
        origins = sorted({int(piece[0, 0, axis]) for piece in pieces})
        assert side <= tile
        assert not any(place % grid for place in (side, *origins) for grid in (multiple, 8))
        assert all(after - before <= side - overlap for before, after in itertools.pairwise([*origins]))
        assert size[axis] <= origins[-1] + side < size[axis] + math.lcm(multiple, 8)


def test_what_is_added_is_the_mirror_where_it_is_large_enough_else_the_last_row():
    image, seen = noise(21, 3, 1), []
    by_tiles(image, lambda piece: seen.append(piece) or piece, multiple=8)
    mirrored = np.pad(image, ((0, 3), (0, 0), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(seen[0], np.pad(mirrored, ((0, 0), (0, 5), (0, 0)), mode="edge"))


def test_the_weights_are_a_partition_and_zero_at_the_edges_between_tiles():
    """Tile by tile a picture of ones among zeros: what comes back is that tile's weight."""
    image = np.zeros((200, 145, 1), np.float32)
    columns, rows = (Tiling.over(length, 8, 80, 40) for length in (145, 200))
    places = list(itertools.product(rows.origins, columns.origins))
    total = np.zeros(image.shape)
    for chosen, (top, left) in enumerate(places):
        calls = itertools.count()
        weight = by_tiles(image, lambda p, c=calls, k=chosen: p + (next(c) == k), multiple=8, tile=80, overlap=40)
        total += weight
        assert weight.min() >= 0
        assert weight.max() == 1
        inside = np.zeros(image.shape, bool)
        near = [0 if start == 0 else start + 10 for start in (top, left)]
        far = [n if start + 80 >= n else start + 70 for start, n in zip((top, left), image.shape, strict=False)]
        inside[near[0] : far[0], near[1] : far[1]] = True
        assert (weight[~inside] == 0).all()
        assert np.abs(np.diff(weight[..., 0], axis=0)).max() < 0.09  # 20 pixels of ramp: steps of pi/2/20 at most
    np.testing.assert_allclose(total, 1, atol=1e-6)


def test_a_border_zone_full_of_nonsense_is_never_seen():
    def function(piece):
        result = piece.astype(np.float32)
        top, left = (int(place) for place in piece[0, 0])
        for axis, start, length in ((0, top, 300), (1, left, 210)):
            lying = np.moveaxis(result, axis, 0)
            side = len(lying)
            lying[: 0 if start == 0 else 16] = -1e9
            lying[side if start + side >= length else side - 16 :] = -1e9
        return result

    image = np.stack(np.meshgrid(np.arange(300), np.arange(210), indexing="ij"), axis=2)
    np.testing.assert_array_equal(by_tiles(image, function, multiple=8, tile=128, overlap=64), image)


def test_whole_numbers_are_rounded_and_clipped_and_floats_left():
    image = np.array([[[0], [1], [3], [255]]], np.uint8)
    result = by_tiles(image, lambda piece: piece * np.float32(1.5) - 1, multiple=1)
    assert result.ravel().tolist() == [0, 0, 4, 255]  # halves go to the even number
    floats = by_tiles(image, lambda piece: piece * np.float32(1.5) - 1, multiple=1, dtype="float32")
    assert floats.ravel().tolist() == [-1, 0.5, 3.5, 381.5]


def test_a_larger_result():
    image = noise(100, 77, 1)
    doubled = by_tiles(image, lambda p: p.repeat(2, 0).repeat(2, 1), multiple=8, tile=48, overlap=16, scale=2)
    np.testing.assert_array_equal(doubled, image.repeat(2, 0).repeat(2, 1))


def test_the_result_goes_where_it_is_told():
    image, out = noise(90, 70, 3), np.zeros((90, 70, 1), np.float32)
    result = by_tiles(image, lambda piece: piece.mean(2, keepdims=True), multiple=8, tile=48, overlap=16, out=[out])
    assert result is out
    np.testing.assert_allclose(out, image.mean(2, keepdims=True), rtol=1e-6)
    parts = [np.zeros((90, 70, 1), np.uint8), np.zeros((90, 70, 2), np.float32)]
    by_tiles(image, lambda piece: piece * np.float32(0.75), multiple=8, tile=48, overlap=16, out=parts)
    np.testing.assert_array_equal(parts[0], np.rint(image[..., :1] * 0.75))
    np.testing.assert_allclose(parts[1], image[..., 1:] * 0.75)
    with pytest.raises(Mistake, match=r"another shape.*\(90, 70, 3\)"):
        by_tiles(image, lambda piece: piece, multiple=8, tile=48, overlap=16, out=[out])


@pytest.mark.parametrize(
    ("tile", "overlap", "grid"), [(512, 96, 8), (64, 32, 8), (96, 20, 16), (48, 24, 24), (70, 0, 8)]
)
def test_tiles_overlap_as_told_and_are_no_larger_than_they_need_be(tile, overlap, grid):
    for length in range(1, 4 * tile, 7):
        tiling = Tiling.over(length, grid, tile, overlap)
        gaps = np.diff(tiling.origins)
        assert tiling.side <= max(tile, grid)
        assert tiling.origins[-1] + tiling.side == -(-length // grid) * grid
        assert (tiling.side - gaps >= overlap).all()
        assert not np.any(np.array((*tiling.origins, tiling.side)) % grid)
        edges = [0, *itertools.chain(*tiling.ramps), length]
        assert edges == sorted(edges)
    assert len(Tiling.over(tile + 1, grid, tile, overlap).origins) == 2
    assert Tiling.over(520, 8, 512, 96).side == 312  # and not 512, which would be 2.7 times the work


def test_memory_is_bounded():
    """6000 x 4000 colour: 288 MB as floats; beside image and result there are two strips of 512 rows at most."""
    image = np.zeros((6000, 4000, 3), np.uint8)
    out = np.empty_like(image)
    tracemalloc.start()
    try:
        by_tiles(image, lambda piece: piece.astype(np.float32), multiple=8, out=[out])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * 512 * 4000 * 3 * 4


def test_progress_is_told_after_each_tile():
    told = []
    progress = lambda done, total: told.append((done, total))  # noqa: E731
    by_tiles(noise(100, 90, 1), lambda piece: piece, multiple=8, tile=48, overlap=16, progress=progress)
    assert told == [(done, 9) for done in range(1, 10)]


def test_an_interrupt_passes_through():
    def function(piece):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        by_tiles(noise(10, 10, 1), function, multiple=8)


@pytest.mark.parametrize(
    ("shape", "options", "word"),
    [
        ((10, 10), {}, "not a picture"),
        ((0, 10, 1), {}, "not a picture"),
        ((10, 10, 1), {"tile": 24, "multiple": 16}, "at least 32"),
        ((10, 10, 1), {"tile": 70, "overlap": 33}, "0 to 32"),
        ((10, 10, 1), {"overlap": -1}, "overlap"),
        ((10, 10, 1), {"multiple": 0}, "1 or more"),
    ],
)
def test_what_does_not_fit_is_refused(shape, options, word):
    with pytest.raises(Mistake, match=word):
        by_tiles(np.zeros(shape), lambda piece: piece, **{"multiple": 8, **options})


def test_a_function_that_changes_the_size_is_refused():
    with pytest.raises(Mistake, match="changed the size"):
        by_tiles(noise(10, 10, 1), lambda piece: piece[1:], multiple=8)
