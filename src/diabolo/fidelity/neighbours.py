"""Nearest neighbours: what is nearest to what, and whether two sets fill the same places."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from diabolo.errors import Mistake

NEAREST = 5  # neighbours that make a point's neighbourhood, as in Naeem et al. 2020
HELD = 2**24  # distances held at a time: 64 MiB
ROUNDING = 1e-6  # of the squared lengths: less than this is not told apart in single precision


@dataclasses.dataclass(frozen=True)
class Neighbourhoods:
    """Shares in 0..1, but for density, whose expectation is 1 where both sets come from one distribution."""

    precision: float  # of the synthetic points, those within a real point's neighbourhood
    recall: float  # of the real points, those within a synthetic point's neighbourhood
    density: float  # neighbourhoods of real points that a synthetic one lies in, over how many are expected
    coverage: float  # of the real points' neighbourhoods, those that hold a synthetic point


def neighbourhoods(real: np.ndarray, synthetic: np.ndarray, k: int = NEAREST) -> Neighbourhoods:
    """Precision and recall (Kynkaanniemi et al. 2019, eq. 1-2), density and coverage (Naeem et al. 2020, eq. 3-4).

    `real` (n, d) and `synthetic` (m, d); a point's neighbourhood is the ball up to its k-th nearest of its own set, its
    surface included, so that rows that stand many times in a table are in each other's. Raises `Mistake` unless both
    have more than k points.
    """
    if min(len(real), len(synthetic)) <= k:
        raise Mistake(
            f"too few for neighbourhoods of {k}", f"{len(real)} and {len(synthetic)}", f"{k + 1} or more each"
        )
    wide, drawn = _tensor(real), _tensor(synthetic)
    real_reach, drawn_reach = _radii(wide, k), _radii(drawn, k)
    holders = torch.zeros(len(drawn))  # real neighbourhoods that each synthetic point lies in
    recalled, covered = [], []
    for start, squares in _blocks(wide, drawn):
        within = squares <= real_reach[start : start + len(squares), None]
        holders += within.sum(0)
        covered.append(within.any(1))
        recalled.append((squares <= drawn_reach).any(1))
    return Neighbourhoods(
        precision=float((holders > 0).float().mean()),
        recall=float(torch.cat(recalled).float().mean()),
        density=float(holders.mean() / k),
        coverage=float(torch.cat(covered).float().mean()),
    )


def nearest(
    points: np.ndarray, others: np.ndarray, leave_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """For each of (n, d) the distance to the nearest of (m, d), (n,) float, and its number, (n,) int.

    `leave_out` (n,) is for each point the number of one of the others that is not looked at: itself.
    """
    centre = others.mean(0, dtype=np.float64).astype(np.float32)
    places, beside = _tensor(points - centre), _tensor(others - centre)
    lengths, rows, found = beside.square().sum(1), max(1, HELD // len(others)), []
    for start in range(0, len(places), rows):
        # Squared distances but for the point's own length, which changes no order.
        scores = torch.addmm(lengths, places[start : start + rows], beside.T, alpha=-2)
        if leave_out is not None:
            scores[torch.arange(len(scores)), torch.from_numpy(leave_out[start : start + rows])] = torch.inf
        found.append(scores.argmin(1))
    index = torch.cat(found).numpy()
    return np.linalg.norm(points.astype(np.float64) - others[index], axis=1), index


def _radii(points: Tensor, k: int) -> Tensor:
    """The squared distance to the k-th nearest other point, (n,)."""
    return torch.cat([squares.kthvalue(k + 1, dim=1).values for _, squares in _blocks(points, points)])


def _blocks(points: Tensor, others: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Squared distances of some points to all others, (rows, m), with the number of the first of the points.

    What rounding may have left of equal points is 0.
    """
    lengths = others.square().sum(1)
    rows = max(1, HELD // len(others))
    for start in range(0, len(points), rows):
        some = points[start : start + rows]
        scale = lengths + some.square().sum(1)[:, None]
        squares = torch.addmm(scale, some, others.T, alpha=-2)
        yield start, squares.masked_fill_(squares < ROUNDING * scale, 0)


def _tensor(points: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(points, dtype=np.float32))
