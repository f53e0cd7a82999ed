"""What compress and decompress refuse: one line on stderr, code 2, and nothing is left behind."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.data import astronaut
from tiny_codec import tiny_codec

from diabolo import artifact, cli
from diabolo.pixels import Picture, write_picture
from diabolo.tasks.compress import Compressor
from diabolo.tasks.compress.container import pack, unpack

PHOTO = np.ascontiguousarray(astronaut()[100:148, 180:248])
MODEL = tiny_codec()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "tiny.diabolo"
    artifact.save(MODEL, path, half=True)
    return path


@pytest.fixture
def run(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder with pictures, by the tiny codec unless `-m` is typed; its code and what it said."""
    monkeypatch.chdir(tmp_path)
    write_picture("c.png", Picture(PHOTO))
    Path("in").mkdir()
    write_picture("in/a.png", Picture(PHOTO))

    def call(line: str) -> tuple[int, str, str]:
        words = shlex.split(line)
        words += [] if "-m" in words or words[0] == "info" else ["-m", str(model)]
        capsys.readouterr()
        return (cli.main(words), *capsys.readouterr())

    Path("good.dbl").write_bytes(Compressor(str(model)).compress(PHOTO))
    Path("cut.dbl").write_bytes(Path("good.dbl").read_bytes()[:-9])
    Path("text.dbl").write_text("hello, hello, hello, hello")
    Path("empty").mkdir()
    write_picture("jpeg.jpg", Picture(PHOTO))
    write_picture("float.tiff", Picture(PHOTO.astype(np.float32) / 255))
    np.save("vectors.npy", np.zeros((5, 7), np.float32))
    Path("sizes").mkdir()
    for height in (9, 11):
        write_picture(f"sizes/{height}.png", Picture(PHOTO[:height]))
    return call


MISTAKES = {
    "compress missing.png -o x.dbl": "cannot read missing.png: there is no such file",
    "compress c.png -o x.jpg": r"not the name of a compressed file: got x.jpg; allowed: \*.dbl; try: -o x.dbl",
    "compress c.png -o c.png": "the output is the input",
    "compress c.png -o none/x.dbl": "there is no folder none",
    "compress empty -o x.dbl": "nothing to do in empty|got 0 and 0",
    "compress empty -o x": "nothing to do in empty",
    "compress in -o c.png": r"a folder goes to a folder: got c.png, a file",
    "compress sizes -o x.dbl": "of one size and kind",
    "compress float.tiff -o x.dbl": "floats cannot be compressed",
    "compress vectors.npy -o x.dbl": "not pictures: got vectors",
    "compress c.png -o x.dbl --target-size 50": "cannot be made so small: got 50 bytes",
    "compress c.png -o x.dbl --target-size fifty": "not a size: got 'fifty'; allowed: 50000, 50kB",
    "compress c.png -o x.dbl --target-size 5GB": "not a size: got '5GB'",
    "compress c.png -o x.dbl --target-size -5": "target-size",
    "compress c.png -o x.dbl --target-psnr 99": "no quality comes so near",
    "compress c.png -o x.dbl --target-psnr 30 --target-bpp 1": "two targets at once",
    "compress c.png -o x.dbl --quality 0": "the quality is not allowed: got 0",
    "compress c.png -o x.dbl --quality 1.5": "quality",
    "compress c.png -o x.dbl --effort 10": "the effort is not allowed: got 10",
    "compress c.png -o x.dbl -m deblock": "this is no codec",
    "compress c.png -o x.dbl -m missing.diabolo": "missing.diabolo",
    "decompress missing.dbl -o x.png": "cannot read missing.dbl: there is no such file",
    "decompress jpeg.jpg -o x.png": "no file of diabolo compress",
    "decompress text.dbl -o x.png": "no file of diabolo compress",
    "decompress cut.dbl -o x.png": "cut short",
    "decompress good.dbl -o good.dbl": "the output is the input",
    "decompress good.dbl -o x.xyz": "xyz",
    "decompress good.dbl -o none/x.png": "there is no folder none",
    "decompress good.dbl -o x.png --region 60,0,9,9": "outside the picture: got x 60, y 0, 9 x 9; allowed: within 68 x",
    "decompress good.dbl -o x.png --region 0,0,0,9": "outside the picture",
    "decompress good.dbl -o x.png --region 1,2,3": "not a region: got '1,2,3'; allowed: X,Y,W,H",
    "decompress empty -o x": "nothing to do in empty",
    "decompress good.dbl -o x.png -m photo": "made with another model: got tiny.diabolo",
    "info text.dbl": "no file of diabolo compress",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(run: Any, line: str) -> None:
    before = sorted(Path().rglob("*"))
    code, out, err = run(line)
    assert code == 2, err
    assert out == ""
    assert re.fullmatch(r"diabolo: [^\n]+\n", err)
    assert re.search(MISTAKES[line], err), err
    assert sorted(Path().rglob("*")) == before


def forged(names: list[str]) -> bytes:
    """A file of pictures with these names."""
    pictures = [Picture(PHOTO[:8, :8])] * len(names)
    header, chunks, _ = unpack(Compressor(MODEL).compress_pictures(pictures, list(map(str, range(len(names))))))
    return pack(dataclasses.replace(header, names=tuple(names)), chunks)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "/", "/above/x", "../x", "a/../../x", "a\0b", "a\nb", "\udc80", "x" * 5000, "c.png/x"]
)
def test_names_that_lead_astray(name: str, run: Any, tmp_path: Path) -> None:
    Path("forged.dbl").write_bytes(forged([name]))
    before = sorted(tmp_path.parent.rglob("*"))
    code, out, err = run("decompress forged.dbl -o .")
    assert code == 2, err
    assert out == ""
    assert re.fullmatch(r"diabolo: [^\n]+\n", err)
    assert sorted(tmp_path.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "names",
    [
        ["a.png", "a.jpg", "b/a.png", "a.png.png"],
        ["a", "a.png", "a.b"],
        ["a", "a", "a"],
    ],
)
def test_no_picture_is_written_over_another(names: list[str], run: Any) -> None:
    Path("forged.dbl").write_bytes(forged(names))
    assert run("decompress forged.dbl -o out")[0] == 0
    assert len(list(Path("out").rglob("*.png"))) == len(names)
