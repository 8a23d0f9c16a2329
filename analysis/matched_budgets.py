"""Methods at one budget: FEATHER, FastV, PyramidDrop and controls.

Compare the rows of one budget, which is a method's or a given T/N. How much each method removes is
solved for on examples that are not evaluated. target: wanted T/N; calibrated: T/N there; share: T/N
here. A note says why a method cannot have the budget. Localization and other tasks are means over
tasks. Intervals are 95 %, by image, exact where events are rare.
"""

from prunescope.jobs import run

import pandas as pd

from prunescope.errors import InputError
from prunescope.figures import tables
from prunescope.method_names import label
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_task
from prunescope.statistics.reading import read_records


def make(records, matched, csv, bootstrap: Bootstrap = Bootstrap()):
    """matched: CSV of the matched methods, columns `budgets.matching.COLUMNS`."""
    [path] = matched
    wanted = pd.read_csv(path)
    if (wanted["note"].notna() & wanted["budget_of"].isna()).all():  # only notes, no method
        raise InputError(f"{path}: no method of this study could be matched")
    wanted, records = with_leaders(wanted), read_records(records, COLUMNS)
    solved = wanted.loc[wanted["note"].isna(), "method"].unique()
    accuracy = by_task(records, solved, bootstrap).set_index("method")
    table = wanted.join(accuracy, on="method")
    notes = table.pop("note")
    tables.write(table.assign(note=notes), csv)


def with_leaders(wanted):
    """Columns budget (in words), method, target, calibrated, note.

    The method whose budget others have stands before them.
    """
    columns = ["budget", "method", "target", "calibrated", "note"]
    blocks = []
    budgets = wanted.groupby(["budget_of", "target"], sort=False, dropna=False)
    for (reference, target), block in budgets:
        named = pd.notna(reference)
        budget = label(reference) if named else f"T/N = {target:g}"
        leader = [{"method": reference, "target": target}] if named else []
        blocks.append(pd.concat([pd.DataFrame(leader), block]).assign(budget=budget)[columns])
    return pd.concat(blocks, ignore_index=True)


run(make, globals())
