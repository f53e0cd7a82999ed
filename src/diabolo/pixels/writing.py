"""Arrays to picture files: at the picture's own bit depth, whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from diabolo.errors import Mistake
from diabolo.files import atomic
from diabolo.pixels import deep
from diabolo.pixels.picture import SUFFIXES, Picture

_DEPTHS = {
    "PNG": ("uint8", "uint16"),
    "TIFF": ("uint8", "uint16", "float32"),
    "JPEG": ("uint8",),
    "WEBP": ("uint8",),
    "BMP": ("uint8",),
}
_CLEAR = ("PNG", "TIFF", "WEBP")  # the formats that hold transparency


def write_picture(path: str | os.PathLike[str], picture: Picture, quality: int = 95) -> None:
    """Write a picture in the format that the suffix of `path` names; the file is there whole or not at all.

    Bit depth, transparency and colour profile are kept; EXIF is kept except in BMP and in TIFF of more than 8 bits,
    texts in PNG alone.
    `quality` (1..100) is JPEG's, written with full-size colour planes (4:4:4); the other formats are written without
    loss. WebP knows no grey: a grey picture comes back as RGB. Raises `Mistake` for a suffix that is not known, for
    what the format cannot hold (16 bits or transparency in JPEG), and where the path cannot be written.
    """
    kind = check_fits(path, picture)
    try:
        data = _encode(kind, picture, quality)
    except (OSError, ValueError) as error:
        raise Mistake(f"cannot write {path}: {kind} does not take this picture", got=str(error)[:120]) from error
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def _format(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if not SUFFIXES.get(suffix):
        allowed = ", ".join(known for known, kind in SUFFIXES.items() if kind)
        wrong = f"cannot write {path}: the suffix does not name a format that is written"
        raise Mistake(wrong, got=repr(suffix), allowed=allowed)
    return SUFFIXES[suffix]


def check_fits(path: str | os.PathLike[str], picture: Picture) -> str:
    """The format that a path names, if it can hold the picture; a `Mistake` that says which could, otherwise."""
    kind = _format(path)
    depth = str(picture.values.dtype)
    if depth not in _DEPTHS[kind]:
        able = " or ".join(f"{known} ({', '.join(depths)})" for known, depths in _DEPTHS.items() if depth in depths)
        remedy = f"{Path(path).with_suffix('.tiff')}" + ("" if depth == "float32" else ", or 8 bits")
        raise Mistake(f"cannot write {path}: {kind} holds no {depth}", allowed=able, remedy=remedy)
    if picture.alpha is not None and kind not in _CLEAR and not _opaque(picture.alpha):
        remedy = str(Path(path).with_suffix(".png"))
        raise Mistake(f"cannot write {path}: {kind} holds no transparency", allowed=", ".join(_CLEAR), remedy=remedy)
    return kind


def _opaque(alpha: np.ndarray) -> bool:
    return bool((alpha == (1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)).all())


def _encode(kind: str, picture: Picture, quality: int) -> bytes:
    if picture.values.dtype != np.uint8:
        return deep.png16_bytes(picture) if kind == "PNG" else deep.tiff_bytes(picture)
    planes = picture.values
    if picture.alpha is not None and kind in _CLEAR:
        planes = np.dstack([planes, picture.alpha])
    options: dict[str, dict[str, object]] = {
        "JPEG": {"quality": quality, "subsampling": 0, "optimize": True},
        "WEBP": {"lossless": True},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }
    file = io.BytesIO()
    notes = {"icc_profile": picture.fitting_icc(), "exif": picture.exif}
    if kind == "PNG" and picture.texts:
        options["PNG"] = {"pnginfo": _texts(picture)}
    known = {name: note for name, note in notes.items() if note and kind != "BMP"}
    Image.fromarray(np.ascontiguousarray(planes)).save(file, kind, **options.get(kind, {}), **known)
    return file.getvalue()


def _texts(picture: Picture) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for keyword, text in picture.texts:
        info.add_text(keyword, text)
    return info
