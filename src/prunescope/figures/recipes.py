"""Items of the report that several scripts of `analysis/` make alike, from records to files.

A script whose item needs nothing else imports a recipe as its `make`.
"""

from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_group, by_pair
from prunescope.statistics.reading import read_records


def forest_of_groups(
    records, png, svg, pdf, csv, methods, bootstrap: Bootstrap = Bootstrap()
) -> None:
    """Write accuracy of the methods, from top to bottom, by group of tasks: table and figure.

    The unpruned model is a dashed line.
    """
    table = by_group(read_records(records, COLUMNS), [BASELINE, *methods], bootstrap)
    tables.write(table, csv)
    theme.save(charts.forest(table, methods, "Accuracy"), png, svg, pdf)


def maps_of_pairs(records, images, csv, methods, names, bootstrap: Bootstrap) -> None:
    """Write accuracy of methods by a pair of values: table and heat maps.

    images: paths of the figure; methods: (first, second) value by the method's name; names: what
    the two values are. Pairs without records stay empty.
    """
    table = by_pair(read_records(records, COLUMNS), methods, bootstrap)
    tables.write(table, csv)
    theme.save(charts.pair_maps(table, *names), *images)
