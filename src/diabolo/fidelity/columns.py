"""Tables: do single columns have the right values, do pairs of columns go together as they did, which rows are copies.

A table is a sequence of columns (n,); each is numeric, with NaN where a value is missing, or categorical: any values
that can be compared. Errors are 0..1, 0 = as in the real table (the complements of SDMetrics' scores, Patki et al.).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.stats import ks_2samp

from diabolo.errors import Mistake

BINS = 10  # into which a numeric column is cut, by the real one's quantiles, beside a categorical one

FLAT = 1e-12  # a column that varies less than this share of its values does not vary

Columns = Sequence[np.ndarray]


def shape_errors(real: Columns, synthetic: Columns, categorical: Sequence[bool]) -> np.ndarray:
    """(d,) how far each column's values are from the real one's.

    Numeric: the Kolmogorov-Smirnov distance of the values that are there, or the difference of the shares that are
    missing, whichever is larger. Categorical: half the sum of differences of shares (total variation).
    """
    _check(real, synthetic, categorical)
    columns = zip(real, synthetic, categorical, strict=True)
    return np.array([_total_variation(a, b) if named else _kolmogorov(a, b) for a, b, named in columns])


def pair_errors(real: Columns, synthetic: Columns, categorical: Sequence[bool]) -> np.ndarray:
    """(d, d) how otherwise each pair of columns goes together than the real one; symmetric, NaN on the diagonal.

    Two numeric columns: half the difference of their correlations (Pearson), over rows where both are there. With a
    categorical one: the total variation of the table of both, a numeric one cut into ten bins.
    """
    _check(real, synthetic, categorical)
    errors = np.full((len(real), len(real)), np.nan)
    numeric = np.flatnonzero(~np.asarray(categorical, bool))
    if len(numeric) > 1:
        pair = [_correlations(np.stack([side[int(i)] for i in numeric])) for side in (real, synthetic)]
        errors[np.ix_(numeric, numeric)] = np.abs(pair[0] - pair[1]) / 2
    for i, j in itertools.combinations(range(len(real)), 2):
        if categorical[i] or categorical[j]:
            first, second = (_codes(real[c], synthetic[c], categorical[c]) for c in (i, j))
            both = first * (second.max() + 1) + second  # a number for each cell of the table of both
            errors[i, j] = errors[j, i] = _total_variation(*np.split(both, [len(real[i])]))
    np.fill_diagonal(errors, np.nan)
    return errors


def exact_copies(samples: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """(m,) bool: which of the samples (m, ...) stand among the learned (n, ...), value by value; of one type."""
    learned = np.ascontiguousarray(learned)
    samples = np.ascontiguousarray(samples, dtype=learned.dtype)
    known = {row.tobytes() for row in learned}
    return np.array([row.tobytes() in known for row in samples])


def _kolmogorov(a: np.ndarray, b: np.ndarray) -> float:
    here, there = (column[~np.isnan(column)] for column in (a, b))
    missing = abs(len(here) / len(a) - len(there) / len(b))
    if not len(here) or not len(there):
        return float(missing)
    return max(missing, float(ks_2samp(here, there, method="asymp").statistic))


def _total_variation(a: np.ndarray, b: np.ndarray) -> float:
    values, code = np.unique(np.concatenate((a, b)), return_inverse=True)
    shares = [np.bincount(part, minlength=len(values)) / len(part) for part in np.split(code, [len(a)])]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _correlations(columns: np.ndarray) -> np.ndarray:
    """(d, d) of columns (d, n), each pair over the rows where both are there; 0 where one of them never changes."""
    there = (~np.isnan(columns)).astype(np.float64)
    filled = np.nan_to_num(columns)
    mean = (filled * there).sum(1, keepdims=True) / there.sum(1, keepdims=True).clip(min=1)
    values = (filled - mean) * there
    spread = np.sqrt(np.square(values).mean(1, keepdims=True))
    values = np.divide(
        values, spread, out=np.zeros_like(values), where=spread > FLAT * np.abs(filled).max(1, keepdims=True)
    )
    count = (there @ there.T).clip(min=1)
    sums = values @ there.T  # of column i over the rows where j is there
    products = values @ values.T - sums * sums.T / count
    squares = np.square(values) @ there.T - np.square(sums) / count
    scale = np.sqrt((squares * squares.T).clip(min=0))
    return np.divide(products, scale, out=np.zeros_like(products), where=scale > FLAT * count)


def _codes(a: np.ndarray, b: np.ndarray, categorical: bool) -> np.ndarray:
    """Both columns, one after the other, as whole numbers from 0: categories, or bins with the missing in their own."""
    both = np.concatenate((a, b))
    if categorical:
        return np.unique(both, return_inverse=True)[1]
    here = a[~np.isnan(a)]
    edges = np.unique(np.quantile(here, np.arange(1, BINS) / BINS)) if len(here) else here
    return np.where(np.isnan(both), BINS, np.searchsorted(edges, both, side="right"))


def _check(real: Columns, synthetic: Columns, categorical: Sequence[bool]) -> None:
    counts = len(real), len(synthetic), len(categorical)
    if len(set(counts)) > 1:
        raise Mistake(
            "the tables have different numbers of columns", " and ".join(map(str, counts[:2])), "the same columns"
        )
    if not all(len(column) for column in (*real, *synthetic)):
        raise Mistake("a table has no rows", allowed="1 or more")
