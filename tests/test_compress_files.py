"""Commands of compressing: pictures, folders and arrays to files and back, regions, targets, and what is told."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageCms
from skimage.data import astronaut
from tiny_codec import psnr, tiny_codec

from diabolo import artifact, cli
from diabolo.pixels import Picture, read_picture, write_picture
from diabolo.tasks.compress.container import unpack

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PHOTO = np.ascontiguousarray(astronaut()[100:148, 180:248])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.diabolo"
    artifact.save(tiny_codec(), path, half=True)
    return path


@pytest.fixture
def run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder with pictures, by the tiny codec unless `-m` is typed; its code and what it said."""
    monkeypatch.chdir(tmp_path)
    write_picture("c.png", Picture(PHOTO, icc=ICC))
    for name, values in {"in/a.png": PHOTO, "in/below/b.jpg": PHOTO[::-1], "in/below/b.png": PHOTO[:, ::-1]}.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(name, Picture(np.ascontiguousarray(values)))

    def call(line: str) -> tuple[int, str, str]:
        words = shlex.split(line)
        words += [] if "-m" in words or words[0] == "info" else ["-m", str(model)]
        capsys.readouterr()
        return (cli.main(words), *capsys.readouterr())

    return call


def files(place: str) -> list[str]:
    return sorted(path.relative_to(place).as_posix() for path in Path(place).rglob("*.*"))


def test_a_picture_goes_to_a_file_and_comes_back(run: Any) -> None:
    code, out, err = run("compress c.png -o c.dbl --quality 80")
    assert (code, err) == (0, "")
    size = Path("c.dbl").stat().st_size
    assert re.search(rf"c.png: {size:,} bytes, [\d.]+ bits per pixel, quality 80\n", out)
    code, out, err = run("decompress c.dbl -o again.png")
    assert (code, err) == (0, "")
    assert f"c.dbl: 68 x 48 pixels, from {size:,} bytes\nagain.png: 1 picture\n" in out
    after = read_picture("again.png")
    assert psnr(PHOTO, after.values) > 30
    assert after.icc == ICC
    assert run("decompress c.dbl -o again.npy")[0] == run("decompress c.dbl -o folder")[0] == 0
    np.testing.assert_array_equal(np.load("again.npy"), after.values)
    np.testing.assert_array_equal(read_picture("folder/c.png").values, after.values)


def test_the_starter_is_taken_where_no_model_is_named(run: Any) -> None:
    assert cli.main(["compress", "c.png", "-o", "c.dbl"]) == 0
    assert unpack(Path("c.dbl").read_bytes())[0].model == "photo"
    assert cli.main(["decompress", "c.dbl", "-o", "d.png", "--exact"]) == 0
    assert psnr(PHOTO, read_picture("d.png").values) > 30
    code, _, err = run("decompress c.dbl -o e.png")
    assert code == 2
    assert "made with another model: got photo" in err
    assert not Path("e.png").exists()


@pytest.mark.parametrize("kind", ["grey.png", "deep.png", "clear.png", "deep-clear.tiff", "grey-deep-clear.png"])
def test_every_kind_of_picture_is_kept(run: Any, kind: str) -> None:
    values = PHOTO[..., 0] if "grey" in kind else PHOTO
    values = values.astype(np.uint16) * 257 if "deep" in kind else values
    alpha = np.ascontiguousarray(values[::-1, :, 1] if values.ndim == 3 else values[::-1])
    write_picture(kind, Picture(np.ascontiguousarray(values), alpha if "clear" in kind else None))
    assert run(f"compress {kind} -o x.dbl --quality 90")[0] == 0
    assert run(f"decompress x.dbl -o y{Path(kind).suffix}")[0] == 0
    after = read_picture(f"y{Path(kind).suffix}")
    assert (after.values.shape, after.values.dtype) == (values.shape, values.dtype)
    assert psnr(values, after.values) > 30
    if "clear" in kind:
        np.testing.assert_array_equal(after.alpha, alpha)
        assert run("decompress x.dbl -o y.jpg")[0] == 2


def test_a_folder_goes_to_a_folder_and_back(run: Any) -> None:
    code, out, err = run("compress in -o small --json")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert files("small") == ["a.dbl", "below/b.dbl", "below/b.png.dbl"]
    assert [row["name"] for row in told["files"]] == ["a.png", "below/b.jpg", "below/b.png"]
    assert told["bytes"] == sum(Path("small", name).stat().st_size for name in files("small"))
    assert told["files"][0]["bpp"] == pytest.approx(8 * Path("small/a.dbl").stat().st_size / PHOTO[..., 0].size)
    Path("small/notes.txt").write_text("kept out")
    assert run("decompress small -o again")[0] == 0
    assert files("again") == ["a.png", "below/b.png", "below/b.png.png"]
    assert psnr(PHOTO[::-1], read_picture("again/below/b.png").values) > 20
    assert psnr(PHOTO[:, ::-1], read_picture("again/below/b.png.png").values) > 25


def test_a_folder_goes_to_one_file_and_back(run: Any) -> None:
    code, out, _ = run("compress in -o all.dbl --json")
    assert code == 0
    (row,) = json.loads(out)["files"]
    assert row["name"] == "3 pictures"
    assert unpack(Path("all.dbl").read_bytes())[0].names == ("a.png", "below/b.jpg", "below/b.png")
    code, out, _ = run("decompress all.dbl -o again --json")
    assert code == 0
    assert json.loads(out) == {
        "out": "again",
        "pictures": 3,
        "files": [{"name": "all.dbl", "bytes": row["bytes"], "pictures": 3, "size": "68 x 48"}],
    }
    assert files("again") == ["a.png", "below/b.png", "below/b.png.png"]
    assert run("decompress all.dbl -o again.npy")[0] == 0
    assert np.load("again.npy").shape == (3, 48, 68, 3)
    np.testing.assert_array_equal(np.load("again.npy")[1], read_picture("again/below/b.png").values)
    code, _, err = run("decompress all.dbl -o all.png")
    assert code == 2
    assert "holds 3 pictures" in err


