"""Whatever is given either works as documented or gets one clear line, in Python and on the command line."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import shlex
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diabolo import Autoencoder, Mistake, cli
from diabolo.architectures import Conv, Flat, Unet
from diabolo.latents import Plain
from diabolo.recipe import Training
from diabolo.sources import open_source

SHORT = Training(epochs=1, batch_size=32)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return open_source("digits").array[:80]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="the model is no better|the code .* can copy")
        yield


def short(**options: Any) -> Autoencoder:
    return Autoencoder(Flat(width=8), Plain(size=3), training=SHORT).set_params(**options)


@pytest.fixture(scope="module")
def fitted(images: np.ndarray) -> Autoencoder:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return short().fit(images)


class Table:
    """A DataFrame, if pandas is there."""

    def __new__(cls, columns: dict[str, Any]) -> Any:
        return pytest.importorskip("pandas").DataFrame(columns)


# What fit refuses. A function makes each, so that generators are new and pandas may be missing.
REFUSED: dict[str, tuple[Any, str]] = {
    "channels first": (lambda: np.zeros((5, 3, 28, 28), np.uint8), r"channels come first.*transpose\(0, 2, 3, 1\)"),
    "NaN": (
        lambda: np.array([[0.0, np.nan], [1, 2]]),
        r"NaN.*got 1 in column 2; the first in image 0, column 2.*impute",
    ),
    "infinity": (
        lambda: np.array([[0.0, 1], [np.inf, 2]]),
        r"infinity.*got 1 in column 1; the first in image 1, column 1",
    ),
    "empty": (lambda: np.zeros((0, 4)), r"no images|0 sample"),
    "no pixels": (lambda: np.zeros((3, 0, 5)), r"no images|0 feature|minimum of 1"),
    "a single vector": (lambda: np.zeros(7), r"array|1D"),
    "a number": (lambda: 3.0, r"array|scalar"),
    "five dimensions": (lambda: np.zeros((2, 2, 2, 2, 2)), r"not the shape of images"),
    "complex": (lambda: np.ones((5, 4, 4), complex), r"(?i)complex"),
    "complex table": (lambda: np.ones((5, 4), complex), r"(?i)complex"),
    "objects": (lambda: np.array([[object(), object()]] * 3), r"argument must be|not numbers|float"),
    "objects of pictures": (lambda: np.full((3, 4, 4), None, object), r"numbers|float|NaN"),
    "texts": (lambda: np.array([["a", "b"], ["c", "d"]]), r"strings|texts|could not convert"),
    "texts of pictures": (lambda: np.full((3, 4, 4), "a"), r"strings|texts|could not convert"),
    "dates": (lambda: np.zeros((3, 4), "datetime64[s]"), r"not numbers|datetime|DType"),
    "masked": (lambda: np.ma.masked_equal(np.zeros((5, 4)), 0), r"masked arrays.*filled"),
    "masked pictures": (lambda: np.ma.masked_equal(np.zeros((5, 4, 4)), 0), r"masked arrays.*filled"),
    "a table with a column of texts": (lambda: Table({"a": [1, 2], "b": ["x", "y"]}), r"numbers|could not convert"),
    "a list of unequal pictures": (lambda: [np.zeros((4, 4)), np.zeros((5, 4))], r"shape"),
    "an empty list": (list, r"no images: got an empty list"),
    "an empty generator": (lambda: iter(()), r"no images"),
    "nothing": (lambda: None, r"not a source|None"),
    "a set": (lambda: {1, 2}, r"not a source|set|array"),
    "a dictionary": (lambda: {"x": [1]}, r"not a source|dict|array|float"),
    "bytes": (lambda: b"digits", r"not a source|bytes|array|scalar"),
    "a name that is no set": (lambda: "digts", r"did you mean digits"),
    "a path that is missing": (lambda: Path("no/such/place"), r"no file, folder or set"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_fit_refuses_in_one_line(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        short().fit(make())
    assert "\n" not in str(caught.value)


ACCEPTED: dict[str, Any] = {
    "one sample": lambda x: x[:1],
    "floats 0..255": lambda x: x.astype(np.float32),
    "floats -1..1": lambda x: x / 127.5 - 1,
    "uint16": lambda x: x.astype(np.uint16) * 257,
    "bool": lambda x: x > 100,
    "whole numbers below zero": lambda x: x.astype(np.int16) - 100,
    "half precision": lambda x: x.astype(np.float16),
    "big-endian": lambda x: x.astype(">f4"),
    "not contiguous": lambda x: x[::2, ::-1],
    "Fortran order": np.asfortranarray,
    "read only": lambda x: np.frombuffer(x.tobytes(), np.uint8).reshape(x.shape),
    "constant": lambda x: np.full((40, 5, 5), 7, np.uint8),
    "one pixel": lambda x: x[:, :1, :1],
    "one row": lambda x: x[:, :1],
    "five channels": lambda x: np.repeat(x[..., None], 5, 3),
    "one channel": lambda x: x[..., None],
    "a list of pictures": list,
    "a list of lists": lambda x: x.reshape(len(x), -1).tolist(),
    "a tuple": tuple,
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_works_as_documented(name: str, images: np.ndarray) -> None:
    data = ACCEPTED[name](images)
    estimator = short(training__validation=0).fit(data)
    array = np.asarray(data)
    assert estimator.transform(data).shape == (len(array), 3)
    again = estimator.reconstruct(data)
    assert again.shape == array.shape
    assert again.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert np.isfinite(estimator.score_samples(data)).all()


def test_a_generator_is_read_once(images: np.ndarray) -> None:
    assert short().fit(image for image in images).transform(images).shape == (80, 3)


# What a fitted model refuses.
WRONG: dict[str, tuple[Any, str]] = {
    "another size": (lambda x: x[:, :7], r"another size: got shape \(80, 7, 8\); allowed: shape \(n, 8, 8\)"),
    "flat for pictures": (lambda x: x.reshape(80, 64), r"another kind: got shape \(80, 64\)"),
    "colour for grey": (lambda x: np.repeat(x[..., None], 3, 3), r"another kind"),
    "a single picture": (lambda x: x[0], r"another kind"),
    "floats 0..255": (lambda x: x.astype(float), r"float64 stands for 0..1: got 0 to 255"),
    "whole numbers of another type": (lambda x: x.astype(np.int64), r"int64 stands for 0..1: got 0 to 255"),
    "NaN": (lambda x: np.where(x > 100, np.nan, 0.0), r"NaN or infinity"),
    "infinity": (lambda x: np.where(x > 100, np.inf, 0.0), r"NaN or infinity"),
    "empty": (lambda x: x[:0], r"no images|0 sample"),
    "complex": (lambda x: x.astype(complex), r"(?i)complex"),
    "masked": (lambda x: np.ma.masked_equal(x, 0), r"masked"),
}


@pytest.mark.parametrize("verb", ["transform", "reconstruct", "score_samples", "score"])
@pytest.mark.parametrize("name", WRONG)
def test_a_fitted_model_refuses_in_one_line(verb: str, name: str, fitted: Autoencoder, images: np.ndarray) -> None:
    make, message = WRONG[name]
    with pytest.raises(ValueError, match=message) as caught:
        getattr(fitted, verb)(make(images))
    assert "\n" not in str(caught.value)


def test_pictures_for_a_model_of_tables(images: np.ndarray) -> None:
    estimator = short().fit(images.reshape(80, 64))
    for data in (images, images[..., None]):
        with pytest.raises(Mistake, match=r"another kind: got shape .*; allowed: shape \(n, 64\)"):
            estimator.transform(data)
    with pytest.raises(ValueError, match="expecting 64 features"):
        estimator.transform(images.reshape(80, 64)[:, :63])


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((5, 4)), r"codes of another size: got shape \(5, 4\); allowed: \(n, 3\)"),
        (np.zeros((5, 3, 1)), "codes of another size"),
        (np.zeros(3), "1D|codes of another size"),
        (np.zeros((0, 3)), "no images|0 sample"),
        (np.full((5, 3), np.nan), "NaN"),
        (np.full((5, 3), "a"), "compatible|numbers"),
        (np.zeros((5, 3), complex), "(?i)complex"),
    ],
)
def test_codes_that_do_not_fit(codes: np.ndarray, message: str, fitted: Autoencoder) -> None:
    with pytest.raises(ValueError, match=message):
        fitted.inverse_transform(codes)
    with pytest.raises(Mistake):
        fitted.model_.decode(codes)


def test_a_unet_has_no_pictures_for_codes_alone(images: np.ndarray) -> None:
    estimator = Autoencoder(Unet(widths=(4, 8)), Plain(size=2), corruption="noise", training=SHORT).fit(images)
    with pytest.raises(Mistake, match="a unet model cannot decode a code alone"):
        estimator.inverse_transform(estimator.transform(images))


@pytest.mark.parametrize("architecture", [Conv(width=4), Unet(widths=(4, 8))])
def test_vectors_for_pictures(architecture: Any, images: np.ndarray) -> None:
    with pytest.raises(Mistake, match="needs images: got vectors of 64 numbers"):
        Autoencoder(architecture, training=SHORT).fit(images.reshape(80, 64))


def test_a_code_larger_than_the_data_is_warned_of(images: np.ndarray) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        estimator = short(latent__size=100).fit(images)
    assert estimator.transform(images).shape == (80, 100)
    assert sum("can copy the image" in str(warning.message) for warning in told) == 1


def test_bernoulli_on_data_below_zero(images: np.ndarray) -> None:
    with pytest.raises(Mistake, match="bernoulli likelihood cannot fit this data: got data from -1 to 1"):
        short(likelihood="bernoulli").fit(images / 127.5 - 1)
    short(likelihood="bernoulli").fit(images)


def test_a_latent_too_large_for_the_memory(images: np.ndarray) -> None:
    for size in (10**9, 10**15, 10**30):
        with pytest.raises(Mistake) as caught:
            short(latent__size=size).fit(images)
        assert "\n" not in str(caught.value)


# The command line


FIT = "fit deep {} -o m.diabolo --epochs 1 --architecture.width 8 --latent.size 3"


def run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = cli.main(shlex.split(line))
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    if code:
        assert said.out == ""
    return code, said.err.splitlines()[-1] if said.err else ""


FILES: dict[str, tuple[Any, str]] = {
    "empty.npy": (lambda path: path.write_bytes(b""), "empty.npy is damaged or cut short"),
    "cut.npy": (lambda path: _cut(path), "cut.npy is damaged or cut short"),
    "text.npy": (lambda path: path.write_text("hello"), "damaged|Python objects"),
    "objects.npy": (lambda path: np.save(path, np.array([{}]), allow_pickle=True), "Python objects"),
    "texts.npy": (lambda path: np.save(path, np.array([["a"]])), "not numbers: got texts"),
    "complex.npy": (lambda path: np.save(path, np.ones((3, 4, 4), complex)), "not numbers: got complex"),
    "nan.npy": (
        lambda path: np.save(path, np.full((3, 4), np.nan)),
        "12 in column 1, column 2, column 3 and 1 more; the first",
    ),
    "none.npy": (lambda path: np.save(path, np.zeros((0, 4))), "no images"),
    "vector.npy": (lambda path: np.save(path, np.zeros(4)), r"not the shape of images: got \(4,\)"),
    "first.npy": (lambda path: np.save(path, np.zeros((2, 3, 9, 9), np.uint8)), "channels come first"),
    "two.npz": (lambda path: np.savez(path, a=np.zeros(1), b=np.zeros(1)), "does not say which array"),
    "bad.npz": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(50)), "damaged|zip"),
    "bad.zip": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(50)), "not a zip archive"),
    "empty.png": (lambda path: path.write_bytes(b""), "empty.png"),
    "text.png": (lambda path: path.write_text("hello"), "text.png"),
    "notes.txt": (lambda path: path.write_text("hello"), "no file of images"),
    "nothing": (lambda path: path.mkdir(), "no pictures"),
    "broken": (lambda path: (path.mkdir(), (path / "a.png").write_bytes(b"x")), "broken"),
    "x-idx3-ubyte": (lambda path: path.write_bytes(bytes(4)), "idx"),
}


def _cut(path: Path) -> None:
    np.save(path, np.zeros((9, 9)))
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize("name", FILES)
def test_files_that_hold_no_images(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make, message = FILES[name]
    make(tmp_path / name)
    code, line = run(FIT.format(name), capsys)
    assert code == 2, line
    assert line.startswith("diabolo: ")
    assert re.search(message, line), line
    assert os.listdir() == [name]
    with pytest.raises(Mistake):
        short().fit(tmp_path / name)


def _as_nobody(place: Path, lines: list[str]) -> None:
    """In a process of its own: without root's rights, run commands; their codes and stderr go to files."""
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    os.chdir(place)
    with open("said", "w") as said, contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        codes = [cli.main(shlex.split(line)) for line in lines]
    os._exit(0 if codes == [2] * len(lines) else 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="permissions are those of a POSIX system")
