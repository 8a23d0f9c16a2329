"""Accuracy of the uniform grid by its stride and by where it begins.

A grid keeps every s-th row and column, from the offset on. Rows of one stride differ by chance of
where the grid falls on the objects, and by how close it comes to the image's edge; the count
differs where the stride does not divide the side of the grid. The table beside has the tokens.
Bars are 95 % intervals that resample images.
"""

from prunescope import charts, plotting
from prunescope.scripting import run
from prunescope.statistics.accuracy import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records
from prunescope.statistics.wide import COLUMNS, by_group


def make(records, png, svg, csv, methods, bootstrap=None):
    """methods: from top to bottom, without the unpruned model."""
    records = read_records(records, COLUMNS)
    table = by_group(records, [BASELINE, *methods], Bootstrap(**bootstrap or {}))
    plotting.write_table(table, csv)
    plotting.save(draw(table, methods), png, svg)


def draw(table, methods):
    """table: as from `by_group`."""
    return charts.forest(table, methods, BASELINE, "Accuracy")


run(make, globals())
