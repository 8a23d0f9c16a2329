"""Tables as papers print them: a row for each method, a column for each task."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prunescope.errors import InputError
from prunescope.statistics.accuracy import CONTRAST, budgets, by_method, estimates, task_groups
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading import localization_tasks

log = logging.getLogger(__name__)
COLUMNS = ["score", "mean_tokens", "stage_layers", "target_box"]  # of records that it needs


def by_task(records: pd.DataFrame, methods: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    """Accuracy of `methods`, in their order, on the groups of tasks and on every task.

    Columns method, layers (K of each stage), tokens (realised mean visual tokens per layer), share
    (of those of the unpruned model), then for each group and task its mean, "<name> low" and
    "<name> high". Methods without records have no row.
    """
    methods = present(records, methods)
    tasks = list(dict.fromkeys(records["task"]))
    groups = task_groups(tasks, localization_tasks(records)) | {t: {t: 1.0} for t in tasks}
    groups.pop(CONTRAST, None)
    found = estimates(by_method(records)[list(methods)], groups, bootstrap).set_index("method")
    table = spent(records).loc[list(methods)]
    for group in groups:
        part = found[found["group"] == group]
        for column, name in (("value", group), ("low", f"{group} low"), ("high", f"{group} high")):
            table[name] = part[column]
    return table.reset_index()


def by_group(records: pd.DataFrame, methods: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    """The same for the groups of tasks alone and long: columns group, method, value, low, high,
    examples, units, layers, tokens, share."""
    methods = present(records, methods)
    tasks = list(dict.fromkeys(records["task"]))
    groups = task_groups(tasks, localization_tasks(records))
    groups.pop(CONTRAST, None)
    # a method that needs a true box has answered no other question
    table = estimates(by_method(records)[list(methods)], groups, bootstrap).dropna(subset="value")
    return table.join(spent(records), on="method").reset_index(drop=True)


def by_pair(
    records: pd.DataFrame, methods: Mapping[str, tuple[Any, Any]], bootstrap: Bootstrap
) -> pd.DataFrame:
    """`by_group` of `methods`, which maps names to pairs of values: these are the columns first
    and second. Methods without records are left out."""
    table = by_group(records, list(methods), bootstrap)
    table[["first", "second"]] = [methods[method] for method in table["method"]]
    return table


def spent(records: pd.DataFrame) -> pd.DataFrame:
    """Layers of the stages and mean visual tokens of every method (the index)."""
    grouped = records.groupby("method", sort=False)
    table = grouped["stage_layers"].first().map(lambda ks: ", ".join(map(str, ks))).to_frame()
    table["tokens"] = grouped["mean_tokens"].mean()
    table["share"] = budgets(records).mean()
    return table.rename(columns={"stage_layers": "layers"})


def present(records: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """Those of `methods` that have records. Others, such as those that cannot have the budget that
    a study wants, are logged; InputError if none has, or none is asked for."""
    recorded = set(records["method"])
    found = [method for method in methods if method in recorded]
    if not found:
        check_methods(records, methods)
        raise InputError(f"methods: none to show; there are {sorted(recorded)}")
    if missing := sorted(set(methods) - recorded):
        log.warning("no records of %s", missing)
    return found


def check_methods(records: pd.DataFrame, methods: Sequence[str]) -> None:
    """Raise InputError unless every one of `methods` has records."""
    if unknown := [m for m in methods if m not in set(records["method"])]:
        known = sorted(records["method"].unique())
        raise InputError(f"methods: no records of {unknown}; there are {known}")