def test_reading_and_writing_without_permission() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "x.npy", np.zeros((3, 4)))
        (place / "locked").mkdir()
        for path, rights in ((place / "x.npy", 0), (place / "locked", 0o555), (place, 0o777)):
            path.chmod(rights)
        lines = [FIT.format("x.npy"), FIT.format("digits").replace("m.diabolo", "locked/m.diabolo"), "info x.npy"]
        process = multiprocessing.get_context("fork").Process(target=_as_nobody, args=(place, lines))
        process.start()
        process.join(60)
        told = (place / "said").read_text().splitlines()
        assert process.exitcode == 0, told
        assert told == [
            "diabolo: cannot read x.npy: no permission: try: another place, or other rights",
            "diabolo: cannot write locked/m.diabolo: no permission: try: another place, or other rights",
            "diabolo: cannot read x.npy: no permission: try: another place, or other rights",
        ]
        assert sorted(path.name for path in place.rglob("*")) == ["locked", "said", "x.npy"]


def test_a_fit_that_is_refused_leaves_an_older_model_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(FIT.format("digits"), capsys)[0] == 0
    before = Path("m.diabolo").read_bytes()
    assert run(FIT.format("digits") + " --crop 3", capsys)[0] == 2
    assert (
        run(
            FIT.format("digits") + " --learning-rate 10 --warmup 0 --architecture.width 128 --architecture.depth 3",
            capsys,
        )[0]
        == 1
    )
    assert Path("m.diabolo").read_bytes() == before
    assert os.listdir() == ["m.diabolo"]
