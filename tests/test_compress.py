"""Compressing in Python: every kind of picture, sizes that are asked for, other models, and refusals."""

from __future__ import annotations

import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageCms
from skimage.data import astronaut, camera
from sklearn.base import clone
from tiny_codec import TINY, compressor, of_kind, photo, psnr, tiny_codec

from diabolo import artifact
from diabolo.errors import Mistake
from diabolo.pixels import Picture
from diabolo.starters import starter
from diabolo.tasks.compress import Compressor, codec, container, orientation

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SQUARE = astronaut()[60:260, 120:320]
SMALL = SQUARE[20:100, 40:136]
GREY = camera()[100:164, 180:268]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("kind", ["grey", "colour", "flat", "grey, clear", "colour, clear"])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (8, 8), (33, 65), (100, 17)], ids=str)
def test_every_kind_and_size_comes_back(size: tuple[int, int], kind: str, dtype: str) -> None:
    before = of_kind(*size, kind, dtype)
    after = compressor(quality=90).decompress(compressor(quality=90).compress(before))
    assert after.dtype == before.dtype
    assert after.shape == (size if kind == "flat" else before.shape)
    channels = 0 if "clear" not in kind else before.shape[2] - 1
    if channels:
        np.testing.assert_array_equal(after[..., channels], before[..., channels])
    values = before[..., :channels] if channels else before.reshape(after.shape)
    assert psnr(after[..., :channels] if channels else after, values) > 33


def test_one_task_for_all_and_nothing_changes_what_is_given() -> None:
    task, before = compressor(), SQUARE.copy()
    before.flags.writeable = False
    first = task.compress(before)
    assert task.compress(before[::-1, ::-1][::-1, ::-1]) == first
    assert compressor().compress(np.asfortranarray(before)) == first
    np.testing.assert_array_equal(task.decompress(first), task.decompress(bytearray(first)))
    np.testing.assert_array_equal(before, SQUARE)


def test_more_quality_is_a_larger_file_and_a_nearer_picture() -> None:
    for before in (SMALL, GREY):
        qualities = (1, 20, 40, 60, 80, 100)
        files = [compressor(quality=quality).compress(before) for quality in qualities]
        assert sorted({len(data) for data in files}) == [len(data) for data in files]
        nearness = [psnr(before, compressor().decompress(data)) for data in files]
        assert all(high > low + 1 for low, high in itertools.pairwise(nearness))
        assert nearness[-1] > 45


