"""Accuracy of FEATHER by the fraction removed at each of its two stages.

Rows are R of the first stage, columns R of the second, which removes 1 - (1 - R)^2 of what is left,
as in the paper's code. Cells do not spend the same: the right map is what a layer sees on average
of the visual tokens. Where accuracy hardly changes along a row, what the late stage saves is nearly
free. The table beside has 95 % intervals that resample images.
"""

from prunescope.jobs import run
from prunescope.figures.recipes import maps_of_pairs

NAMES = "R of the first stage", "R of the second stage"


def make(records, png, svg, csv, firsts, seconds, pattern="feather-r{}+{}", bootstrap=None):
    """firsts, seconds: fractions R; pattern: names of methods; those without records are empty."""
    maps_of_pairs(records, (firsts, seconds), pattern, NAMES, bootstrap, csv, png, svg)


run(make, globals())
