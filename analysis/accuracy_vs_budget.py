"""Accuracy against the mean number of visual tokens per decoder layer.

The axis is T/N, the visual tokens that a layer sees on average over those of the unpruned model;
further left is cheaper. A line joins one method at several fractions removed. Methods of several
stages stand in both rows. Other tasks: their mean, each counting the same. Compare at the same T/N.
Bars and the grey band: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures import charts, tables, theme
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records

FAMILIES = ("fastv", "fastv-norope", "feather", "pyramiddrop", "uniform", "random")


def make(records, png, svg, pdf, csv, families=FAMILIES, bootstrap: Bootstrap = Bootstrap()):
    """families: methods whose variations are drawn as lines, one for each set of layers."""
    records = read_records(records, COLUMNS)
    methods = list(dict.fromkeys(records["method"]))
    table = by_group(records, methods, bootstrap)
    tables.write(table, csv)
    label = "Mean visual tokens per layer, T/N"
    theme.save(charts.tradeoff(table, families, "share", label), png, svg, pdf)


run(make, globals())
