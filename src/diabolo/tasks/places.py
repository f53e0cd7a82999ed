"""From one place to another of the same kind: a picture to a picture, a folder to a folder, an array to an array."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from diabolo.errors import Mistake
from diabolo.events import Listener, Note, Passed, ignore
from diabolo.files import atomic, check_writable
from diabolo.pixels import SUFFIXES, Picture, check_fits, is_picture, read_picture, write_picture
from diabolo.preprocessing import UNIT, Conversion
from diabolo.sources import Source, open_source

Change = Callable[[np.ndarray], np.ndarray]  # (n, *image) -> (n, *image) of the same type
ChangePicture = Callable[[Picture, str], Picture]  # a picture and its name below the folder -> a picture
AT_ONCE = 1024  # images of an array that are changed and written together, at most
MOST = 2**27  # bytes of them, unless one image has more
HALF = 0.5 / 255  # of a grey level: what is cut off of a float beyond 0..1 without a trace in its byte


def change(place: str, out: str, function: Change, *, strict: bool = False, listen: Listener = ignore) -> int:
    """Send what is at `place` through `function` to `out`, and say how many images went.

    A picture keeps its transparency, colour profile and EXIF; a folder keeps its names. One broken file does not
    stop the rest, unless `strict`; each is told as a warning. Nothing is left half-written.
    """
    if is_pictures(place):
        return change_pictures(place, out, lambda picture, _: _changed(picture, function), strict=strict, listen=listen)
    refuse_same(place, out)
    return _array(open_source(place, strict=strict), out, function, listen)


def is_pictures(place: str) -> bool:
    """Is there a folder at a place, or a file that is a picture by its name?"""
    return bool(place) and (Path(place).is_dir() or is_picture(place))


def change_pictures(
    place: str,
    out: str,
    function: ChangePicture,
    *,
    clear: bool = True,
    strict: bool = False,
    listen: Listener = ignore,
) -> int:
    """`change` for a picture or a folder of pictures, by a function that is given the whole picture and its name.

    `clear`: what is transparent stays so, and cannot go to a file that knows no transparency.
    """
    if Path(place).is_dir():
        return _folder(Path(place), Path(out), function, strict, listen)
    refuse_same(place, out)
    check_target(out)  # before the work, not after it
    picture = read_first(Path(place), Path(place).name, listen)
    check_target(out, picture if clear else dataclasses.replace(picture, alpha=None))
    write_picture(out, function(picture, Path(place).name))
    return 1


def check_target(out: str | os.PathLike[str], picture: Picture | None = None) -> None:
    """Refuse a place where a picture, or this one, could not be written in the end."""
    check_fits(out, Picture(np.zeros((1, 1), np.uint8)) if picture is None else picture)
    check_writable(out)


def read_first(path: Path, name: str, listen: Listener) -> Picture:
    picture = read_picture(path)
    if picture.frames > 1:
        listen(Note(f"{name} has {picture.frames} frames or pages: the first is used"))
    return picture


def _changed(picture: Picture, function: Change) -> Picture:
    return picture.with_values(function(picture.values[None])[0])


def _folder(place: Path, out: Path, function: ChangePicture, strict: bool, listen: Listener) -> int:
    names = [name for name in names_below(place) if is_picture(name)]
    if not names:
        raise Mistake(f"no pictures in {place}", allowed=", ".join(SUFFIXES))
    if out.exists() and not out.is_dir():
        raise Mistake("a folder goes to a folder", got=f"{out}, a file", remedy="-o FOLDER")
    refuse_same(place, out)
    done = 0
    taken = set(names)
    for i, name in enumerate(names):
        try:
            picture = function(read_first(place / name, name, listen), name)
        except Mistake as mistake:
            if strict:
                raise
            listen(Note(f"left out {name}: {mistake}", warning=True))
            continue
        target = _writable(Path(name), picture, taken)
        folder((out / target).parent)
        write_picture(out / target, picture)  # a disk that is full for one picture is so for the rest
        done += 1
        listen(Passed(i + 1, len(names)))
    if not done:
        raise Mistake(f"no picture in {place} could be used", got=f"{len(names)} that failed")
    return done


def _array(source: Source, out: str, function: Change, listen: Listener) -> int:
    if Path(out).suffix != ".npy":
        raise Mistake("an array goes to an array file", got=out, allowed=".npy", remedy="-o OUT.npy")
    with atomic(out) as beside, open(beside, "wb") as file:
        at_once = max(1, min(AT_ONCE, MOST // source.read(0).nbytes))
        for start in range(0, len(source), at_once):
            images = read_run(source, start, start + at_once)
            changed = function(images)
            if not start:
                write_header(file, changed.dtype, (len(source), *changed.shape[1:]))
            file.write(np.ascontiguousarray(changed).data)
            listen(Passed(start + len(images), len(source)))
    return len(source)


def write_npy(out: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write an array as `.npy`, whole or not at all; a full disk is a `Mistake`."""
    with atomic(out) as beside, open(beside, "wb") as file:
        write_header(file, array.dtype, array.shape)
        file.write(np.ascontiguousarray(array).data)


