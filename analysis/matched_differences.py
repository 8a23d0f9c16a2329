"""Paired differences of accuracy at one budget, on the same questions.

Each method that others are matched to, minus each of these. share and reference share are the mean
visual tokens per layer that both have spent here, as shares of all: they agree but for what cannot
be had in whole tokens and for what the examples that the budget was solved on differ. The interval
of value resamples images. Gains and losses count the questions that only the method or only the
reference has right; p is McNemar's exact test on them, paired by question, and p_holm (or p_bh, as
the study says) corrects it for all tests in this table. p takes questions as independent, although
several share an image, and of graded scores it is a sign test on their changes. Groups of tasks
(each task counting the same) have intervals but no test.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import tables
from prunescope.statistics.accuracy import compare, with_budgets
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import present
from prunescope.statistics.reading import localization_tasks, read_records


def make(records, matched, csv, bootstrap: Bootstrap = Bootstrap(), adjust="holm"):
    """matched: CSV of the matched methods, columns `budgets.matching.COLUMNS`."""
    [path] = matched
    wanted = pd.read_csv(path)
    solved = wanted[wanted["like"].notna() & wanted["note"].isna()]
    records = read_records(records, ["score", "mean_tokens", "target_box"])
    pairs = [
        (like, method)
        for like, method in zip(solved["like"], solved["method"], strict=True)
        if len(present(records, [like, method])) == 2
    ]
    if not pairs:
        raise InputError(f"{path}: no method of this study could be matched to another")
    table = compare(records, pairs, localization_tasks(records), bootstrap, adjust)
    tables.write(with_budgets(table, records), csv)


run(make, globals())
