"""Accuracy by the layers of two stages, at the same mean number of visual tokens.

Rows are the layer K of the first stage, columns that of the second; both choose by the score
without RoPE. How much each keeps is solved for so that all cells spend the same (right map): an
early second stage leaves more to the first. Read along a row to move the second stage, along a
column to move the first; empty cells have no second stage behind the first. The table beside has
95 % intervals that resample images.
"""

from prunescope import charts, plotting
from prunescope.scripting import run
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records
from prunescope.statistics.wide import COLUMNS, by_pair


def make(records, png, svg, csv, firsts, seconds, pattern="pair-k{}+{}", bootstrap=None):
    """firsts, seconds: layers; pattern: names of the methods; those without records stay empty."""
    records = read_records(records, COLUMNS)
    table = by_pair(records, firsts, seconds, pattern, Bootstrap(**bootstrap or {}))
    plotting.write_table(table, csv)
    plotting.save(draw(table), png, svg)


def draw(table):
    """table: as from `by_pair`."""
    return charts.pair_maps(table, "Layer of the first stage", "Layer of the second stage")


run(make, globals())
