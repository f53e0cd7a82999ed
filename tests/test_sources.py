"""Sources: what they open, what they refuse in one line, and the real sets that they know by name."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diabolo.errors import Mistake
from diabolo.sources import NAMED, SOURCES, Arrays, Source, as_array, download, labels, list_sets, open_source

RANDOM = np.random.default_rng(7)
PICTURES = RANDOM.integers(0, 256, (6, 5, 4), dtype=np.uint8)


def _picture(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


# --- arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6, 20), (6, 5, 4), (6, 5, 4, 3)])
def test_an_array_is_read_row_by_row_in_its_own_dtype(dtype: type, shape: tuple[int, ...]) -> None:
    array = RANDOM.integers(0, 2, shape).astype(dtype)
    source = open_source(array)
    assert isinstance(source, Source)
    assert len(source) == 6
    for i in range(6):
        np.testing.assert_array_equal(source.read(i), array[i])
        assert source.read(i).dtype == dtype
    assert source.name(3) == "3"
    assert str(len(array)) in source.description


def test_an_array_is_not_copied_and_a_source_is_given_back() -> None:
    source = open_source(PICTURES)
    assert isinstance(source, Arrays)
    assert np.shares_memory(source.array, PICTURES)
    assert open_source(source) is source
    assert source.shapes == {(5, 4, 1, np.dtype(np.uint8))}


@pytest.mark.parametrize(
    ("given", "dtype"),
    [(np.int64, np.float64), (np.int8, np.float64), (np.float16, np.float32), (">u2", np.uint16), (">f8", np.float64)],
)
def test_other_numbers_become_the_next_that_holds_them(given: Any, dtype: type) -> None:
    array = np.arange(-6, 6).reshape(3, 4).astype(given)
    np.testing.assert_array_equal(as_array(array), array)
    assert as_array(array).dtype == np.dtype(dtype)


def test_lists_and_generators_of_equal_arrays() -> None:
    for spec in (list(PICTURES), tuple(PICTURES), (p for p in PICTURES), PICTURES.tolist(), iter(PICTURES)):
        np.testing.assert_array_equal([open_source(spec).read(2)], PICTURES[2:3])


def test_a_table_of_numbers_and_one_with_texts() -> None:
    pandas = pytest.importorskip("pandas", reason="needs pandas: pip install 'diabolo[test]'")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    np.testing.assert_array_equal(as_array(table), [[1, 3], [2, 4]])
    with pytest.raises(Mistake, match=r"columns of the table.*got town"):
        as_array(table.assign(town=["Ulm", "Bonn"]))


class _Table:
    """What a DataFrame is to the source: columns by name, and `to_numpy`."""

    def __init__(self, **columns: list[Any]) -> None:
        self.columns = list(columns)
        self._columns = columns

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array(self._columns[name])

    def to_numpy(self) -> np.ndarray:
        return np.array([self[name] for name in self.columns]).T


def test_a_table_is_rows_of_numbers() -> None:
    np.testing.assert_array_equal(as_array(_Table(a=[1.0, 2.0], b=[3, 4])), [[1, 3], [2, 4]])
    with pytest.raises(Mistake, match=r"columns of the table are not numbers: got town"):
        as_array(_Table(a=[1.0, 2.0], town=["Ulm", "Bonn"]))


class _Sparse:
    def toarray(self) -> np.ndarray:
        return np.zeros((2, 2))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PICTURES.astype(complex), "complex numbers.*numpy.abs"),
        (np.array([[1, "a"], [None, 2]], dtype=object), "objects"),
        (np.array([["a", "b"]]), "texts"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "not numbers"),
        (np.ma.masked_array(PICTURES, PICTURES > 9), r"masked.*filled"),
        ([np.ma.masked_array(PICTURES[0], PICTURES[0] > 9)], r"masked.*filled"),
        (_Sparse(), r"sparse.*toarray"),
        ([np.zeros((3, 4)), np.zeros((3, 4)), np.zeros((5, 6))], r"got \(3, 4\) and \(5, 6\)"),
        ([[[1, 2], [3]]], "not one array"),
        ((p for p in [np.zeros((3, 4)), np.zeros(3)]), r"got \(3, 4\) and \(3,\)"),
        ((p for p in []), "gave nothing"),
        ([], "empty list"),
        (np.zeros((0, 28, 28)), "no images"),
        (np.zeros((3, 0)), "no images"),
        (np.zeros(5), r"got \(5,\).*\(n, d\).*array\[None\]"),
        (np.float64(5), r"got \(\)"),
        (np.zeros((2, 2, 2, 2, 2)), r"got \(2, 2, 2, 2, 2\)"),
        (np.zeros((4, 3, 32, 32)), r"channels come first.*transpose\(0, 2, 3, 1\)"),
        (None, "NoneType"),
        (7, "int"),
        ({"a": PICTURES}, "dict"),
        (b"bytes", "bytes"),
    ],
)
def test_what_is_no_array_of_images_is_told(data: Any, words: str) -> None:
    with pytest.raises(Mistake, match=words) as caught:
        open_source(data)
    assert "\n" not in str(caught.value)


# --- array files ----------------------------------------------------------------------------------------------------


def test_npy_is_mapped_not_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PICTURES)
    source = open_source(tmp_path / "a.npy")
    assert isinstance(source, Arrays)
    assert isinstance(source.array, np.memmap)
    np.testing.assert_array_equal(source.read(4), PICTURES[4])
    assert type(source.read(4)) is np.ndarray
    assert "a.npy" in source.description


def test_npz_takes_its_only_array_or_the_known_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", anything=PICTURES)
    np.savez_compressed(tmp_path / "two.npz", y=np.arange(6), X=PICTURES)
    for name in ("one.npz", "two.npz"):
        np.testing.assert_array_equal(open_source(str(tmp_path / name)).read(5), PICTURES[5])
    np.savez(tmp_path / "many.npz", first=PICTURES, second=PICTURES)
    with pytest.raises(Mistake, match=r"got first, second; allowed: images, x, X, data; try: numpy.save"):
        open_source(tmp_path / "many.npz")


def test_pickled_arrays_are_refused_and_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    trap = np.array([Trap()], dtype=object)
    np.save(tmp_path / "a.npy", trap, allow_pickle=True)
    np.savez(tmp_path / "a.npz", trap)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Trap()))
    for name in ("a.npy", "a.npz", "b.npy"):
        with pytest.raises(Mistake, match="Python objects"):
            open_source(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_damaged_array_files_are_told(tmp_path: Path, name: str) -> None:
    (np.save if name == "a.npy" else np.savez)(tmp_path / name, PICTURES)
    whole = (tmp_path / name).read_bytes()
    for data in (whole[: len(whole) // 2], whole[:9], b""):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Mistake, match=f"{name} (is damaged or cut short|holds Python objects)"):
            open_source(tmp_path / name)


def test_a_file_with_the_wrong_numbers_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PICTURES.astype(complex))
    with pytest.raises(Mistake, match=r"a.npy: the images are not numbers: got complex"):
        open_source(tmp_path / "a.npy")


# --- IDX ------------------------------------------------------------------------------------------------------------


def _idx(array: np.ndarray, start: bytes = b"\0\0\x08") -> bytes:
    return start + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize("name", ["a-images-idx3-ubyte.gz", "a-images.idx3-ubyte", "a.idx", "a.idx.gz"])
def test_idx_plain_and_packed(tmp_path: Path, name: str) -> None:
    data = _idx(PICTURES)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    source = open_source(tmp_path / name)
    assert isinstance(source, Arrays)
    np.testing.assert_array_equal(source.array, PICTURES)
    assert source.array.dtype == np.uint8


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_idx(PICTURES, b"\1\0\x08"), "not an IDX file.*01 00 08 03"),
        (_idx(PICTURES, b"\0\0\x0d"), "type code 0x0d.*0x08"),
        (_idx(PICTURES)[:3], "not an IDX file"),
        (_idx(PICTURES)[:7], "cut short"),
        (_idx(PICTURES)[:-1], "cannot hold what it declares|cut short"),
        (_idx(PICTURES) + b"\0", "more than its sizes say"),
        (_idx(np.arange(6, dtype=np.uint8)), "no pictures: got labels"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 2**31, 2**31), "cannot hold what it declares"),
        (_idx(PICTURES[:0]), "cannot hold what it declares"),
        (b"", "not an IDX file"),
    ],
)
def test_bad_idx_files_are_told(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.idx").write_bytes(data)
    (tmp_path / "a.idx.gz").write_bytes(gzip.compress(data))
    for name in ("a.idx", "a.idx.gz"):
        with pytest.raises(Mistake, match=words):
            open_source(tmp_path / name)


def test_truncated_and_corrupted_gzip_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(_idx(RANDOM.integers(0, 256, (50, 28, 28), dtype=np.uint8)))
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0xFF
    for data in (packed[:-4000], packed[:-4], bytes(flipped), packed[:11]):
        (tmp_path / "a.idx.gz").write_bytes(data)
        with pytest.raises(Mistake, match=r"cut short|damaged"):
            open_source(tmp_path / "a.idx.gz")


def test_unpacking_takes_the_memory_of_the_pictures_and_little_more(tmp_path: Path) -> None:
    pictures = np.repeat(RANDOM.integers(0, 256, (1, 28, 28), dtype=np.uint8), 30000, axis=0)
    (tmp_path / "a.idx.gz").write_bytes(gzip.compress(_idx(pictures), 1))
    tracemalloc.start()
    open_source(tmp_path / "a.idx.gz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < pictures.nbytes + 12e6


# --- folders, archives and single pictures --------------------------------------------------------------------------


def _folder(root: Path) -> Path:
    _picture(root / "10.png", PICTURES[0])
    _picture(root / "9.png", np.dstack([PICTURES[1]] * 3))
    _picture(root / "b" / "2.png", PICTURES[2].astype(np.uint16) * 100)
    _picture(root / "b" / "11.png", PICTURES[3])
    _picture(root / "b2" / "1.png", PICTURES[4])
    _picture(root / ".hidden" / "x.png", PICTURES[5])
    _picture(root / "__MACOSX" / "y.png", PICTURES[5])
    _picture(root / "b" / ".z.png", PICTURES[5])
    (root / "notes.txt").write_text("not a picture, and not tried")
    return root


def _zip(path: Path, root: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(root.rglob("*"), reverse=True):
            archive.write(file, file.relative_to(root))
    return path


NAMES = ["9.png", "10.png", "b/2.png", "b/11.png", "b2/1.png"]


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_pictures_in_natural_order_with_their_paths_as_names(tmp_path: Path, packed: bool) -> None:
    path = _folder(tmp_path / "in")
    source = open_source(_zip(tmp_path / "in.zip", path) if packed else path)
    assert [source.name(i) for i in range(len(source))] == NAMES
    np.testing.assert_array_equal(source.read(0), np.dstack([PICTURES[1]] * 3))
    np.testing.assert_array_equal(source.read(2), PICTURES[2].astype(np.uint16) * 100)
    assert source.shapes == {  # type: ignore[attr-defined]
        (5, 4, 1, np.dtype(np.uint8)),
        (5, 4, 3, np.dtype(np.uint8)),
        (5, 4, 1, np.dtype(np.uint16)),
    }
    assert source.unreadable == []  # type: ignore[attr-defined]
    assert "5 pictures" in source.description


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_broken_picture_is_left_out_and_listed_or_fatal_when_strict(tmp_path: Path, packed: bool) -> None:
    root = _folder(tmp_path / "in")
    (root / "b" / "0.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (root / "c.png").write_bytes(b"")
    path = _zip(tmp_path / "in.zip", root) if packed else root
    source = open_source(path)
    assert [source.name(i) for i in range(len(source))] == NAMES
    (first, reason), (second, _) = source.unreadable  # type: ignore[attr-defined]
    assert (first, second) == ("b/0.jpg", "c.png")
    assert reason.startswith("is damaged or cut short")
    with pytest.raises(Mistake, match=r"2 of 7 pictures in .* cannot be read: got b/0.jpg"):
        open_source(path, strict=True)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_a_picture_that_breaks_after_its_header_is_told_when_it_is_read(tmp_path: Path, packed: bool) -> None:
    _picture(tmp_path / "in" / "a.png", RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    whole = (tmp_path / "in" / "a.png").read_bytes()
    (tmp_path / "in" / "a.png").write_bytes(whole[: len(whole) // 2])
    source = open_source(_zip(tmp_path / "in.zip", tmp_path / "in") if packed else tmp_path / "in")
    with pytest.raises(Mistake, match=r"^a.png is damaged or cut short"):
        source.read(0)


def test_a_file_that_is_gone_when_it_is_read_is_told(tmp_path: Path) -> None:
    source = open_source(_folder(tmp_path / "in"))
    (tmp_path / "in" / "b" / "2.png").unlink()
    with pytest.raises(Mistake, match=r"b/2.png: there is no such file"):
        source.read(2)


def test_a_folder_without_pictures_says_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(Mistake, match=r"there are no pictures in .*allowed: files ending in .png, .jpg"):
        open_source(tmp_path)
    (tmp_path / "a.png").write_text("nothing")
    with pytest.raises(Mistake, match=r"1 of 1 pictures in .*got a.png: is not a picture"):
        open_source(tmp_path)


def test_an_archive_with_tricks_gives_its_honest_pictures_only(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", PICTURES[0])
    data = (tmp_path / "a.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ok.png", data)
        for name in ("../out.png", "a/../../out.png", "/abs.png", "C:/drive.png", "back\\..\\slash.png"):
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("ok.png", data)
    before = set(tmp_path.iterdir())
    source = open_source(tmp_path / "t.zip")
    assert [source.name(i) for i in range(len(source))] == ["ok.png"]
    np.testing.assert_array_equal(source.read(0), PICTURES[0])
    reasons = dict(source.unreadable)  # type: ignore[attr-defined]
    assert reasons.pop("ok.png") == "it stands in the archive twice"
    assert len(reasons) == 5
    assert set(reasons.values()) == {"its name leads out of the archive"}
    assert set(tmp_path.iterdir()) == before


def test_an_archive_that_declares_too_much_or_is_encrypted(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", PICTURES[0])
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("ok.png", (tmp_path / "a.png").read_bytes())
        archive.writestr("huge.png", b"x" * 100)
        archive.writestr("secret.png", b"x" * 100)
        archive.getinfo("huge.png").file_size = 2**31
        archive.getinfo("secret.png").flag_bits |= 1
    source = open_source(tmp_path / "t.zip")
    assert len(source) == 1
    reasons = dict(source.unreadable)  # type: ignore[attr-defined]
    assert "declares 2147483648 bytes" in reasons["huge.png"]
    assert reasons["secret.png"] == "it is encrypted"


def test_no_more_is_unpacked_than_an_archive_declares(tmp_path: Path) -> None:
    """The directory says 70000 bytes, the packed data gives 64 MB."""
    packed = tmp_path / "t.zip"
    _picture(tmp_path / "a.png", PICTURES[0])
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", (tmp_path / "a.png").read_bytes() + bytes(64 << 20))
        archive.getinfo("a.png").file_size = 70000
    source = open_source(packed)
    tracemalloc.start()
    with pytest.raises(Mistake, match=r"a.png cannot be unpacked"):
        source.read(0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6


def test_a_zip_that_is_none_is_told(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "in.zip", _folder(tmp_path / "in")).read_bytes()
    for data in (b"", b"PK nothing", whole[: len(whole) // 2]):
        (tmp_path / "in.zip").write_bytes(data)
        with pytest.raises(Mistake, match=r"in.zip is not a zip archive, or cut short"):
            open_source(tmp_path / "in.zip")


def test_an_archive_survives_the_way_to_another_process(tmp_path: Path) -> None:
    source = open_source(_zip(tmp_path / "in.zip", _folder(tmp_path / "in")))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).read(4), PICTURES[4])  # noqa: S301


def test_a_single_picture(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", PICTURES[0])
    source = open_source(tmp_path / "a.png")
    assert len(source) == 1
    assert source.name(0) == "a.png"
    np.testing.assert_array_equal(source.read(0), PICTURES[0])
    (tmp_path / "b.png").write_text("nothing")
    with pytest.raises(Mistake, match=r"^.*b.png is not a picture"):
        open_source(tmp_path / "b.png")


def test_transparency_is_left_out(tmp_path: Path) -> None:
    _picture(tmp_path / "a.png", np.dstack([PICTURES[0]] * 4))
    assert open_source(tmp_path / "a.png").read(0).shape == (5, 4, 3)


# --- what is not there ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("digts", "did you mean digits?"),
        ("phots", "did you mean photos?"),
        ("holidy", "did you mean holiday?"),
        ("", "there is no file, folder or set ''"),
        ("none\0.png", "there is no file"),
        ("x" * 5000, "too long"),
        ("notes.txt", r"no file of images: got '.txt'; allowed: a folder of pictures, .npy"),
        ("holiday/x.png/y.png", "there is no file"),
    ],
)
def test_a_missing_path_is_told_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, words: str
) -> None:
    monkeypatch.chdir(_folder(tmp_path / "in"))
    _picture(Path("holiday/x.png"), PICTURES[0])
    with pytest.raises(Mistake, match=words.replace("?", r"\?")):
        open_source(spec)


def test_a_name_that_is_a_set_and_a_folder_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _picture(Path("photos/x.png"), PICTURES[0])
    with pytest.raises(Mistake, match=r"photos is the name of a set and .*try: ./photos"):
        open_source("photos")
    assert len(open_source("./photos")) == 1
    assert len(open_source(Path("photos"))) == 1


def test_every_kind_of_path_says_what_it_is() -> None:
    assert list(SOURCES) == ["folder", "npy", "npz", "csv", "zip", "idx", "picture"]
    assert all(kind.help for kind in SOURCES.values())


# --- named sets -----------------------------------------------------------------------------------------------------


def test_digits_keep_their_counts() -> None:
    from sklearn.datasets import load_digits

    source = open_source("digits")
    assert isinstance(source, Arrays)
    assert source.array.dtype == np.uint8
    np.testing.assert_array_equal(np.rint(source.array * (16 / 255)), load_digits().images)
    assert (source.array.min(), source.array.max()) == (0, 255)
    np.testing.assert_array_equal(labels("digits"), load_digits().target)


def test_faces_are_the_half_of_the_file_that_is_faces() -> None:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image: pip install 'diabolo[report]'")
    source = open_source("faces")
    assert isinstance(source, Arrays)
    np.testing.assert_allclose(source.array, data.lfw_subset()[:100], atol=1e-7)
    assert source.array.dtype == np.float32


def test_photos_are_real_and_tiles_are_cut_from_them() -> None:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image: pip install 'diabolo[report]'")
    photos = open_source("photos")
    by_name = {photos.name(i): photos.read(i) for i in range(len(photos))}
    np.testing.assert_array_equal(by_name["astronaut.png"], data.astronaut())
    np.testing.assert_array_equal(by_name["rocket.jpg"], data.rocket())
    assert len(by_name) == 7
    tiles, others = open_source("photo-tiles"), open_source("photo-tiles-test")
    assert isinstance(tiles, Arrays)
    assert isinstance(others, Arrays)
    assert tiles.array.shape == (4000, 32, 32, 3)
    assert others.array.shape == (415, 32, 32, 3)
    photo, top, left = tiles.name(100).split("-")
    half = data.astronaut().reshape(256, 2, 256, 2, 3).mean(axis=(1, 3))
    assert photo == "astronaut"
    expected = half[int(top) : int(top) + 32, int(left) : int(left) + 32]
    np.testing.assert_allclose(tiles.read(100), expected, atol=1)
    kinds = [{s.name(i).split("-")[0] for i in range(len(s))} for s in (tiles, others)]
    assert not kinds[0] & kinds[1], "no photograph may be in both"
    np.testing.assert_array_equal(open_source("photo-tiles").read(3999), tiles.read(3999))


def test_the_table_of_sets_is_complete() -> None:
    rows = list_sets()
    assert [row["name"] for row in rows] == list(NAMED)
    assert all(all(row.values()) for row in rows)
    for name in ("photos", "faces"):
        with pytest.raises(
            Mistake, match=f"the set {name} has no labels; allowed|the set {name} has no labels: allowed"
        ):
            labels(name)
    with pytest.raises(Mistake, match="did you mean digits"):
        labels("digit")


SETS = ["mnist", "mnist-test", "fashion-mnist", "fashion-mnist-test"]
needs_data = pytest.mark.skipif(
    not os.environ.get("DIABOLO_DATA"), reason="needs MNIST and Fashion-MNIST: name their folder in DIABOLO_DATA"
)


@needs_data
@pytest.mark.parametrize("name", SETS)
def test_the_real_files_are_the_published_ones(name: str) -> None:
    source = open_source(name)
    assert isinstance(source, Arrays)
    count = 10000 if name.endswith("test") else 60000
    assert source.array.shape == (count, 28, 28)
    data = _idx(source.array)
    assert hashlib.sha256(data).hexdigest() == download.IMAGES[name].sha256
    assert labels(name).shape == (count,)
    assert hashlib.sha256(_idx(labels(name))).hexdigest() == download.LABELS[name].sha256
    assert NAMED[name].shape.startswith(str(count))
    if name == "mnist":
        assert hashlib.md5(data).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], download.Remote]:
    """A function that puts bytes at a `file:` address and tells where; the cache is empty and of this test."""
    monkeypatch.delenv("DIABOLO_DATA", raising=False)
    monkeypatch.setenv("DIABOLO_CACHE", str(tmp_path / "cache"))
    genuine = hashlib.sha256(_idx(PICTURES)).hexdigest()

    def publish(data: bytes) -> download.Remote:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "a-idx3-ubyte.gz").write_bytes(data)
        return download.Remote((tmp_path / "home").as_uri(), "set", "a-idx3-ubyte.gz", genuine)

    return publish


def test_a_download_is_checked_kept_and_not_repeated(
    tmp_path: Path, remote: Callable[[bytes], download.Remote]
) -> None:
    there = remote(gzip.compress(_idx(PICTURES), 3))
    path = download.fetch(there)
    assert path == tmp_path / "cache" / "set" / "a-idx3-ubyte.gz"
    np.testing.assert_array_equal(open_source(path).read(1), PICTURES[1])
    (tmp_path / "home" / "a-idx3-ubyte.gz").unlink()
    assert download.fetch(there) == path


@pytest.mark.parametrize(
    "data",
    [gzip.compress(b"other"), gzip.compress(_idx(PICTURES))[:-4], b"<html>", b""],
    ids=["other contents", "cut short", "a page", "nothing"],  # the bytes hold the time: workers would not agree
)
def test_a_download_with_other_contents_is_not_kept(
    tmp_path: Path, remote: Callable[[bytes], download.Remote], data: bytes
) -> None:
    with pytest.raises(Mistake, match=r"is not the published file.*put the file at .*cache/set/a-idx3-ubyte.gz"):
        download.fetch(remote(data))
    assert list((tmp_path / "cache" / "set").iterdir()) == []


def test_without_a_network_the_address_and_the_place_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIABOLO_DATA", raising=False)
    monkeypatch.setenv("DIABOLO_CACHE", str(tmp_path))
    closed = download.Remote("http://127.0.0.1:9", "mnist", "a.gz", "")
    with pytest.raises(Mistake, match=r"cannot download http://127.0.0.1:9/a.gz.*by hand.*DIABOLO_DATA") as caught:
        download.fetch(closed)
    assert "\n" not in str(caught.value)


def test_the_addresses_are_encrypted_and_the_cache_follows_the_users_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(r.url.startswith("https://") for r in (*download.IMAGES.values(), *download.LABELS.values()))
    monkeypatch.delenv("DIABOLO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / "diabolo"


def test_the_users_own_files_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIABOLO_DATA", str(tmp_path))
    monkeypatch.setenv("DIABOLO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(PICTURES)))
    np.testing.assert_array_equal(open_source("mnist-test").read(0), PICTURES[0])
