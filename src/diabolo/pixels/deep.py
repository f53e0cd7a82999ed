"""16-bit colour and float pictures, which Pillow would cut to 8 bits: PNG with pypng, TIFF with tifffile.

tifffile is imported where it is used: it takes half a second, and most pictures do not need it.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import IO, Any

import numpy as np
import png
from PIL import Image

from diabolo.errors import Mistake
from diabolo.pixels.picture import DEPTHS, Header, Picture

_PNG_START = b"\x89PNG\r\n\x1a\n"
_UNASSOCIATED_ALPHA = 2  # TIFF 6.0, tag ExtraSamples
_DEFLATE_LIMIT = 1032  # zlib never packs more bytes than this into one


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """`array` (h, w, ...) turned and mirrored as EXIF's orientation tag says (Exif 2.3, 4.6.4: 1..8, 1 = as it is)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def png16_kind(start: bytes) -> tuple[bool, np.dtype] | None:
    """(is it grey?, uint16) from the first bytes of a PNG of 16 bits a channel; None for any other file."""
    if not start.startswith(_PNG_START) or start[24:25] != b"\x10":
        return None
    return start[25] in (0, 4), np.dtype(np.uint16)  # PNG specification, table 11.1: colour types


def read_png16(data: bytes) -> tuple[np.ndarray, np.ndarray | None]:
    """Values and transparency, uint16, of a PNG file of 16 bits: grey or RGB, with alpha or one clear colour."""
    width, height, rows, info = png.Reader(bytes=data).read()
    _check_inflated(data, height * (width * info["planes"] * 2 + 1))
    array = np.stack([np.asarray(row, dtype=np.uint16) for row in rows]).reshape(height, width, info["planes"])
    values = array[..., 0] if info["greyscale"] else array[..., :3]
    alpha = array[..., -1].copy() if info["alpha"] else None
    if "transparent" in info:
        clear = (array == np.array(info["transparent"])).all(axis=2)
        alpha = np.where(clear, 0, 65535).astype(np.uint16)
    return np.ascontiguousarray(values), alpha


def _check_inflated(data: bytes, size: int) -> None:
    """Refuses a PNG whose pixels unpack to more than its header declares: pypng unpacks them without a limit."""
    inflater, total = zlib.decompressobj(), 0
    for kind, chunk in png.Reader(bytes=data).chunks():
        while kind == b"IDAT" and chunk:
            total += len(inflater.decompress(chunk, 1 << 20))
            chunk = inflater.unconsumed_tail
            if total > 2 * size:  # interlaced files have a few bytes more than plain ones
                raise Image.DecompressionBombError


def png16_bytes(picture: Picture) -> bytes:
    """A PNG file of 16 bits a channel, with transparency, profile, EXIF and texts."""
    planes = _stacked(picture)
    height, width, count = planes.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[count]  # PNG specification, table 11.1: colour types
    rows = planes.astype(">u2").view(np.uint8).reshape(height, width * count * 2)
    rows[:, count * 2 :] -= rows[:, : -count * 2].copy()  # filter 1: each byte less that of the pixel before
    filtered = np.concatenate([np.ones((height, 1), np.uint8), rows], axis=1)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))]
    icc = picture.fitting_icc()
    if icc:
        chunks.append((b"iCCP", b"icc\0\0" + zlib.compress(icc)))
    if picture.exif:
        chunks.append((b"eXIf", picture.exif.removeprefix(b"Exif\0\0")))
    chunks += [(b"tEXt", f"{keyword}\0{text}".encode("ascii")) for keyword, text in picture.texts]
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes())), (b"IEND", b"")]
    file = io.BytesIO()
    png.write_chunks(file, chunks)
    return file.getvalue()


def tiff_size(file: IO[bytes]) -> Header:
    """The header of a TIFF file's first page."""
    page, _ = _first_page(file)
    height, width = page.imagelength, page.imagewidth
    if _tiff_orientation(page) >= 5:
        height, width = width, height
    return Header(height, width, 1 if page.samplesperpixel < 3 else 3, _tiff_depth(page))


def read_tiff(data: bytes) -> Picture:
    """The first page of a TIFF file of 16 bits or floats; 64-bit floats are rounded to 32 bits."""
    page, frames = _first_page(io.BytesIO(data))
    size, channels = (page.imagelength, page.imagewidth), page.samplesperpixel
    array = page.asarray().astype(_tiff_depth(page))
    if page.planarconfig == 2:  # the channels lie one after the other, not interleaved
        array = np.moveaxis(array.reshape(channels, *size), 0, -1)
    array = upright(array.reshape(*size, channels), _tiff_orientation(page))
    colours = 3 if array.shape[2] >= 3 else 1
    values = np.ascontiguousarray(array[..., 0] if colours == 1 else array[..., :3])
    alpha = np.ascontiguousarray(array[..., -1]) if array.shape[2] > colours else None
    profile = page.tags.get("InterColorProfile")
    picture = Picture(values, alpha, profile and bytes(profile.value))
    return Picture(values, alpha, picture.fitting_icc(), frames=frames)


def tiff_bytes(picture: Picture) -> bytes:
    """A TIFF file (deflate) at the picture's own depth, with transparency and profile; it has no place for EXIF."""
    import tifffile

    planes = _stacked(picture)
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        planes[..., 0] if planes.shape[2] == 1 else planes,
        photometric="rgb" if planes.shape[2] >= 3 else "minisblack",
        planarconfig=None if planes.shape[2] == 1 else "contig",
        extrasamples=None if picture.alpha is None else ["unassalpha"],
        iccprofile=picture.fitting_icc(),
        compression="zlib",
        metadata=None,
    )
    return file.getvalue()


def _first_page(file: IO[bytes]) -> tuple[Any, int]:
    """The first page of a TIFF file, checked to be one that can be read, and the number of pages."""
    import tifffile

    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    tiff = tifffile.TiffFile(file)
    page: Any = tiff.pages[0]
    if page.imagelength * page.imagewidth > 2 * (Image.MAX_IMAGE_PIXELS or np.inf):
        raise Image.DecompressionBombError
    if page.nbytes > _DEFLATE_LIMIT * length:
        raise ValueError("it declares more than it can hold")
    extra = tuple(page.extrasamples)
    grey = page.photometric == 1 and page.samplesperpixel == 1 + len(extra)
    colour = page.photometric == 2 and page.samplesperpixel == 3 + len(extra)
    if not (grey or colour) or extra not in ((), (_UNASSOCIATED_ALPHA,)) or page.imagedepth != 1:
        got = f"{page.samplesperpixel} channels, {getattr(page.photometric, 'name', page.photometric)}"
        raise Mistake("this kind of TIFF is not read", got=got, allowed="grey or RGB, with or without plain alpha")
    return page, len(tiff.pages)


def _tiff_depth(page: Any) -> np.dtype:
    dtype = np.dtype(page.dtype)
    dtype = np.dtype(np.float32) if dtype.kind == "f" else dtype
    if dtype not in DEPTHS:
        raise Mistake("this depth of TIFF is not read", got=str(dtype), allowed="uint8, uint16, floats")
    return dtype


def _tiff_orientation(page: Any) -> int:
    tag = page.tags.get("Orientation")
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _stacked(picture: Picture) -> np.ndarray:
    """(h, w, channels and transparency)."""
    return np.dstack([picture.values] if picture.alpha is None else [picture.values, picture.alpha])
