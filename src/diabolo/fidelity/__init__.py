"""How near one set is to another: figures that are pure functions of arrays, each with its paper.

Rows are vectors (n, d): features of pictures, or a table's standardised columns.
"""

from diabolo.fidelity.columns import exact_copies, pair_errors, shape_errors
from diabolo.fidelity.copying import Copying, copying, membership, nearer_than
from diabolo.fidelity.distances import frechet_distance, kernel_distance
from diabolo.fidelity.intervals import Interval, auroc, auroc_interval, bootstrap, paired
from diabolo.fidelity.neighbours import Neighbourhoods, nearest, neighbourhoods

__all__ = [
    "Copying",
    "Interval",
    "Neighbourhoods",
    "auroc",
    "auroc_interval",
    "bootstrap",
    "copying",
    "exact_copies",
    "frechet_distance",
    "kernel_distance",
    "membership",
    "nearer_than",
    "nearest",
    "neighbourhoods",
    "pair_errors",
    "paired",
    "shape_errors",
]
