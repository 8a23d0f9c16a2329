"""Accuracy with the positions that tokens had, and with positions that are closed up.

"Compact" numbers the tokens that are left anew, without gaps, from the layer where the others are
removed; the row above it keeps the original positions and is the same otherwise. Where both agree,
the model does not need the gaps to know where a token was. Bars are 95 % intervals that resample
images.
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
