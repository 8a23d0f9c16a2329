"""Accuracy by the layers of two stages, at the same mean number of visual tokens.

Rows are the layer K of the first stage, columns that of the second; both choose by the score
without RoPE. How much each keeps is solved for so that all cells spend the same (right map): an
early second stage leaves more to the first. Read along a row to move the second stage, along a
column to move the first; empty cells have no second stage behind the first. The table beside has
95 % intervals that resample images.
"""

from prunescope.jobs import run

from itertools import product

from prunescope.figures.recipes import maps_of_pairs
from prunescope.method_names import write
from prunescope.statistics.bootstrap import Bootstrap

NAMES = "Layer of the first stage", "Layer of the second stage"


def make(
    records,
    png,
    svg,
    pdf,
    csv,
    firsts,
    seconds,
    method="pair",
    share=0.42,
    bootstrap: Bootstrap = Bootstrap(),
):
    """firsts, seconds: layers of the stages of `method`; share: T/N of each pair. Pairs without
    records stay empty."""
    pairs = {write(method, layer=pair, share=share): pair for pair in product(firsts, seconds)}
    maps_of_pairs(records, (png, svg, pdf), csv, pairs, NAMES, bootstrap)


run(make, globals())
