"""Paired differences of accuracy at one budget, on the same questions.

Each method whose budget others have, minus each of these. share and reference share are T/N that
both spent; they differ by whole tokens, and as examples of calibration and evaluation do. Intervals
are 95 %, by image; interval names their kind. gains and losses count questions that only one of the
two answers right; p is McNemar's exact test, p_holm (or p_bh) corrects it for all rows with any.
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
    solved = wanted[wanted["budget_of"].notna() & wanted["note"].isna()]
    records = read_records(records, ["score", "mean_tokens", "target_box"])
    pairs = [
        (reference, method)
        for reference, method in zip(solved["budget_of"], solved["method"], strict=True)
        if len(present(records, [reference, method])) == 2
    ]
    if not pairs:
        raise InputError(f"{path}: no method of this study could be matched to another")
    table = compare(records, pairs, localization_tasks(records), bootstrap, adjust)
    tables.write(with_budgets(table, records), csv)


run(make, globals())