def test_the_broken_are_left_out_of_one_file_too(run: Any) -> None:
    Path("in/below/cut.png").write_bytes(Path("c.png").read_bytes()[:900])
    code, _, err = run("compress in -o all.dbl")
    assert code == 0
    assert "left out below/cut.png: " in err
    assert len(unpack(Path("all.dbl").read_bytes())[0].names) == 3
    assert run("compress in -o strict.dbl --strict")[0] == 2
    assert not Path("strict.dbl").exists()
    Path("empty").mkdir()
    code, _, err = run("compress empty -o empty.dbl")
    assert code == 2
    assert "nothing to do in empty" in err


@pytest.mark.parametrize("source", ["digits", "x.npy"])
def test_arrays_go_to_one_file_and_back(run: Any, source: str) -> None:
    np.save("x.npy", np.stack([PHOTO] * 2))
    code, out, _ = run(f"compress {source} -o x.dbl --lossless-check --json --quality 95")
    assert code == 0
    row = json.loads(out)["files"][0]
    assert row["psnr"] > 30
    assert run("decompress x.dbl -o y.npy")[0] == 0
    found = np.load("y.npy")
    assert found.dtype == np.uint8
    assert found.shape == ((1797, 8, 8) if source == "digits" else (2, 48, 68, 3))
    wanted = np.load("x.npy") if source == "x.npy" else None
    if wanted is not None:
        assert psnr(wanted, found) == pytest.approx(row["psnr"])


def test_a_region_alone(run: Any) -> None:
    assert run("compress c.png -o c.dbl")[0] == run("decompress c.dbl -o whole.png --exact")[0] == 0
    assert run("decompress c.dbl -o cut.png --exact --region 5,40,60,8")[0] == 0
    np.testing.assert_array_equal(read_picture("cut.png").values, read_picture("whole.png").values[40:48, 5:65])
    assert run("compress in -o all.dbl")[0] == run("decompress all.dbl -o cuts --region 0,0,9,7")[0] == 0
    assert read_picture("cuts/a.png").values.shape == (7, 9, 3)


def test_a_check_tells_what_is_read_back(run: Any) -> None:
    large = np.ascontiguousarray(astronaut()[:180, :200])
    write_picture("large.png", Picture(large))
    for name, before in (("c.png", PHOTO), ("large.png", large)):
        code, out, _ = run(f"compress {name} -o x.dbl --lossless-check --json")
        assert code == 0
        row = json.loads(out)["files"][0]
        assert run("decompress x.dbl -o x.png")[0] == 0
        assert row["psnr"] == pytest.approx(psnr(before, read_picture("x.png").values))
        assert ("ms_ssim" in row) == (name == "large.png")
    assert re.search(
        r"quality 60, PSNR [\d.]+ dB, MS-SSIM 0\.\d+\n", run("compress large.png -o x.dbl --lossless-check")[1]
    )


def test_targets(run: Any) -> None:
    write_picture("l.png", Picture(np.ascontiguousarray(astronaut()[60:220, 120:280])))
    words = "compress l.png -o l.dbl --json -m photo"
    for size, most in (("3kB", 3000), ("3 KiB", 3072), ("0.003MB", 3000), ("2999", 2999)):
        assert run(f"{words} --target-size '{size}'")[0] == 0
        assert 0.98 * most < Path("l.dbl").stat().st_size <= most
    assert 0.49 < json.loads(run(f"{words} --target-bpp 0.5")[1])["files"][0]["bpp"] <= 0.5
    row = json.loads(run(f"{words} --target-psnr 33 --effort 2 --lossless-check")[1])["files"][0]
    assert 33 <= row["psnr"] < 34


def test_what_a_file_says_of_itself(run: Any) -> None:
    assert run("compress c.png -o c.dbl --quality 7")[0] == 0
    code, out, _ = run("info c.dbl --json")
    assert code == 0
    told = json.loads(out)
    assert told["bytes"] == Path("c.dbl").stat().st_size
    wanted = {"pictures": 1, "size": "68 x 48", "quality": 7, "kind": "colour, 8 bits", "model": "tiny.diabolo"}
    assert told.items() >= (wanted | {"transparency": False}).items()


def test_what_the_file_of_a_turned_picture_says_of_itself(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diabolo.tasks.compress.compressor.Compressor._best_turn", lambda *_: 1)
    assert run("compress c.png -o c.dbl")[0] == 0
    assert json.loads(run("info c.dbl --json")[1])["size"] == "68 x 48"


@pytest.mark.parametrize("verb", ["compress", "decompress"])
def test_the_broken_are_left_out_of_a_folder(run: Any, verb: str) -> None:
    if verb == "compress":
        place, broken = "in", "below/cut.png"
        Path("in", broken).write_bytes(Path("c.png").read_bytes()[:900])
    else:
        assert run("compress in -o files")[0] == 0
        place, broken = "files", "below/cut.dbl"
        Path("files", broken).write_bytes(Path("files/a.dbl").read_bytes()[:900])
    code, out, err = run(f"{verb} {place} -o out --json")
    assert code == 0
    assert f"left out {broken}: " in err
    assert len(files("out")) == len(json.loads(out)["files"]) == 3
    code, out, err = run(f"{verb} {place} -o strict --strict")
    assert (code, out) == (2, "") if verb == "compress" else code == 2
    assert len(err.splitlines()) == 1
