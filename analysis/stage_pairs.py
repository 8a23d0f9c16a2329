"""Accuracy by the layers of two stages, at equal mean numbers of visual tokens.

Rows are the layer K of the first stage, columns that of the second; both use the score without
RoPE. How much each removes is solved for, so that all cells spend the same (right map). Each map
has its own scale. Empty cells have no second stage after the first. The table has 95 % intervals,
by image.
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
