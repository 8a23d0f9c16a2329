"""Accuracy of FEATHER by the fraction removed at each of its two stages.

Rows are R of the first stage, columns R of the second, which removes 1 - (1 - R)^2 of what is left,
as in the paper's code. Cells spend differently: the right map is T/N, the mean share of visual
tokens per layer. Each map has its own scale. The table has 95 % intervals, by image.
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
