"""The starter models: small, told of, and better than what they are given, on photographs that scikit-image ships."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut, camera

from diabolo import Deblocker, Denoiser, Inpainter, cli
from diabolo.errors import Mistake
from diabolo.pixels import jpeg_round_trip
from diabolo.starters import FOLDER, STARTERS, named_model, starter, starter_for
from diabolo.tasks.compress.codec import Codec
from diabolo.tasks.restore.restorer import check_purpose

EVERY = pytest.mark.parametrize("name", STARTERS)
GREY, COLOUR = camera()[100:356, 120:376], astronaut()[:256, 100:356]


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(one / 255.0 - other / 255.0).mean()))


@EVERY
def test_each_is_small_and_tells_how_it_was_made(name: str) -> None:
    model, (verb, channels) = starter(name), STARTERS[name]
    codec = verb == "compress"
    assert (FOLDER / f"{name}.diabolo").stat().st_size <= (4_000_000 if codec else 3_000_000)
    assert model.conversion.shape[0] == channels
    if codec:
        Codec(model)
    else:
        check_purpose(model, verb)
        assert model.bounds
    told = model.provenance
    assert told["command"].startswith(f"diabolo fit {verb} ../shared/data/")
    assert {"data", "data_licence", "cpu_minutes"} <= told.keys()
    assert not any(held in told["command"].lower() for held in ("set12", "bsd68", "kodak"))


def test_no_file_lies_there_untold() -> None:
    assert {path.stem for path in FOLDER.glob("*.diabolo")} == set(STARTERS)


def test_names_are_models_and_verbs_have_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info", "deblock"]) == 0
    assert "diabolo fit deblock ../shared/data/" in capsys.readouterr().out
    assert named_model("deblock").conversion.shape[0] == 3
    assert starter_for("denoise", 1).conversion.shape[0] == 1
    with pytest.raises(Mistake, match="no starter model for deblur is shipped: try: diabolo fit deblur FOLDER"):
        starter_for("deblur", 3)


@pytest.mark.parametrize(("image", "gain"), [(GREY, 8.0), (COLOUR, 9.0)], ids=["grey", "colour"])
def test_denoising(image: np.ndarray, gain: float) -> None:
    drawn = 25 * np.random.default_rng(0).standard_normal(image.shape)
    noisy = np.clip(np.rint(image + drawn), 0, 255).astype(np.uint8)
    assert psnr(Denoiser().denoise(noisy), image) > psnr(noisy, image) + gain
    assert psnr(Denoiser().denoise(image), image) > 36  # hardly anything is taken from a clean picture


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_inpainting(image: np.ndarray) -> None:
    from skimage.restoration import inpaint_biharmonic

    mask = np.random.default_rng(0).random(image.shape[:2]) < 0.5
    filled = Inpainter().inpaint(image, mask)
    smooth = inpaint_biharmonic(
        np.where(mask[..., None] if image.ndim == 3 else mask, 0, image),
        mask,
        channel_axis=-1 if image.ndim == 3 else None,
    )
    assert np.array_equal(filled[~mask], image[~mask])
    assert psnr(filled[mask], image[mask]) > psnr(255 * smooth[mask], image[mask]) + 1.0


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_deblocking(image: np.ndarray) -> None:
    for quality in (10, 30):
        blocky = jpeg_round_trip(image, quality)
        assert psnr(Deblocker().deblock(blocky), image) > psnr(blocky, image) + 0.5
