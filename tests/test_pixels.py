"""Real encoded files, made here, read back at their own depth, upright, and written again without loss."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import png
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps

from diabolo import pixels
from diabolo.errors import Mistake
from diabolo.pixels import Picture, jpeg_round_trip, picture_size, png_bytes, read_picture, resize, write_picture

RANDOM = np.random.default_rng(5)
GREY8 = RANDOM.integers(0, 256, (5, 7), dtype=np.uint8)
RGB8 = RANDOM.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY16 = RANDOM.integers(0, 65536, (5, 7), dtype=np.uint16)
RGB16 = RANDOM.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _save(path: Path, array: np.ndarray | Image.Image, **options: object) -> Path:
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(path, **options)
    return path


def _read(path: Path) -> Picture:
    """The picture, after checking that the header alone already told its size and depth."""
    picture = read_picture(path)
    channels = 1 if picture.values.ndim == 2 else 3
    assert picture_size(path) == (*picture.values.shape[:2], channels, picture.values.dtype)
    return picture


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
@pytest.mark.parametrize("array", [GREY8, RGB8], ids=["grey", "rgb"])
def test_eight_bits_without_loss(tmp_path: Path, suffix: str, array: np.ndarray) -> None:
    picture = _read(_save(tmp_path / f"a{suffix}", array))
    np.testing.assert_array_equal(picture.values, array)
    assert picture.values.dtype == np.uint8
    assert picture.alpha is None


def test_webp_keeps_rgb_and_transparency(tmp_path: Path) -> None:
    image = Image.fromarray(np.dstack([RGB8, GREY8 | 1]))
    picture = _read(_save(tmp_path / "a.webp", image, lossless=True, exact=True))
    np.testing.assert_array_equal(picture.values, RGB8)
    np.testing.assert_array_equal(picture.alpha, GREY8 | 1)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_transparency_stands_apart(tmp_path: Path, suffix: str) -> None:
    picture = _read(_save(tmp_path / f"rgba{suffix}", np.dstack([RGB8, GREY8])))
    np.testing.assert_array_equal(picture.values, RGB8)
    np.testing.assert_array_equal(picture.alpha, GREY8)
    picture = _read(_save(tmp_path / f"la{suffix}", Image.fromarray(np.dstack([GREY8, RGB8[..., 0]]), mode=None)))
    np.testing.assert_array_equal(picture.values, GREY8)
    np.testing.assert_array_equal(picture.alpha, RGB8[..., 0])


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    picture = _read(_save(tmp_path / "a.png", Image.fromarray(GREY8 > 127)))
    np.testing.assert_array_equal(picture.values, np.where(GREY8 > 127, 255, 0))


def test_a_palette_becomes_rgb_and_its_clear_colour_transparency(tmp_path: Path) -> None:
    indices = np.array([[0, 1, 2], [2, 1, 0]], dtype=np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    opaque = _read(_save(tmp_path / "opaque.png", image))
    np.testing.assert_array_equal(opaque.values, colours[indices])
    assert opaque.alpha is None
    clear = _read(_save(tmp_path / "clear.png", image, transparency=bytes([255, 0, 128])))
    np.testing.assert_array_equal(clear.values, colours[indices])
    np.testing.assert_array_equal(clear.alpha, np.array([255, 0, 128])[indices])


@pytest.mark.parametrize("array", [GREY8, RGB8], ids=["grey", "rgb"])
def test_the_clear_colour_of_a_png_is_transparency(tmp_path: Path, array: np.ndarray) -> None:
    first = array[0, 0]
    transparent = int(first) if array.ndim == 2 else tuple(int(v) for v in first)
    picture = _read(_save(tmp_path / "a.png", array, transparency=transparent))
    clear = (array == first).reshape(5, 7, -1).all(axis=2)
    np.testing.assert_array_equal(picture.alpha, np.where(clear, 0, 255))
    np.testing.assert_array_equal(picture.values[~clear], array[~clear])


def _png16(path: Path, array: np.ndarray, **options: object) -> Path:
    """A 16-bit PNG by pypng, whose writer is not the one under test."""
    planes = 1 if array.ndim == 2 else array.shape[2]
    writer = png.Writer(
        array.shape[1], array.shape[0], greyscale=planes < 3, alpha=planes in (2, 4), bitdepth=16, **options
    )
    with open(path, "wb") as file:
        writer.write(file, array.reshape(array.shape[0], -1).tolist())
    return path


@pytest.mark.parametrize("interlace", [False, True])
def test_sixteen_bit_png_of_every_kind_keeps_all_its_bits(tmp_path: Path, interlace: bool) -> None:
    for array in (GREY16, RGB16, np.dstack([GREY16, GREY16[::-1]]), np.dstack([RGB16, GREY16])):
        picture = _read(_png16(tmp_path / "a.png", array, interlace=interlace))
        planes = array.reshape(5, 7, -1)
        colours = 3 if planes.shape[2] >= 3 else 1
        np.testing.assert_array_equal(picture.values.reshape(5, 7, -1), planes[..., :colours])
        assert picture.values.dtype == np.uint16
        assert (picture.alpha is None) == (planes.shape[2] == colours)
        if picture.alpha is not None:
            np.testing.assert_array_equal(picture.alpha, planes[..., -1])


def test_the_clear_colour_of_a_sixteen_bit_png(tmp_path: Path) -> None:
    for array in (GREY16, RGB16):
        first = array[0, 0].tolist()
        picture = _read(_png16(tmp_path / "a.png", array, transparent=first))
        np.testing.assert_array_equal(picture.values, array)
        assert picture.alpha is not None
        assert picture.alpha[0, 0] == 0
        assert picture.alpha[1:].min() == 65535


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_every_depth(tmp_path: Path, dtype: type, planar: str, order: str) -> None:
    rgb = (RGB16 >> (8 if dtype is np.uint8 else 0)).astype(dtype) / (dtype(7) if dtype is np.float32 else 1)
    rgb = rgb.astype(dtype)
    path = tmp_path / "rgb.tif"
    stored = rgb if planar == "contig" else np.moveaxis(rgb, 2, 0)
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar, byteorder=order, metadata=None)
    picture = _read(path)
    np.testing.assert_array_equal(picture.values, rgb)
    assert picture.values.dtype == dtype
    tifffile.imwrite(tmp_path / "grey.tif", rgb[..., 0], photometric="minisblack", byteorder=order)
    picture = _read(tmp_path / "grey.tif")
    np.testing.assert_array_equal(picture.values, rgb[..., 0])
    assert picture.values.dtype == dtype


def test_tiff_of_64_bit_floats_white_as_zero_and_lzw(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "d.tif", RGB16 / 65535, photometric="rgb")
    np.testing.assert_array_equal(_read(tmp_path / "d.tif").values, (RGB16 / 65535).astype(np.float32))
    tifffile.imwrite(tmp_path / "w.tif", GREY16, photometric="miniswhite")
    np.testing.assert_array_equal(_read(tmp_path / "w.tif").values, 65535 - GREY16)
    np.testing.assert_array_equal(_read(_save(tmp_path / "z.tif", GREY16, compression="tiff_lzw")).values, GREY16)


@pytest.mark.parametrize("array", [RGB16.astype(np.int32), RGB16.astype(np.int16), GREY16.astype(np.int32)])
def test_tiff_depths_that_are_not_read_are_told(tmp_path: Path, array: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb" if array.ndim == 3 else "minisblack")
    with pytest.raises(Mistake, match=r"a.tif.*not read.*allowed"):
        read_picture(tmp_path / "a.tif")


def test_portable_maps_of_eight_and_sixteen_bits(tmp_path: Path) -> None:
    np.testing.assert_array_equal(_read(_save(tmp_path / "a.pgm", GREY8)).values, GREY8)
    np.testing.assert_array_equal(_read(_save(tmp_path / "a.ppm", RGB8)).values, RGB8)
    (tmp_path / "deep.pgm").write_bytes(b"P5 7 5 65535\n" + GREY16.astype(">u2").tobytes())
    np.testing.assert_array_equal(_read(tmp_path / "deep.pgm").values, GREY16)
    (tmp_path / "12bit.pgm").write_bytes(b"P5 7 5 4095\n" + (GREY16 >> 4).astype(">u2").tobytes())
    expected = (GREY16 >> 4) * (65535 / 4095)
    np.testing.assert_allclose(_read(tmp_path / "12bit.pgm").values, expected, atol=0.51)
    (tmp_path / "deep.ppm").write_bytes(b"P6 7 5 65535\n" + RGB16.astype(">u2").tobytes())
    for function in (read_picture, picture_size):
        with pytest.raises(Mistake, match=r"deep.ppm: PPM of more than 8 bits.*try: convert"):
            function(tmp_path / "deep.ppm")


def test_a_stack_of_tiff_pages_gives_the_first_and_counts_the_rest(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.uint16):
        stack = np.stack([RGB16, RGB16[::-1], RGB16]).astype(dtype)
        tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb")
        picture = _read(tmp_path / "a.tif")
        np.testing.assert_array_equal(picture.values, stack[0])
        assert picture.frames == 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_orientation_is_applied_and_then_forgotten(tmp_path: Path, suffix: str, orientation: int) -> None:
    image = Image.fromarray(np.kron(RGB8, np.ones((8, 8, 1), np.uint8)))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "a camera"
    path = _save(tmp_path / f"a{suffix}", image, exif=exif)
    with Image.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    picture = _read(path)
    np.testing.assert_array_equal(picture.values, expected)
    assert picture.values.shape == ((40, 56, 3) if orientation < 5 else (56, 40, 3))
    if suffix != ".tif":
        assert picture.exif is not None
        kept = Image.Exif()
        kept.load(picture.exif)
        assert dict(kept) == {0x010F: "a camera"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_sixteen_bit_tiff(tmp_path: Path, orientation: int) -> None:
    tag = (274, 3, 1, orientation, True)
    tifffile.imwrite(tmp_path / "deep.tif", RGB16, photometric="rgb", extratags=[tag])
    tifffile.imwrite(tmp_path / "flat.tif", RGB16.astype(np.uint8), photometric="rgb", extratags=[tag])
    deep, flat = _read(tmp_path / "deep.tif").values, _read(tmp_path / "flat.tif").values
    np.testing.assert_array_equal(deep.astype(np.uint8), flat)


def test_a_damaged_exif_block_does_not_spoil_the_picture(tmp_path: Path) -> None:
    _save(tmp_path / "a.png", RGB8, exif=b"Exif\0\0not really")
    np.testing.assert_array_equal(_read(tmp_path / "a.png").values, RGB8)


def test_cmyk_becomes_rgb_and_loses_the_profile_that_no_longer_fits(tmp_path: Path) -> None:
    flat = Image.new("CMYK", (16, 8), (0, 255, 255, 0))
    picture = _read(_save(tmp_path / "a.jpg", flat, icc_profile=b"\0" * 16 + b"CMYK" + b"\0" * 108, quality=100))
    assert np.abs(picture.values.astype(int) - [255, 0, 0]).max() <= 3
    assert picture.icc is None


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("red", "lime", "blue")]
    for name in ("a.gif", "a.webp", "a.png"):
        options = {"lossless": True} if name.endswith("webp") else {}
        picture = _read(_save(tmp_path / name, frames[0], save_all=True, append_images=frames[1:], **options))
        assert (picture.values == [255, 0, 0]).all()
        assert picture.frames == 3


def _bomb() -> bytes:
    """A PNG of a few bytes that declares 60000 x 60000 pixels."""
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    file = io.BytesIO()
    png.write_chunks(file, [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")])
    return file.getvalue()


def _png16_that_unpacks_to_more() -> bytes:
    """A 16-bit PNG of 2 x 2 pixels whose pixels unpack to 64 MB."""
    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    file = io.BytesIO()
    png.write_chunks(file, [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(64 << 20))), (b"IEND", b"")])
    return file.getvalue()


def _encoded(suffix: str, array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF"}[suffix])
    return file.getvalue()


BIG = RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8)
BROKEN = {
    "empty.png": (b"", "an empty file"),
    "text.png": (b"this is no picture", "not a picture"),
    "script.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    "cut.jpg": (_encoded("jpg", BIG)[:1500], "damaged or cut short"),
    "cut.png": (_encoded("png", BIG)[:2000], "damaged or cut short"),
    "cut.webp": (_encoded("webp", BIG)[:900], "damaged or cut short"),
    "cut.tif": (_encoded("tif", BIG)[:900], "damaged|cut short|not a picture"),
    "bomb.png": (_bomb(), "too large to be decoded safely"),
    "unpacks.png": (_png16_that_unpacks_to_more(), "too large to be decoded safely"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_with_its_name(tmp_path: Path, name: str) -> None:
    data, words = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    for source, called in ((tmp_path / name, ""), (data, f"inside.zip/{name}")):
        with pytest.raises(Mistake, match=words) as caught:
            read_picture(source, called)
        message = str(caught.value)
        assert message.startswith(called or str(tmp_path / name))
        assert "\n" not in message


def test_a_truncated_sixteen_bit_file_is_told(tmp_path: Path) -> None:
    deep = RANDOM.integers(0, 65536, (32, 32, 3), dtype=np.uint16)
    whole = _png16(tmp_path / "a.png", deep).read_bytes()
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    for data in (whole[:2000], whole[:30], (tmp_path / "a.tif").read_bytes()[:1000]):
        with pytest.raises(Mistake, match="damaged or cut short"):
            read_picture(data, "cut")


def test_a_tiff_that_declares_more_than_it_holds_is_given_no_memory(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", RGB16, photometric="rgb", metadata=None)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    entry = next(i for kind in (3, 4) if (i := data.find(struct.pack("<HHI", 257, kind, 1))) >= 0)  # ImageLength
    data[entry + 2 : entry + 12] = struct.pack("<HII", 4, 1, 20_000_000)
    for function in (read_picture, lambda whole: picture_size(io.BytesIO(whole))):
        with pytest.raises(Mistake, match="declares more than it can hold"):
            function(bytes(data))


def test_missing_and_folder_are_told(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.png", "no such file"), (tmp_path, "a folder")):
        for function in (read_picture, picture_size):
            with pytest.raises(Mistake, match=words):
                function(path)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str, dtype: type, clear: bool, colour: bool) -> None:
    values = (RGB16 if colour else GREY16).astype(dtype)
    alpha = GREY16[::-1].astype(dtype) if clear else None
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    path = tmp_path / f"a{suffix}"
    write_picture(path, Picture(values, alpha, ICC, exif.tobytes()))
    back = _read(path)
    np.testing.assert_array_equal(back.values, values)
    assert back.values.dtype == dtype
    assert (back.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(back.alpha, alpha)
    assert back.icc == (ICC if colour else None), "an RGB profile does not fit a grey picture"
    if suffix == ".png":
        assert back.exif is not None
        assert b"a camera" in back.exif


def test_sixteen_bit_png_is_read_alike_by_pypng(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Picture(RGB16))
    width, height, rows, info = png.Reader(filename=str(tmp_path / "a.png")).read()
    assert (width, height, info["bitdepth"]) == (7, 5, 16)
    np.testing.assert_array_equal(np.array([list(row) for row in rows]).reshape(5, 7, 3), RGB16)


def test_floats_are_written_as_tiff_only(tmp_path: Path) -> None:
    values = (RGB16 / 65535).astype(np.float32)
    write_picture(tmp_path / "a.tif", Picture(values))
    np.testing.assert_array_equal(_read(tmp_path / "a.tif").values, values)
    with pytest.raises(Mistake, match=r"PNG holds no float32; allowed: TIFF|PNG holds no float32: allowed: TIFF"):
        write_picture(tmp_path / "a.png", Picture(values))


def test_jpeg_and_webp_are_written_with_profile_and_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    smooth = resize(RGB8, 40, 56)
    for name, error in (("a.jpg", 8), ("a.webp", 0)):
        write_picture(tmp_path / name, Picture(smooth, None, ICC, exif.tobytes()))
        back = _read(tmp_path / name)
        assert np.abs(back.values.astype(int) - smooth).mean() <= error
        assert back.icc == ICC
        assert back.exif is not None
        assert b"a camera" in back.exif


@pytest.mark.parametrize(
    ("name", "picture", "words"),
    [
        ("a.jpg", Picture(GREY16), "JPEG holds no uint16.*PNG.*try: .*a.tiff"),
        ("a.jpg", Picture(GREY8, GREY8), "JPEG holds no transparency.*try: .*a.png"),
        ("a.gif", Picture(GREY8), "suffix"),
        ("a.xyz", Picture(GREY8), "suffix.*'.xyz'.*allowed: .png"),
        ("none/a.png", Picture(GREY8), "there is no folder .*mkdir"),
        ("a.webp", Picture(np.zeros((1, 17000), np.uint8)), "WEBP does not take"),
    ],
)
def test_what_cannot_be_written_is_told_and_leaves_nothing(
    tmp_path: Path, name: str, picture: Picture, words: str
) -> None:
    with pytest.raises(Mistake, match=words):
        write_picture(tmp_path / name, picture)
    assert list(tmp_path.iterdir()) == []


def test_transparency_that_hides_nothing_may_be_left_out(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg", Picture(RGB8, np.full((5, 7), 255, np.uint8)))
    assert _read(tmp_path / "a.jpg").values.shape == (5, 7, 3)


@pytest.mark.parametrize(
    ("values", "alpha"),
    [(RGB8[..., :2], None), (RGB8.astype(float), None), (RGB8, GREY16), (RGB8, GREY8[:3]), (GREY8[:0], None)],
)
def test_a_picture_must_be_one(values: np.ndarray, alpha: np.ndarray | None) -> None:
    with pytest.raises(Mistake, match="got"):
        Picture(values, alpha)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (1,), (3,), (5,)])
def test_shrinking_by_a_whole_number_is_the_mean(dtype: type, channels: tuple[int, ...]) -> None:
    array = RANDOM.integers(0, 256, (12, 8, *channels)).astype(dtype)
    expected = array.reshape(4, 3, 4, 2, *channels).astype(float).mean(axis=(1, 3))
    small = resize(array, 4, 4)
    assert small.dtype == dtype
    np.testing.assert_allclose(small, expected, atol={"uint8": 1, "uint16": 0.51}.get(np.dtype(dtype).name, 1e-4))


def test_resizing_makes_no_patterns_and_stays_in_range() -> None:
    checks = np.indices((90, 90)).sum(axis=0) % 2
    for dtype in (np.uint8, np.uint16, np.float32):
        small = resize((checks * 200).astype(dtype), 37, 37)
        assert np.abs(small.astype(float) - 100).max() < 12, "fine checks must turn into even grey"
        large = resize((checks[:9, :9] * 200).astype(dtype), 40, 31)
        assert large.shape == (40, 31)
        assert large.min() >= 0
        assert large.max() <= 200
    assert resize(checks.astype(bool), 45, 180).dtype == bool


def test_resize_refuses_nothingness() -> None:
    with pytest.raises(Mistake, match="0 x 3"):
        resize(GREY8, 0, 3)


@pytest.mark.parametrize("shape", [(16, 24), (16, 24, 1), (16, 24, 3)])
def test_jpeg_loses_more_at_lower_quality(shape: tuple[int, ...]) -> None:
    array = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    errors = []
    for quality in (95, 50, 5):
        back = jpeg_round_trip(array, quality)
        assert back.shape == shape
        assert back.dtype == np.uint8
        errors.append(np.square(back.astype(float) - array).mean())
    assert 0 < errors[0] < errors[1] < errors[2]


def test_png_bytes_are_a_png() -> None:
    for array in (GREY8, RGB8, GREY8[..., None]):
        np.testing.assert_array_equal(read_picture(png_bytes(array)).values, array.squeeze())
    np.testing.assert_array_equal(read_picture(png_bytes(GREY8 > 99)).values, (GREY8 > 99) * 255)
    with pytest.raises(Mistake, match="float64"):
        png_bytes(GREY8 / 255)


def test_the_suffix_says_what_is_a_picture() -> None:
    assert [name for name in ("a.PNG", "b.jpeg", "c.txt", "d", "e.tif", ".png") if pixels.is_picture(name)] == [
        "a.PNG",
        "b.jpeg",
        "e.tif",
    ]
