"""Regions, tiles, and many pictures in one file: each is what the whole, or each alone, would be."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut
from tiny_codec import compressor, of_kind, psnr

from diabolo.errors import Mistake
from diabolo.pixels import Picture
from diabolo.tasks.compress import Compressor, codec, container, symbols

SQUARE = astronaut()[60:260, 120:320]


@contextlib.contextmanager
def tiles_of(side: int) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container, "TILE", side)
        patch.setattr(codec, "TILE", side)
        yield patch


REGIONS = [(0, 0, 200, 200), (0, 0, 1, 1), (199, 199, 1, 1), (37, 50, 101, 90), (64, 0, 64, 9)]


@pytest.mark.parametrize("side", [64, 1024])
@pytest.mark.parametrize("exact", [False, True])
def test_a_region_is_the_cut_of_the_whole(exact: bool, side: int) -> None:
    task, before = compressor(quality=50, exact=exact), np.dstack([SQUARE, SQUARE[..., 0]])
    with tiles_of(side):
        data = task.compress(before)
        whole = task.decompress(data)
        for top, left, height, width in REGIONS:
            cut, wanted = task.decompress(data, (top, left, height, width)), whole[top:, left:][:height, :width]
            assert cut.shape == (height, width, 4)
            assert np.abs(cut.astype(int) - wanted).max() <= (0 if exact else 1)


def test_only_the_tiles_around_a_region_are_decoded() -> None:
    with tiles_of(64) as patch:
        data = compressor().compress(SQUARE)
        assert len(container.unpack(data)[1]) == 16
        done: list[Any] = []
        decode = symbols.decode
        patch.setattr(symbols, "decode", lambda *given: done.append(given[3]) or decode(*given))
        for region, tiles in {(0, 0, 9, 9): 1, (0, 0, 9, 30): 2, (60, 60, 8, 8): 4, (196, 196, 4, 4): 4}.items():
            done.clear()
            compressor().decompress(data, region)
            assert len(done) == tiles, region
        heard: list[tuple[int, int]] = []
        compressor().decompress_pictures(data, (0, 0, 9, 30), lambda *told: heard.append(told))
        assert heard == [(1, 2), (2, 2)]


@pytest.mark.parametrize("quality", [10, 60])
def test_no_seam_shows_between_tiles(quality: int) -> None:
    whole = compressor().decompress(compressor(quality=quality).compress(SQUARE))
    with tiles_of(64):
        tiled = compressor().decompress(compressor(quality=quality).compress(SQUARE))
    assert abs(psnr(SQUARE, tiled) - psnr(SQUARE, whole)) < 0.3
    beside = np.isin(np.arange(200) % 64, (63, 0)) & (np.arange(200) > 0)
    seams = beside[:, None] | beside
    assert abs(psnr(SQUARE[seams], tiled[seams]) - psnr(SQUARE[seams], whole[seams])) < 0.7


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 201, 5), (0, 196, 5, 5), (0, 0, 0, 5), (5, 5, 5, -1)])
def test_a_region_outside(region: tuple[int, int, int, int]) -> None:
    with pytest.raises(Mistake, match=r"outside the picture.*allowed: within 200 x 200 pixels"):
        compressor().decompress(compressor().compress(SQUARE), region)


def test_a_region_outside_a_turned_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compressor, "_best_turn", lambda *_: 1)
    data = compressor().compress(SQUARE[:20, :50])
    with pytest.raises(Mistake, match=r"got x 30, y 4, 30 x 8; allowed: within 50 x 20 pixels"):
        compressor().decompress(data, (4, 30, 8, 30))


@pytest.mark.parametrize("kind", ["grey", "colour", "colour, clear"])
def test_many_pictures_in_one_file(kind: str) -> None:
    pictures = [of_kind(40, 30 + 9 * i, kind)[:, 9 * i :] for i in range(5)]
    names = ["a.png", "b/ä.jpg", "", "a.png", "雪" * 50]
    given = [
        Picture(*map(np.ascontiguousarray, (p[..., :3], p[..., 3]) if "clear" in kind else (p,))) for p in pictures
    ]
    with tiles_of(64):  # three at a time
        data = compressor(quality=80).compress_pictures(given, names)
        assert len(container.unpack(data)[1]) == 2
        after, told = compressor().decompress_pictures(data)
        assert list(told) == names
        stacked = compressor().decompress(data)
        assert stacked.shape == (5, *pictures[0].shape)
        for before, picture, array in zip(given, after, stacked, strict=True):
            assert psnr(before.values, picture.values) > 33
            np.testing.assert_array_equal(array[..., :3] if "clear" in kind else array, picture.values)
            if before.alpha is not None:
                np.testing.assert_array_equal(picture.alpha, before.alpha)
        cut = compressor().decompress(data, (7, 3, 20, 11))
        assert np.abs(cut.astype(int) - stacked[:, 7:27, 3:14]).max() <= 1
    alone = [compressor(quality=80).compress_picture(picture) for picture in given]
    assert len(data) < sum(map(len, alone)) + 2 * len(names[-1])
    with pytest.raises(Mistake, match=r"of one size and kind: got 30 x 40.* and 40 x 30"):
        compressor().compress_pictures([*given, Picture(np.zeros((30, 40, 3), np.uint8))], [*names, "z"])
    with pytest.raises(Mistake, match="a name for each"):
        compressor().compress_pictures(given, names[1:])
