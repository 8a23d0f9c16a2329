"""Accuracy against the mean number of visual tokens per decoder layer.

Figures 2, 3c and 5 of FEATHER, with T/N, the visual tokens that a layer sees on average over those
of the unpruned model (the paper's axis is 1 - T/N): further left is cheaper. Left the localization
tasks, right the mean of the others, each task counting the same. A line joins one method with
different fractions removed; K, the layers before which it prunes, are in the legend. Bars are 95 %
intervals that resample images. Compare methods at the same T/N, not at the same fraction. In the
place of the paper's radar, the change on each task is in the figure accuracy by method.
"""

from prunescope.jobs import run

from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records

FAMILIES = ("fastv", "fastv-norope", "feather", "pyramiddrop", "uniform", "random")


def make(records, png, svg, csv, families=FAMILIES, bootstrap: Bootstrap = Bootstrap()):
    """families: methods whose variations are drawn as lines, one for each set of layers."""
    records = read_records(records, COLUMNS)
    methods = list(dict.fromkeys(records["method"]))
    table = by_group(records, methods, bootstrap)
    tables.write(table, csv)
    label = "Mean visual tokens per layer, T/N"
    theme.save(charts.tradeoff(table, families, BASELINE, "share", label), png, svg)


run(make, globals())
