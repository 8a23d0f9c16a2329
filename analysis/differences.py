"""Paired differences of accuracy: method minus reference, on the same questions.

The interval of value resamples images. Gains and losses count the questions that only the method or
only the reference has right; p is McNemar's exact test on them, paired by question, and p_holm (or
p_bh, as the study says) corrects it for all tests in this table. p takes questions as independent,
although several share an image, and of graded scores it is a sign test on their changes. Groups of
tasks (each task counting the same) have intervals but no test. share and reference share are the
mean visual tokens per layer that both spend, as shares of all: budgets are as set here, and differ.
Methods that were matched to one budget stand against each other in a table of their own.
"""

from prunescope.jobs import run

from prunescope.figures import tables
from prunescope.method_names import BASELINE
from prunescope.statistics.accuracy import compare, with_budgets
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import present
from prunescope.statistics.reading import localization_tasks, read_records


def make(records, csv, pairs=(), bootstrap: Bootstrap = Bootstrap(), adjust="holm"):
    """pairs: (method, reference) to compare besides each method with the unpruned model."""
    records = read_records(records, ["score", "mean_tokens", "target_box"])
    pruned = [m for m in records["method"].unique() if m != BASELINE]
    both = [(m, r) for m, r in pairs if len(present(records, [m, r])) == 2]
    everything = [*((m, BASELINE) for m in pruned), *both]
    boxed = localization_tasks(records)
    compared = compare(records, everything, boxed, bootstrap, adjust)
    tables.write(with_budgets(compared, records), csv)


run(make, globals())
