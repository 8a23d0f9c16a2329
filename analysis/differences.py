"""Paired differences of accuracy: method minus reference, on the same questions.

Intervals of value are 95 %, by image; interval names their kind. gains and losses count questions
that only the method, or only the reference, answers right; p is McNemar's exact test on them, and
p_holm (or p_bh) corrects it for all rows with gains or losses. p takes questions as independent,
although some share an image. Groups of tasks have no test. share: mean share of visual tokens per
layer.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.method_names import BASELINE, NO_IMAGE, parse
from prunescope.statistics.accuracy import compare, with_budgets
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import present
from prunescope.statistics.reading import localization_tasks, read_records


def make(records, csv, pairs=(), bootstrap: Bootstrap = Bootstrap(), adjust="holm"):
    """pairs: further (method, reference) to compare, after each method and the unpruned model.

    The points of a reading curve have a table of their own.
    """
    records = read_records(records, ["score", "mean_tokens", "target_box"])
    methods = records["method"].unique()
    pruned = [name for name in methods if name != BASELINE and parse(name).base != NO_IMAGE]
    recorded = [tuple(pair) for pair in pairs if len(present(records, pair)) == 2]
    with_baseline = [(method, BASELINE) for method in pruned]
    boxed = localization_tasks(records)
    table = compare(records, with_baseline + recorded, boxed, bootstrap, adjust)
    tables.write(with_budgets(table, records), csv)


run(make, globals())
