"""Picture files to arrays: upright, at the file's own bit depth, the transparency apart."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from typing import IO

import numpy as np
from PIL import Image, UnidentifiedImageError

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.pixels import deep
from diabolo.pixels.picture import SUFFIXES, Header, Picture

# Literal, because Pillow's whole list has formats that start other programs (EPS) or that it cuts to 8 bits silently.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHER_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")
_ORIENTATION = 0x0112
# Without a handler of its own, what a decoder logs about a damaged file would land on stderr.
_SILENCE = logging.NullHandler()
logging.getLogger("PIL").addHandler(_SILENCE)
logging.getLogger("tifffile").addHandler(_SILENCE)
_GREY = ("1", "L", "LA", "La", "F", "I")


def read_picture(source: str | os.PathLike[str] | bytes, name: str = "") -> Picture:
    """The picture in a file, or in a file's bytes; `name` is what errors call it, by default its path.

    The pixels stand upright (EXIF's orientation is applied) and keep the file's bit depth. Palettes become RGB, one
    bit becomes 0 and 255, CMYK becomes RGB without its profile. Raises `Mistake`, in one line with the name: a file
    that is missing, unreadable, empty, cut short, no picture, or so large that it may be a decompression bomb.
    """
    if isinstance(source, bytes):
        data, name = source, name or "the picture"
    else:
        name = name or str(source)
        with reading(source) as path:
            data = path.read_bytes()
    with _decoding(name):
        return _decode(data)


def picture_size(source: str | os.PathLike[str] | IO[bytes], name: str = "") -> Header:
    """Height, width, channels and dtype that `read_picture` would give, from the file's header alone."""
    if isinstance(source, str | os.PathLike):
        with reading(source) as path, open(path, "rb") as file:
            return picture_size(file, name or str(source))
    with _decoding(name or "the picture"):
        image = _open(source)
        if image is None:
            return deep.tiff_size(source)
        width, height = image.size
        if _orientation(image) >= 5:
            width, height = height, width
        source.seek(0)
        grey, depth = deep.png16_kind(source.read(32)) or (_is_grey(image), _depth(image))
        return Header(height, width, 1 if grey else 3, depth)


def _decode(data: bytes) -> Picture:
    image = _open(io.BytesIO(data))
    if image is None:
        return deep.read_tiff(data)
    orientation, exif, frames = _orientation(image), _upright_exif(image), getattr(image, "n_frames", 1)
    if deep.png16_kind(data) and (image.mode != "I;16" or "transparency" in image.info):
        values, alpha = deep.read_png16(data)
    else:
        values, alpha = _planes(image)
    values, alpha = deep.upright(values, orientation), None if alpha is None else deep.upright(alpha, orientation)
    picture = Picture(values, alpha, image.info.get("icc_profile"), exif, frames)
    return Picture(values, alpha, picture.fitting_icc(), exif, frames)


def _open(file: IO[bytes]) -> Image.Image | None:
    """Pillow's view of the file, pixels not decoded yet; None for a TIFF that Pillow cannot read at its full depth."""
    try:
        image = Image.open(file, formats=_FORMATS)
    except UnidentifiedImageError:
        file.seek(0)
        start = file.read(4)
        if start in _TIFF_STARTS:
            return None
        if start.startswith(_OTHER_STARTS) or not start:
            raise ValueError("no readable header" if start else "an empty file") from None
        raise
    if image.format == "TIFF":
        bits = np.atleast_1d(image.tag_v2.get(258, 1))  # type: ignore[attr-defined]
        if len(bits) > 1 and max(bits) > 8:
            return None
    if image.format == "PPM" and image.mode == "RGB" and _largest_ppm_value(image) > 255:
        raise Mistake("PPM of more than 8 bits a colour is not read", remedy="convert it to PNG or TIFF")
    return image


def _largest_ppm_value(image: Image.Image) -> int:
    """The maximum that the file declares; Pillow keeps it beside the decoder's name, and only if it is not 255."""
    options = image.tile[0].args  # type: ignore[attr-defined]
    return options[1] if isinstance(options, tuple) else 255


def _planes(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """The values and the transparency of a picture that Pillow decodes without loss."""
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        white_is_zero = image.format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]
        return (65535 - values if white_is_zero else values), None
    if image.mode == "F":
        return np.array(image, dtype=np.float32), None
    if image.format == "PPM" and image.mode == "I":
        return np.array(image).astype(np.uint16), None  # Pillow stretches what is deeper than 8 bits to 0..65535
    if image.mode in ("I", "LAB"):
        kind = "32-bit whole numbers" if image.mode == "I" else "CIE Lab colours"
        raise Mistake(f"{kind} are not read", allowed="8 and 16 bits, floats; grey, RGB, CMYK")
    alpha = image.has_transparency_data
    plain = image.convert(("L" if _is_grey(image) else "RGB") + ("A" if alpha else ""))
    array = np.array(plain)
    if not alpha:
        return array, None
    values = array[..., 0] if _is_grey(image) else array[..., :3]
    return np.ascontiguousarray(values), np.ascontiguousarray(array[..., -1])


def _is_grey(image: Image.Image) -> bool:
    return image.mode in _GREY or image.mode.startswith("I;16")


def _depth(image: Image.Image) -> np.dtype:
    if image.mode.startswith("I;16") or (image.format == "PPM" and image.mode == "I"):
        return np.dtype(np.uint16)
    return np.dtype(np.float32 if image.mode == "F" else np.uint8)


def _exif(image: Image.Image) -> Image.Exif | None:
    """The EXIF block of a JPEG, PNG or WebP; None if there is none or it is damaged. Pillow turns a TIFF by itself."""
    if image.format == "TIFF" or not image.info.get("exif"):
        return None
    try:
        return image.getexif()
    except Exception:  # a damaged note about a picture is no reason to refuse the picture
        return None


def _orientation(image: Image.Image) -> int:
    exif = _exif(image)
    turn = exif.get(_ORIENTATION, 1) if exif else 1
    return turn if turn in range(1, 9) else 1


def _upright_exif(image: Image.Image) -> bytes | None:
    exif = _exif(image)
    if not exif:
        return None
    if _ORIENTATION in exif:
        del exif[_ORIENTATION]
    try:
        return exif.tobytes() if len(exif) else None
    except Exception:  # tags that can be read but not written again
        return None


@contextlib.contextmanager
def _decoding(name: str) -> Iterator[None]:
    """Names the picture in whatever goes wrong in the block; decoders raise errors of every kind."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except MemoryError:
        raise
    except Mistake as mistake:
        raise Mistake(f"{name}: {mistake.wrong}", mistake.got, mistake.allowed, mistake.remedy) from mistake
    except Image.DecompressionBombError as error:
        allowed = f"at most {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels"
        remedy = "cut it into smaller pictures, or leave it out"
        raise Mistake(f"{name} is too large to be decoded safely", allowed=allowed, remedy=remedy) from error
    except UnidentifiedImageError as error:
        raise Mistake(f"{name} is not a picture", allowed=", ".join(SUFFIXES)) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Mistake(f"{name} is damaged or cut short", got=reason) from error
