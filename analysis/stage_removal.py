"""Accuracy of FEATHER by the fraction removed at each of its two stages.

Rows are R of the first stage, columns R of the second, which removes 1 - (1 - R)^2 of what is left,
as in the paper's code. Cells do not spend the same: the right map is what a layer sees on average
of the visual tokens. Where accuracy hardly changes along a row, what the late stage saves is nearly
free. The table beside has 95 % intervals that resample images.
"""

from prunescope.jobs import run

from itertools import product

from prunescope.figures.recipes import maps_of_pairs
from prunescope.method_names import write
from prunescope.statistics.bootstrap import Bootstrap

NAMES = "R of the first stage", "R of the second stage"


def make(
    records,
    png,
    svg,
    pdf,
    csv,
    firsts,
    seconds,
    method="feather",
    bootstrap: Bootstrap = Bootstrap(),
):
    """firsts, seconds: fractions R of the stages of `method`. Pairs without records stay empty."""
    pairs = {write(method, remove=pair): pair for pair in product(firsts, seconds)}
    maps_of_pairs(records, (png, svg, pdf), csv, pairs, NAMES, bootstrap)


run(make, globals())