def write_header(file: IO[bytes], dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Write what stands in an `.npy` file before the numbers."""
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, description)


def write_source(source: Source, out: str, listen: Listener = ignore) -> int:
    """Write a source's images as an array `.npy`, or as a folder of PNG pictures under their own names."""
    if Path(out).suffix == ".npy":
        return _array(source, out, lambda images: images, listen)
    if Path(out).suffix:
        raise Mistake("pictures go to a folder or to .npy", got=out, remedy="-o FOLDER, or -o OUT.npy")
    for i in range(len(source)):
        write_image(Path(out), source.name(i), source.read(i))
        listen(Passed(i + 1, len(source)))
    return len(source)


def write_image(out: Path, name: str, image: np.ndarray, texts: tuple[tuple[str, str], ...] = ()) -> None:
    """Write one image below the folder `out` as PNG, named `name`; floats are taken as 0..1 and become bytes.

    `texts` are (keyword, text) pairs that the file carries.
    """
    below = Path(name.lstrip("/")).with_suffix(".png")
    if ".." in below.parts:
        raise Mistake("a name leads out of the folder", got=name)
    if image.ndim == 1:
        raise Mistake("vectors are no pictures", allowed=".npy", remedy="-o OUT.npy")
    image = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    if image.dtype not in (np.uint8, np.uint16):
        image = np.rint(np.clip(image.astype(np.float32), 0, 1) * 255).astype(np.uint8)
    target = out / below
    folder(target.parent)
    write_picture(target, Picture(image, texts=texts))


def check_png(conversion: Conversion, remedy: str) -> None:
    """Refuse, before the work, pictures as PNG from a model whose floats are not those of `write_image`."""
    if conversion.dtype not in UNIT and conversion.layout != "vector":
        low, high = (conversion.offset[0] + conversion.scale[0] * end for end in (conversion.low, conversion.high))
        check_shades(low, high, remedy)


def check_shades(low: float, high: float, remedy: str) -> None:
    """Refuse floats from `low` to `high` that PNG pictures would cut off."""
    if low < -HALF or high > 1 + HALF:
        got = f"pictures learned from that go from {low:.4g} to {high:.4g}"
        raise Mistake("floats become the bytes of PNG from 0 to 1, and others would be cut off", got, remedy=remedy)


def read_run(source: Source, start: int, stop: int) -> np.ndarray:
    """Images `start` to `stop` of a source whose images are of one size, as one array."""
    array = getattr(source, "array", None)
    if array is not None:
        return np.asarray(array[start:stop])
    images = [source.read(i) for i in range(start, min(stop, len(source)))]
    if len({image.shape for image in images}) > 1:
        raise Mistake("the pictures have different sizes", allowed="one size, or a folder to a folder")
    return np.stack(images)


def folder(path: Path) -> None:
    """Make a folder and those above it; a `Mistake` where that is not allowed."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"cannot make the folder {path}: {error.strerror}", remedy="another place with -o") from error


def check_new(out: Path, remedy: str = "-o NEW/") -> None:
    """Refuse, before the work, a place where no new folder could be made, or that holds others' files."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Mistake(f"{out} is not empty, and old pictures among new ones could not be told apart", remedy=remedy)
    above = next(parent for parent in (out.absolute(), *out.absolute().parents) if parent.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        got = f"no permission in {above}" if above.is_dir() else f"{above}, a file"
        raise Mistake(f"cannot make the folder {out}", got, remedy="another place with -o")


def names_below(place: Path) -> Iterator[str]:
    """Paths of all files below a folder, relative to it, without hidden ones."""
    for root, folders, files in os.walk(place):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            if not name.startswith("."):
                yield str((Path(root) / name).relative_to(place))


def _writable(target: Path, picture: Picture, taken: set[str]) -> Path:
    """The target's name, as PNG where its own format cannot be written or cannot hold the picture's depth.

    `taken` are the names of the other pictures, which grows by the one that is given: none is written over another.
    """
    with contextlib.suppress(Mistake):
        check_fits(target, picture)
        return target
    renamed = target.with_suffix(".png")
    if str(renamed) in taken:
        renamed = target.with_name(target.name + ".png")
    taken.add(str(renamed))
    return renamed


def refuse_same(place: str | Path, out: str | Path) -> None:
    one, other = Path(place).expanduser(), Path(out).expanduser()
    if one.exists() and other.exists() and one.samefile(other):
        raise Mistake("the output is the input", got=str(out), allowed="another place", remedy="-o another name")
