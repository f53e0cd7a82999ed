"""Witnesses: each learns from normal images what is normal, and says of any image how far it is from that.

To add one: write its part in a file here and name it in the table below.
"""

from diabolo.learned import Statistics
from diabolo.options import Family
from diabolo.witnesses.base import Evidence, Told, Witness
from diabolo.witnesses.density import Density
from diabolo.witnesses.marks import Marks
from diabolo.witnesses.neighbours import Neighbours
from diabolo.witnesses.residual import Residual

__all__ = ["WITNESSES", "Density", "Evidence", "Marks", "Neighbours", "Residual", "Statistics", "Told", "Witness"]

WITNESSES = Family("witness", Residual, Density, Neighbours, Marks)