@pytest.mark.parametrize("effort", [1, 2])
@pytest.mark.parametrize("quality", [5, 50, 95])
def test_the_size_is_foretold(quality: int, effort: int) -> None:
    for before in (SMALL, GREY, of_kind(33, 65, "colour, clear", "uint16"), SQUARE[:1, :1]):
        task = compressor(quality=quality, effort=effort)
        assert abs(len(task.compress(before)) - task.estimate_) <= 0.005 * task.estimate_ + 40
        assert task.quality_ == quality


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_picture_is_the_same_picture(turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The greatest effort tries all eight turns; nothing but the file's bytes tells which one was taken."""
    before = of_kind(33, 65, "colour, clear")
    data, best = {}, 0
    for best in (0, turn):
        monkeypatch.setattr(Compressor, "_best_turn", lambda *_: best)  # noqa: B023
        data[best] = compressor(quality=80).compress(before)
    whole = compressor().decompress(data[turn])
    np.testing.assert_array_equal(whole[..., 3], before[..., 3])
    assert psnr(before[..., :3], whole[..., :3]) > 38
    assert container.unpack(data[turn])[0].turn == turn
    for top, left, height, width in [(0, 0, 33, 65), (5, 40, 28, 3), (30, 0, 1, 65)]:
        cut = compressor().decompress(data[turn], (top, left, height, width))
        assert np.abs(cut.astype(int) - whole[top:, left:][:height, :width]).max() <= 1


@pytest.mark.parametrize("effort", [1, 2, 3, 6, 9])
def test_effort_tries_as_many_turns_and_takes_the_best(effort: int, monkeypatch: pytest.MonkeyPatch) -> None:
    costs: dict[bytes, float] = {}
    cost = codec.Codec.cost

    def told(self: Any, images: np.ndarray, quality: int) -> float:
        return costs.setdefault(images.tobytes(), cost(self, images, quality))

    monkeypatch.setattr(codec.Codec, "cost", told)
    header, _, _ = container.unpack(compressor(effort=effort, quality=40).compress(SMALL))
    assert len(costs) == max(0, effort - 1) if effort > 2 else not costs
    taken = orientation.turned(SMALL[None], header.turn)
    assert min(costs, key=costs.__getitem__, default=taken.tobytes()) == taken.tobytes()
    assert (header.height, header.width) == taken.shape[1:3]


def test_effort_makes_no_file_larger_and_costs_little() -> None:
    for quality in (20, 60, 90):
        little, much = (compressor(quality=quality, effort=effort).compress(SQUARE) for effort in (1, 2))
        assert 0.8 * len(little) < len(much) < len(little)
        a, b = (psnr(SQUARE, compressor().decompress(data)) for data in (little, much))
        assert a - 0.6 < b < a


@pytest.mark.parametrize(
    ("target", "most"), [({"target_size": 1500}, 1500), ({"target_size": 9000}, 9000), ({"target_bpp": 0.8}, 4000)]
)
@pytest.mark.parametrize("effort", [1, 3])
def test_a_size_is_met_and_never_passed(target: dict[str, float], most: int, effort: int) -> None:
    task = compressor(effort=effort, **target)
    data = task.compress(SQUARE)
    assert 0.98 * most <= len(data) <= most
    assert 1 < task.quality_ < 100
    assert task.decompress(data).shape == SQUARE.shape


def test_sizes_that_cannot_be_met() -> None:
    with pytest.raises(Mistake, match=r"cannot be made so small: got 60 bytes; allowed: \d+ or more"):
        compressor(target_size=60).compress(SMALL)
    task = compressor(target_size=10**9)
    assert len(task.compress(SMALL)) < 10**6
    assert task.quality_ == 100
    least = len(compressor(quality=1).compress(SMALL))
    assert len(compressor(target_size=least).compress(SMALL)) == least


def test_nearness_is_reached_by_the_least_quality() -> None:
    task = compressor(target_psnr=34.0)
    data = task.compress(SMALL)
    assert psnr(SMALL, task.decompress(data)) >= 34
    less = compressor(quality=task.quality_ - 1)
    assert psnr(SMALL, less.decompress(less.compress(SMALL))) < 34
    with pytest.raises(Mistake, match=r"no quality comes so near: got 90 dB; allowed: up to [45]\d"):
        compressor(target_psnr=90).compress(SMALL)


def test_the_colour_profile_is_kept_where_it_fits() -> None:
    for values, kept in ((SQUARE[:16, :16], ICC), (GREY[:16, :16], None)):
        data = compressor().compress_picture(Picture(values, icc=ICC))
        (picture,), names = compressor().decompress_pictures(data)
        assert picture.icc == kept
        assert names == ()


def test_another_model_is_refused_by_name() -> None:
    data = Compressor(tiny_codec()).compress(SQUARE[:16, :16])
    own = codec.Codec(photo()).digest.hex()
    with pytest.raises(Mistake, match=f"made with another model: got own [0-9a-f]{{12}}, and this is {own}; try: -m"):
        compressor().decompress(data)
    with pytest.raises(Mistake, match="got photo "):
        Compressor(tiny_codec()).decompress(Compressor().compress(SQUARE[:16, :16]))
    assert codec.Codec(tiny_codec(seed=1)).digest != codec.Codec(tiny_codec()).digest


GREY_CODEC = tiny_codec(1)
MISTAKES: dict[str, tuple[Any, str]] = {
    "quality 0": (lambda: compressor(quality=0).compress(GREY), "quality is not allowed: got 0.*1 to 100"),
    "quality 101": (lambda: compressor(quality=101).compress(GREY), "quality is not allowed: got 101"),
    "quality 1.5": (lambda: compressor(quality=1.5).compress(GREY), "quality is not allowed: got 1.5"),
    "quality true": (lambda: compressor(quality=True).compress(GREY), "quality is not allowed: got True"),
    "effort 10": (lambda: compressor(effort=10).compress(GREY), "effort is not allowed: got 10.*1 to 9"),
    "two targets": (lambda: compressor(target_size=9, target_psnr=9).compress(GREY), "--target-size and --target-psnr"),
    "a size of 0": (lambda: compressor(target_size=0).compress(GREY), "--target-size is not allowed: got 0"),
    "bits below 0": (lambda: compressor(target_bpp=-1).compress(GREY), "--target-bpp is not allowed"),
    "a PSNR of NaN": (lambda: compressor(target_psnr=float("nan")).compress(GREY), "--target-psnr is not allowed"),
    "floats": (lambda: compressor().compress(np.zeros((8, 8), np.float32)), "floats cannot be compressed: got float32"),
    "doubles": (lambda: compressor().compress(np.zeros((8, 8))), "not the numbers of a picture: got float64"),
    "five channels": (lambda: compressor().compress(np.zeros((8, 8, 5), np.uint8)), "not the shape of a picture"),
    "nothing": (lambda: compressor().compress(GREY[:0]), "not the shape of a picture"),
    "too many pixels": (lambda: compressor().compress(np.broadcast_to(np.uint8(1), (2**15, 2**15))), "too many pixels"),
    "too long": (lambda: compressor().compress(np.broadcast_to(np.uint8(1), (1, 2**20 + 1))), "too many pixels"),
    "colour for grey": (lambda: Compressor(GREY_CODEC).compress(SQUARE), "for grey pictures: got a picture in colour"),
    "another network": (lambda: Compressor(starter("deblock")).compress(GREY), "no codec: got unet with a plain"),
    "a number": (lambda: Compressor(7).compress(GREY), "not a model: got int"),
    "no file of ours": (lambda: compressor().decompress(b"\x89PNG" + bytes(99)), "no file of diabolo compress"),
    "an empty file": (lambda: compressor().decompress(b""), "no file of diabolo compress"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(Mistake, match=message) as told:
        call()
    assert "\n" not in str(told.value)


def test_the_manners_of_scikit_learn() -> None:
    task = Compressor(quality=30, effort=2, exact=True, options=TINY)
    task.compress(GREY)
    copy = clone(task)
    assert copy.get_params() == task.get_params()
    assert not hasattr(copy, "quality_")
    data = copy.set_params(quality=70).compress(GREY)
    assert copy.quality_ == 70
    assert copy.compress(GREY) == data
    np.testing.assert_array_equal(copy.decompress(data), task.decompress(data))


def test_numbers_of_numpy_are_numbers() -> None:
    assert compressor(quality=np.int64(30), effort=np.int32(2)).compress(GREY) == compressor(
        quality=30, effort=2
    ).compress(GREY)


def test_a_task_that_was_used_is_pickled() -> None:
    task = compressor()
    data = task.compress(GREY)
    assert pickle.loads(pickle.dumps(task)).compress(GREY) == data  # noqa: S301


@pytest.mark.parametrize("grey", [False, True])
def test_a_fitted_codec_is_saved_and_reads_what_it_wrote_before(grey: bool, tmp_path: Path) -> None:
    squares = [astronaut()[20 * i : 20 * i + 48, 60 + 20 * i : 108 + 20 * i] for i in range(10)]
    batch = np.stack([square[..., 0] for square in squares] if grey else squares)
    options = TINY | {"epochs": 2, "batch_size": 4, "crop": 32, "validation": 0.2}
    task = Compressor(options=options, quality=80).fit(batch)
    assert psnr(batch[0], task.decompress(task.compress(batch[0]))) > 30
    before = [GREY, batch[1], of_kind(33, 65, "grey, clear", "uint16")]
    files = [task.compress(image) for image in before]
    for half in (True, False):
        path = tmp_path / f"half-{half}.diabolo"
        artifact.save(task.model_, path, half=half)
        again = Compressor(str(path), quality=80)
        for image, data in zip(before, files, strict=True):
            np.testing.assert_array_equal(again.decompress(data), task.decompress(data))
            assert again.compress(image)[:-4].endswith(data[len(data) // 2 : -4])  # all but the name of the model
    assert (tmp_path / "half-True.diabolo").stat().st_size < (tmp_path / "half-False.diabolo").stat().st_size
