"""Restoring commands: what is kept of a file, what goes beside it, and every mistake in one line with nothing left."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from diabolo import artifact, cli
from diabolo.cli.show import Show
from diabolo.events import Passed
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.recipe import with_options
from diabolo.recipes import named
from diabolo.sources import open_source
from diabolo.tasks.restore.files import companion
from diabolo.training import fit

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noisy(height: int = 40, width: int = 52, channels: int = 3) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.clip(120 + generator.normal(0, 20, (height, width, channels)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    options = {"architecture.widths": "4,8", "epochs": 1, "batch_size": 4, "crop": 16, "validation": 0.3}
    for verb in ("denoise", "inpaint"):
        squares = open_source(np.stack([noisy(24, 24)] * 8))
        artifact.save(fit(squares, with_options(named(verb), options)), folder / f"{verb}.diabolo")
    return folder


@pytest.fixture
def run(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder with pictures and masks; `-m` names the verb's own model unless it is typed."""
    monkeypatch.chdir(tmp_path)
    values, mask = noisy(), np.zeros((40, 52), np.uint8)
    mask[10:20, 10:30] = 255
    write_picture("c.png", Picture(values))
    write_picture("c16.png", Picture(values.astype(np.uint16) * 257))
    write_picture("cf.tiff", Picture(values.astype(np.float32) / 255))
    write_picture("m.png", Picture(mask))
    write_picture("rgba.png", Picture(values, 255 - mask))
    for name, other in {"empty": mask * 0, "full": mask * 0 + 255, "small": mask[:9]}.items():
        write_picture(f"{name}.png", Picture(other))
    write_picture("coloured.png", Picture(np.dstack([mask, mask * 0, mask])))
    np.save("a.npy", np.stack([values] * 2))
    Path("cut.png").write_bytes(Path("c.png").read_bytes()[:2000])

    def call(line: str) -> tuple[int, str, str]:
        words = shlex.split(line)
        words += [] if "-m" in words else ["-m", str(models / f"{words[0]}.diabolo")]
        capsys.readouterr()
        return (cli.main(words), *capsys.readouterr())

    return call


@pytest.mark.parametrize("name", ["x.png", "x.tiff", "x.jpg", "x.webp"])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_a_file_is_kept_as_it_came(run: Any, name: str, alpha: bool, depth: str) -> None:
    if (name in ("x.jpg", "x.webp") and (depth != "uint8" or alpha)) or (name == "x.png" and depth == "float32"):
        pytest.skip("the format holds no such picture")
    top = np.float64({"uint8": 1, "uint16": 257, "float32": 1 / 255}[depth])
    clear = (noisy(channels=1)[..., 0] * top).astype(depth)
    before = Picture((noisy() * top).astype(depth), clear if alpha else None, icc=ICC)
    write_picture(name, before)
    assert run(f"denoise {name} -o y{Path(name).suffix}")[0] == 0
    after = read_picture(f"y{Path(name).suffix}")
    assert (after.values.shape, after.values.dtype, after.icc) == (before.values.shape, before.values.dtype, ICC)
    assert not np.array_equal(after.values, before.values)
    if alpha:
        np.testing.assert_array_equal(after.alpha, before.alpha)


def test_a_turned_picture_comes_out_upright_with_its_notes(run: Any) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    Image.fromarray(noisy()).save("turned.jpg", exif=exif)
    assert run("denoise turned.jpg -o out.jpg")[0] == 0
    image = Image.open("out.jpg")
    assert image.size == (40, 52)
    assert image.getexif().get(0x010F) == "maker"
    assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("kind", ["palette.png", "cmyk.jpg", "moving.gif"])
def test_other_kinds_become_colour(run: Any, kind: str) -> None:
    image = Image.fromarray(noisy())
    if kind == "moving.gif":
        image.save(kind, save_all=True, append_images=[Image.fromarray(noisy()[::-1])])
    else:
        image.convert("P" if "palette" in kind else "CMYK").save(kind)
    code, _, err = run(f"denoise {kind} -o out.png")
    assert code == 0
    assert ("2 frames" in err) == (kind == "moving.gif")
    assert read_picture("out.png").values.shape == (40, 52, 3)


