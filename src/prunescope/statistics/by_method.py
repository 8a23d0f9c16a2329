"""Tables as papers print them: a row for each method, a column for each task."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from prunescope.errors import InputError
from prunescope.statistics.accuracy import (
    CONTRAST,
    budgets,
    by_method,
    estimates,
    single_tasks,
    task_groups,
)
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.reading import localization_tasks

log = logging.getLogger(__name__)
COLUMNS = ["score", "mean_tokens", "stage_layers", "target_box"]  # columns of the records


def by_task(records: pd.DataFrame, methods: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    """Accuracy of `methods`, in their order, on the groups of tasks and on every task.

    Columns method, layers (K of each stage), tokens (realised mean visual tokens per layer), share
    (T/N), then for each group and task its mean, "<name> low" and "<name> high". Methods without
    records have no row.
    """
    methods = present(records, methods)
    groups = group_weights(records) | single_tasks(list(dict.fromkeys(records["task"])))
    means = estimates(by_method(records)[methods], groups, bootstrap).set_index("method")
    table = budget_columns(records).loc[methods]
    for group in groups:
        part = means[means["group"] == group]
        for column, name in (("value", group), ("low", f"{group} low"), ("high", f"{group} high")):
            table[name] = part[column]
    return table.reset_index()


def by_group(records: pd.DataFrame, methods: Sequence[str], bootstrap: Bootstrap) -> pd.DataFrame:
    """Accuracy of `methods` on the groups of tasks, in long form: columns group, method, value,
    low, high, examples, units, layers, tokens, share."""
    methods = present(records, methods)
    table = estimates(by_method(records)[methods], group_weights(records), bootstrap)
    table = table.dropna(subset="value")  # a method that needs a true box answers no other task
    return table.join(budget_columns(records), on="method").reset_index(drop=True)


def by_pair(
    records: pd.DataFrame, methods: Mapping[str, tuple[Any, Any]], bootstrap: Bootstrap
) -> pd.DataFrame:
    """Table of `by_group` with the columns first and second: the pair of values of each of
    `methods`. Methods without records are left out."""
    table = by_group(records, list(methods), bootstrap)
    table[["first", "second"]] = [methods[method] for method in table["method"]]
    return table


def group_weights(records: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The groups of tasks, as weights, without the difference of the two."""
    groups = task_groups(list(dict.fromkeys(records["task"])), localization_tasks(records))
    return {name: weights for name, weights in groups.items() if name != CONTRAST}


def budget_columns(records: pd.DataFrame) -> pd.DataFrame:
    """Columns layers (K of each stage), tokens (mean visual tokens per layer) and share (T/N) of
    every method (the index)."""
    grouped = records.groupby("method", sort=False)
    table = (
        grouped["stage_layers"].first().map(lambda layers: ", ".join(map(str, layers))).to_frame()
    )
    table["tokens"] = grouped["mean_tokens"].mean()
    table["share"] = budgets(records).mean()
    return table.rename(columns={"stage_layers": "layers"})


def present(records: pd.DataFrame, methods: Sequence[str]) -> list[str]:
    """The members of `methods` that have records.

    Others are logged, such as a method that cannot have the wanted budget. InputError if no method
    has records, or `methods` is empty.
    """
    recorded = set(records["method"])
    answered = [method for method in methods if method in recorded]
    if not answered:
        check_methods(records, methods)
        raise InputError(f"methods: none to show; there are {sorted(recorded)}")
    if missing := sorted(set(methods) - recorded):
        log.warning("no records of %s", missing)
    return answered


def check_methods(records: pd.DataFrame, methods: Sequence[str]) -> None:
    """InputError unless every one of `methods` has records."""
    if unknown := [name for name in methods if name not in set(records["method"])]:
        known = sorted(records["method"].unique())
        raise InputError(f"methods: no records of {unknown}; there are {known}")
