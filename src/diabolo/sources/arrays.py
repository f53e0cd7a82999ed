"""What counts as an array of images, and the array files of NumPy."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.errors import Mistake
from diabolo.files import reading
from diabolo.sources.base import Arrays, refuse_twice

_SHAPES = "(n, d) vectors, (n, h, w) grey pictures, (n, h, w, c) pictures"
_KEYS = ("images", "x", "X", "data")


def as_array(data: Any) -> np.ndarray:
    """`data` as one array of images: an array, a memory-mapped file, a list of equal arrays, a DataFrame of numbers.

    bool, uint8, uint16, float32 and float64 stay as they are, half-precision floats become float32 and other whole
    numbers float64. Raises `Mistake` for anything else, with the way out.
    """
    array = _plain(data)
    if array.dtype.kind not in "buif":
        what = {"c": "complex numbers", "O": "objects", "U": "texts", "S": "texts"}.get(
            array.dtype.kind, str(array.dtype)
        )
        remedy = "numpy.abs(array)" if array.dtype.kind == "c" else "array.astype(float)"
        raise Mistake("the images are not numbers", got=what, allowed="bool, whole numbers, floats", remedy=remedy)
    if array.size == 0:
        raise Mistake("there are no images", got=f"an empty array {array.shape}", allowed=_SHAPES)
    _check_shape(array.shape)
    return _standard_dtype(array)


def open_npy(path: Path) -> Arrays:
    """The array in a `.npy` file, memory-mapped: it is read as it is used, and may be larger than the memory."""
    with reading(path) as file:
        try:
            array = np.load(file, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise _unreadable(path, error) from error
    return _described(array, path)


def open_npz(path: Path) -> Arrays:
    """The images in an `.npz` file: its only array, or the one called images, x, X or data."""
    with reading(path) as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return _described(arrays[_key(path, arrays.files)], path)
        except Mistake:
            raise
        except (ValueError, EOFError, MemoryError, zipfile.BadZipFile) as error:
            raise _unreadable(path, error) from error


def _key(path: Path, keys: list[str]) -> str:
    known = keys if len(keys) == 1 else [key for key in _KEYS if key in keys]
    if not known:
        remedy = f"numpy.save('images.npy', numpy.load('{path.name}')['{keys[0]}'])" if keys else ""
        wrong = f"{path} does not say which array holds the images"
        raise Mistake(wrong, got=", ".join(keys) or "no arrays", allowed=", ".join(_KEYS), remedy=remedy)
    return known[0]


def _described(array: np.ndarray, path: Path) -> Arrays:
    try:
        return Arrays(as_array(array), f"{path.name}, {' x '.join(map(str, array.shape))} {array.dtype}")
    except Mistake as mistake:
        raise Mistake(f"{path}: {mistake.wrong}", mistake.got, mistake.allowed, mistake.remedy) from mistake


def _unreadable(path: Path, error: Exception) -> Mistake:
    if "pickle" in str(error).lower():
        remedy = "save numbers: numpy.save(path, array.astype(float))"
        return Mistake(f"{path} holds Python objects, which could run a program when read", remedy=remedy)
    return Mistake(f"{path} is damaged or cut short", got=" ".join(str(error).split())[:120])


def _plain(data: Any) -> np.ndarray:
    if isinstance(data, np.ma.MaskedArray):
        raise Mistake("masked arrays are not read", remedy="array.filled(0)")
    if hasattr(data, "toarray"):
        raise Mistake("sparse matrices are not read", got=type(data).__name__, remedy="matrix.toarray()")
    if _is_table(data):
        return _table(data)
    if isinstance(data, list | tuple):
        return _stacked(list(data))
    if data is None or isinstance(data, set | dict | bytes) or not hasattr(data, "__array__"):
        raise Mistake("not a source of images", got=type(data).__name__, allowed="a path, an array, a list of arrays")
    try:
        return data if isinstance(data, np.memmap) else np.asarray(data)
    except (TypeError, ValueError, RuntimeError) as error:  # a tensor on a GPU, or one that needs its gradient
        raise Mistake("this cannot be made an array", got=" ".join(str(error).split())[:120]) from error


def column_names(data: Any) -> list[str] | None:
    """The names of a DataFrame's columns, None for what is no DataFrame."""
    return [str(name) for name in data.columns] if _is_table(data) else None


def _is_table(data: Any) -> bool:
    return hasattr(data, "to_numpy") and hasattr(data, "columns")


def _table(frame: Any) -> np.ndarray:
    """A DataFrame's rows as vectors; a column that is not numbers is named in the mistake."""
    refuse_twice(column_names(frame) or [], "the table")
    columns = [_column(frame[name]) for name in frame.columns]
    wrong = [str(name) for name, column in zip(frame.columns, columns, strict=True) if column.dtype.kind not in "buif"]
    if wrong:
        got = ", ".join(wrong[:3]) + (", ..." if len(wrong) > 3 else "")
        raise Mistake("columns of the table are not numbers", got=got, remedy="table.select_dtypes('number')")
    return np.stack(columns, 1) if columns else np.empty((len(frame), 0))


def _column(column: Any) -> np.ndarray:
    """A column's values; where numbers of pandas' own types are missing, NaN."""
    plain = np.asarray(column)
    if plain.dtype.kind == "O" and getattr(column.dtype, "kind", "O") in "buif":
        plain = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return plain


def _stacked(images: list[Any]) -> np.ndarray:
    if not images:
        raise Mistake("there are no images", got="an empty list")
    if any(isinstance(image, np.ma.MaskedArray) for image in images):
        raise Mistake("masked arrays are not read", remedy="array.filled(0)")
    try:
        members = [np.asarray(image) for image in images]
    except ValueError as error:  # lists in lists of unequal lengths
        raise Mistake("an image in the list is not one array", got=str(error)[:120]) from error
    shapes = list(dict.fromkeys(member.shape for member in members))
    if len(shapes) > 1:
        remedy = "resize or crop them to one size"
        raise Mistake("the images are not of one shape", got=f"{shapes[0]} and {shapes[1]}", remedy=remedy)
    return np.stack(members)


def _check_shape(shape: tuple[int, ...]) -> None:
    if not 2 <= len(shape) <= 4:
        remedy = "array[None] for a single image" if len(shape) == 1 else ""
        raise Mistake("not the shape of images", got=str(shape), allowed=_SHAPES, remedy=remedy)
    if len(shape) == 4 and shape[1] <= 4 < min(shape[2:]):
        remedy = "array.transpose(0, 2, 3, 1)"
        raise Mistake("the channels come first", got=str(shape), allowed="(n, h, w, c)", remedy=remedy)


def _standard_dtype(array: np.ndarray) -> np.ndarray:
    dtype = array.dtype.newbyteorder("=")
    if dtype.kind == "f":
        dtype = np.dtype({2: np.float32, 4: np.float32}.get(dtype.itemsize, np.float64))
    elif dtype.kind in "ui" and dtype not in (np.uint8, np.uint16):
        dtype = np.dtype(np.float64)
    return array if array.dtype == dtype else array.astype(dtype)
