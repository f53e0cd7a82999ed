"""Distances between two clouds of points: of their means and covariances, and of all their moments up to the third."""

from __future__ import annotations

import numpy as np

from diabolo.errors import Mistake
from diabolo.fidelity.intervals import Interval

BLOCK = 1000  # points of each cloud that one estimate of the kernel distance takes, as Binkowski et al. did


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)), >= 0: of Gaussians fitted to (n, d) and (m, d).

    In squared units of the points (Dowson and Landau 1982; for features of pictures Heusel et al. 2017, eq. 6). It is
    biased: two samples of one distribution are at about d / n of their variance, so that it must be read beside such a
    pair of the same sizes. Raises `Mistake` for fewer than two points.
    """
    a, b = _clouds(a, b, least=2)
    cov_a, cov_b = np.cov(a, rowvar=False).reshape(2 * a.shape[1:]), np.cov(b, rowvar=False).reshape(2 * b.shape[1:])
    # (C_a C_b)^(1/2) has the trace of the root of the symmetric C_a^(1/2) C_b C_a^(1/2).
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(min=0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(min=0)).sum()
    moved = np.square(a.mean(0) - b.mean(0)).sum()
    return float(max(0.0, moved + np.trace(cov_a) + np.trace(cov_b) - 2 * shared))


def kernel_distance(a: np.ndarray, b: np.ndarray, block: int = BLOCK) -> Interval:
    """The squared maximum mean discrepancy of (n, d) and (m, d) with the kernel (x.y / d + 1)^3, unbiased.

    Below 0 by chance where the two are alike (Gretton et al. 2012, eq. 3; for features Binkowski et al. 2018, "kernel
    inception distance"). The mean over blocks of at most `block` points of each, with its 95 % interval by their spread
    (none where there is one block alone). Raises `Mistake` for fewer than two points.
    """
    a, b = _clouds(a, b, least=2)
    count = max(1, -(-min(len(a), len(b)) // block))
    pairs = zip(np.array_split(a, count), np.array_split(b, count), strict=True)
    return Interval.of_mean(np.array([_discrepancy(one, other) for one, other in pairs]))


def _discrepancy(a: np.ndarray, b: np.ndarray) -> float:
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (_kernel(a, a), _kernel(b, b))]
    return float(within[0] + within[1] - 2 * _kernel(a, b).mean())


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a @ b.T / a.shape[1] + 1) ** 3


def _clouds(a: np.ndarray, b: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise Mistake(
            "two clouds of points need vectors of one length", f"{a.shape} and {b.shape}", "(n, d) and (m, d)"
        )
    if min(len(a), len(b)) < least:
        raise Mistake("too few points to compare", f"{len(a)} and {len(b)}", f"{least} or more each")
    return a.astype(np.float64), b.astype(np.float64)