def test_a_folder_keeps_its_names_and_does_without_the_broken(run: Any) -> None:
    Path("in/below").mkdir(parents=True)
    write_picture("in/a.png", Picture(noisy()))
    write_picture("in/below/b.jpg", Picture(noisy()))
    write_picture("in/below/b.png", Picture(noisy()))
    Path("in/cut.png").write_bytes(Path("cut.png").read_bytes())
    code, out, err = run("denoise in -o out --preview seen --json")
    assert code == 0
    found = sorted(path.relative_to("out").as_posix() for path in Path("out").rglob("*.*"))
    assert found == ["a.png", "below/b.jpg", "below/b.png"]
    assert len(list(Path("seen").rglob("*.png"))) == 3
    assert "left out cut.png" in err
    assert [row["name"] for row in json.loads(out)["pictures"]] == found


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("channels", [0, 1, 3])
def test_arrays_keep_shape_and_type_and_what_is_not_missing(run: Any, channels: int, dtype: str) -> None:
    images = np.random.default_rng(0).random((3, 40, 52, *([channels] if channels else [])))
    images = (images * 255).astype(dtype) if dtype == "uint8" else images.astype(dtype)
    np.save("x.npy", images)
    mask = np.asarray(read_picture("m.png").values > 0)
    np.save("m.npy", np.stack([mask, ~mask, mask]))
    assert run("denoise x.npy -o y.npy")[0] == 0
    assert run("inpaint x.npy --mask m.npy -o z.npy")[0] == 0
    for name in ("y.npy", "z.npy"):
        after = np.load(name)
        assert (after.shape, after.dtype) == (images.shape, images.dtype)
    assert after[0][~mask].tobytes() == images[0][~mask].tobytes()
    assert after[1][mask].tobytes() == images[1][mask].tobytes()
    assert (after[0][mask] != images[0][mask]).any()


@pytest.mark.parametrize("kind", ["grey", "two", "rgb", "deep", "npy", "clear"])
def test_a_mask_may_come_in_many_forms(run: Any, kind: str) -> None:
    white = read_picture("m.png").values
    missing = white > 0
    if kind == "npy":
        np.save("x.npy", missing)
    elif kind == "two":
        Image.fromarray(missing).save("x.png")
    else:
        deep, rgb, clear = white.astype(np.uint16) * 257, np.dstack([white] * 3), Picture(white * 0 + 255, white)
        forms = {"grey": Picture(white), "rgb": Picture(rgb), "deep": Picture(deep), "clear": clear}
        write_picture("x.png", forms[kind])
    code, out, _ = run(f"inpaint c.png --mask x.{'npy' if kind == 'npy' else 'png'} -o out.png --json")
    assert code == 0
    assert json.loads(out)["pictures"][0]["missing"] == round(float(missing.mean()), 6)
    np.testing.assert_array_equal(read_picture("out.png").values[~missing], noisy()[~missing])


def test_what_is_transparent_or_no_number_is_filled(run: Any) -> None:
    assert run("inpaint rgba.png --mask auto -o out.jpg")[0] == 0
    assert run("inpaint rgba.png --mask auto -o out.png")[0] == 0
    assert read_picture("out.png").alpha is None
    values = noisy().astype(np.float32) / 255
    values[5:9, 5:9, 1] = np.nan
    write_picture("nan.tiff", Picture(values))
    assert run("inpaint nan.tiff --mask auto -o filled.tiff")[0] == 0
    filled = read_picture("filled.tiff").values
    assert np.isfinite(filled).all()
    assert filled[20:].tobytes() == values[20:].tobytes()


def test_masks_go_with_pictures_by_name_whatever_the_format(run: Any, tmp_path: Path) -> None:
    for name in ("in/a.jpg", "in/a.b.jpg"):
        Path("in").mkdir(exist_ok=True)
        write_picture(name, Picture(noisy()))
    Path("masks").mkdir()
    for name in ("a.png", "a.b.png", "a.txt"):
        Path("masks", name).write_bytes(Path("m.png").read_bytes())
    assert companion("masks", "a.jpg") == Path("masks/a.png")
    assert run("inpaint in --mask masks -o out")[0] == 0
    assert run("inpaint in --mask m.png -o out2")[0] == 0
    assert sorted(path.name for path in Path("out2").iterdir()) == ["a.b.jpg", "a.jpg"]


def test_what_goes_beside(run: Any) -> None:
    code, out, _ = run("denoise c.png -o out.png --preview p.png --uncertainty u.png --reference c.png --json")
    assert code == 0
    row = json.loads(out)["pictures"][0]
    assert row["psnr_before"] == 100
    assert row["given"] is False
    assert abs(row["sigma"] - 20) < 4
    shown = read_picture("u.png").values
    assert shown.shape == (40, 52, 3)
    assert shown.mean() / 4 == pytest.approx(row["half_width"], abs=0.2)
    preview = read_picture("p.png").values
    np.testing.assert_array_equal(preview[:40, :52], noisy())
    np.testing.assert_array_equal(preview[:40, 60:112], read_picture("out.png").values)
    assert "noise level 30.0 of 255 given" in run("denoise c.png -o out.png --sigma 30")[1]


