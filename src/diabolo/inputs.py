"""What estimators are given, as arrays: places are read, tables pass scikit-learn's own checks."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from diabolo.errors import Mistake
from diabolo.model import Model
from diabolo.sources import Source, open_source


def array_of(estimator: Any, X: Any, model: Model | None, reset: bool = False) -> np.ndarray:
    """The images as one array; tables through scikit-learn's checks, which know names and numbers of columns.

    `model` brings pictures of a place to its side and channels. With `reset` the estimator learns what a table's
    columns are; without it they must be those. Numbers must be finite, but for NaN where the model imputes it.
    """
    if model is not None and is_place(X):
        source = open_source(X)
        pictures = [model.bring(source.read(i)) for i in range(len(source))]
        if len({picture.shape for picture in pictures}) > 1:
            raise Mistake("the pictures have different sizes", allowed="one size", remedy="preprocessing__side=64")
        return np.stack(pictures)
    X = plain(X)
    with in_one_line():
        if isinstance(X, np.ndarray) and X.ndim > 2:
            array: np.ndarray = check_array(X, allow_nd=True, ensure_2d=False, ensure_all_finite=False)
        else:
            array = validate_data(estimator, X, reset=reset, ensure_all_finite=False, allow_nd=True)
    if model is not None:
        model.conversion.check_finite(array, getattr(estimator, "feature_names_in_", None))
    return array


def plain(X: Any) -> Any:
    """What can become an array, as it is; a `Mistake` for what scikit-learn's own checks would take or not explain."""
    if isinstance(X, Iterator):
        X = list(X)
    sparse = hasattr(X, "toarray")  # some of these are dictionaries; scikit-learn knows what to say
    if X is None or (isinstance(X, set | frozenset | dict | bytes | numbers.Number) and not sparse):
        raise Mistake("not a source of images", got=type(X).__name__, allowed="a path, an array, a list of arrays")
    if isinstance(X, list | tuple) and not X:
        raise Mistake("there are no images", got="an empty list")
    if isinstance(X, np.ma.MaskedArray):
        raise Mistake("masked arrays have values that are missing", remedy="x.filled(0), or leave these images out")
    if isinstance(X, np.ndarray) and X.dtype.kind == "c":
        raise Mistake("Complex data not supported", got=str(X.dtype), remedy="numpy.abs(x)")
    return X


@contextlib.contextmanager
def in_one_line() -> Iterator[None]:
    """Tells what scikit-learn's checks refuse in one line, but for names of columns, which have a line each."""
    try:
        yield
    except Mistake:
        raise
    except ValueError as error:
        if str(error).startswith("The feature names"):
            raise
        raise Mistake(" ".join(str(error).split())) from error


def is_place(X: Any) -> bool:
    return isinstance(X, str | Path | Source)
