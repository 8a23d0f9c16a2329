"""What earlier layers add: tokens dropped inside the LLM, the same dropped before it, no image.

One panel for each task (figure 4 of FEATHER). "Before the LLM" replays exactly the tokens that the
method kept, so that no layer sees the others: if it is as good as the method, the layers before K
have carried nothing over from the tokens that are dropped. "Compact" numbers the remaining tokens
anew; so do FasterVLM and VisionZip (table A3), which choose by the vision tower's attention, unless
their original positions are named; random keeps as many. Text only is what the question alone gives
away: a task where it is close to the unpruned model (dashed) tells little about pruning. Bars are
95 % intervals that resample images.
"""

from prunescope.jobs import run

from prunescope.figures import charts, tables, theme
from prunescope.method_names import BASELINE
from prunescope.statistics.accuracy import by_method, estimates
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import check_methods, present
from prunescope.statistics.reading import read_records


def make(records, png, svg, csv, methods, bootstrap: Bootstrap = Bootstrap()):
    """methods: from top to bottom, without the unpruned model."""
    records = read_records(records, ["score"])
    check_methods(records, [BASELINE])
    methods = present(records, methods)
    table = estimates(by_method(records), None, bootstrap)
    table = table[table["method"].isin([BASELINE, *methods])]
    tables.write(table, csv)
    theme.save(draw(table, methods), png, svg)


def draw(table, methods):
    """table: columns group (the task), method, value, low, high."""
    return charts.forest(table, methods, BASELINE, "Accuracy")


run(make, globals())
