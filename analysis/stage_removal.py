"""Accuracy of FEATHER by the fraction removed at each of its two stages.

Rows are R of the first stage, columns R of the second, which removes 1 - (1 - R)^2 of what is left,
as in the paper's code. Cells do not spend the same: the right map is what a layer sees on average
of the visual tokens. Where accuracy hardly changes along a row, what the late stage saves is nearly
free. The table beside has 95 % intervals that resample images.
"""

from prunescope import charts, plotting
from prunescope.scripting import run
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records
from prunescope.statistics.wide import COLUMNS, by_pair


def make(records, png, svg, csv, firsts, seconds, pattern="feather-r{}+{}", bootstrap=None):
    """firsts, seconds: fractions R; pattern: names of methods; those without records are empty."""
    records = read_records(records, COLUMNS)
    table = by_pair(records, firsts, seconds, pattern, Bootstrap(**bootstrap or {}))
    plotting.write_table(table, csv)
    plotting.save(draw(table), png, svg)


def draw(table):
    """table: as from `by_pair`."""
    return charts.pair_maps(table, "R of the first stage", "R of the second stage")


run(make, globals())
