"""Union of score and grid, against as many tokens chosen by the score alone.

The union keeps more tokens than the score that it contains. Its rivals here keep as many as it does
on average: marks of one panel above each other have spent the same. From left to right the score
removes less; dashed is the unpruned model. T/N is the mean share of visual tokens that a layer
sees. Bars: 95 % intervals, by image.
"""

from prunescope.jobs import run

from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE, parse
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group
from prunescope.statistics.reading import read_records


def make(records, png, svg, pdf, csv, lines, bootstrap: Bootstrap = Bootstrap()):
    """lines: for each K, lists of methods that are joined; the first is the union's."""
    records = read_records(records, COLUMNS)
    shown = [method for block in lines for line in block for method in line]
    table = by_group(records, [BASELINE, *shown], bootstrap)
    tables.write(table, csv)
    families = list(dict.fromkeys(parse(method).base for method in shown))
    label = "Mean visual tokens per layer, T/N"
    theme.save(charts.tradeoff(table, families, "share", label), png, svg, pdf)


run(make, globals())