def test_figures_are_those_of_the_whole_picture() -> None:
    import torch
    from skimage.metrics import peak_signal_noise_ratio

    from diabolo import metrics
    from diabolo.tasks.restore.figures import against

    clean, after = noisy(600, 30), noisy(600, 30)[::-1].copy()
    figures = against(Picture(clean), Picture(clean), Picture(after))
    assert figures["psnr_after"] == pytest.approx(peak_signal_noise_ratio(clean, after), abs=1e-3)
    whole = [torch.from_numpy(values / 255).permute(2, 0, 1)[None] for values in (after, clean)]
    assert figures["ssim_after"] == pytest.approx(float(metrics.ssim(*whole)), abs=1e-4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("inpaint c.png --mask small.png -o out.png", "52x9 pixels"),
        ("inpaint c.png --mask empty.png -o out.png", "nothing is missing"),
        ("inpaint c.png --mask full.png -o out.png", "everything is missing"),
        ("inpaint c.png --mask coloured.png -o out.png", "coloured"),
        ("inpaint c.png --mask none.png -o out.png", "no mask none.png"),
        ("inpaint c.png --mask auto -o out.png", "neither transparent nor NaN"),
        ("inpaint c.png --mask a.npy -o out.png", "does not fit"),
        ("inpaint c.png --mask m.png -o m.png", "two things at one place"),
        ("inpaint c.png --mask m.png -o out.png -m MODELS/denoise.diabolo", "diabolo denoise"),
        ("denoise c.png -o out.png -m MODELS/inpaint.diabolo", "diabolo inpaint"),
        ("denoise c.png -o out.png -m c.png", "cannot be read as a model"),
        ("denoise c.png -o out.png -m none.diabolo", "cannot read none.diabolo"),
        ("denoise cut.png -o out.png", "damaged or cut short"),
        ("denoise none.png -o out.png", "cannot read none.png"),
        ("denoise c.png -o c.png", "the output is the input"),
        ("denoise a.npy -o a.npy", "the output is the input"),
        ("denoise c.png -o none/out.png", "mkdir"),
        ("denoise c.png -o out", "suffix"),
        ("denoise c16.png -o out.jpg", "JPEG holds no uint16"),
        ("denoise cf.tiff -o out.png", "PNG holds no float32"),
        ("denoise rgba.png -o out.jpg", "JPEG holds no transparency"),
        ("inpaint rgba.png --mask m.png -o out.jpg", "JPEG holds no transparency"),
        ("denoise c.png -o out.png --sigma -5", "sigma -5"),
        ("denoise c.png -o out.png --sigma 300", "sigma 300"),
        ("denoise c.png -o out.png --sigma nan", "sigma nan"),
        ("denoise c.png -o out.png --reference small.png", "the reference is another picture"),
        ("denoise c.png -o out.png --reference none.png", "cannot read none.png"),
        ("denoise c.png -o out.png --preview c.png", "two things at one place"),
        ("denoise c.png -o out.png --preview out.png", "two things at one place"),
        ("denoise c.png -o out.png --preview both", "suffix"),
        ("denoise a.npy -o out.npy --preview both.png", "--preview is for pictures"),
        ("denoise a.npy -o out.npy --uncertainty u.png", "--uncertainty is for pictures"),
        ("deblur c.png -o out.png -m MODELS/denoise.diabolo", "diabolo denoise"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    run: Any, models: Path, tmp_path: Path, line: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("refused after the work")

    monkeypatch.setattr("diabolo.tasks.restore.restorer.by_tiles", refuse)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*")}
    code, out, err = run(line.replace("MODELS", str(models)))
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_an_interrupt_leaves_nothing(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listen(self: Show, event: Any) -> None:
        if isinstance(event, Passed):
            raise KeyboardInterrupt

    before = {path: path.read_bytes() for path in tmp_path.rglob("*")}
    monkeypatch.setattr(Show, "listen", listen)
    for line in ("denoise c.png -o out.png", "denoise a.npy -o out.npy"):
        assert run(line)[0] == 130
    assert {path: path.read_bytes() for path in tmp_path.rglob("*")} == before


def test_a_long_thin_picture(run: Any) -> None:
    write_picture("long.png", Picture(noisy(10, 20000)))
    assert run("denoise long.png -o out.png --preview p.png --uncertainty u.png")[0] == 0
    assert read_picture("out.png").values.shape == (10, 20000, 3)
