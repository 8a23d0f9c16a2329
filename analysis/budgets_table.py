"""FEATHER, FastV and PyramidDrop at two budgets (table A2 of FEATHER).

The paper's own settings, which are not matched: read share, what a layer sees on average of the
visual tokens as realised, before the accuracies. The first three pruned rows are the frugal budget,
the others the generous one. Localization and other tasks are means over tasks, each counting the
same; intervals are 95 %, by image.
"""

from prunescope import plotting
from prunescope.scripting import run
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.inputs import read_records
from prunescope.statistics.wide import COLUMNS, by_task


def make(records, csv, methods=(), bootstrap=None):
    """methods: the rows, from top to bottom; all by default."""
    records = read_records(records, COLUMNS)
    rows = methods or list(dict.fromkeys(records["method"]))
    plotting.write_table(by_task(records, rows, Bootstrap(**bootstrap or {})), csv)


run(make, globals())
