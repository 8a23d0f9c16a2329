"""Accuracy, paired differences and tests from the records."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from prunescope.errors import InputError
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.multiple import adjusted
from prunescope.statistics.proportions import cohens_g, mcnemar
from prunescope.statistics.rare import answer_means

LOCALIZATION, OTHER, CONTRAST = "localization", "other tasks", "localization minus other tasks"
Groups = Mapping[str, Mapping[str, float]]  # name -> weight of each stratum


def single_tasks(tasks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Every task as a group of its own, as weights."""
    return {task: {task: 1.0} for task in tasks}


def task_groups(tasks: Sequence[str], localization: Sequence[str]) -> dict[str, dict[str, float]]:
    """Weights of the mean over the localization tasks, the mean over the others, and their
    difference. Every task counts the same; a group without tasks is left out."""
    members = {
        LOCALIZATION: [task for task in tasks if task in localization],
        OTHER: [task for task in tasks if task not in localization],
    }
    groups = {name: dict.fromkeys(of, 1 / len(of)) for name, of in members.items() if of}
    if len(groups) == 2:
        minus = {task: -weight for task, weight in groups[OTHER].items()}
        groups[CONTRAST] = groups[LOCALIZATION] | minus
    return groups


def by_method(records: pd.DataFrame, value: str = "score", stratum: str = "task") -> pd.DataFrame:
    """Column `value` of the records with a row for each example and a column for each method.

    The index is stratum, task, example, image. NaN: the method did not answer the example.
    InputError for records of several models.
    """
    if (models := records["model"].unique()).size != 1:
        raise InputError(f"records: expected one model, got {sorted(models)}")
    index = list(dict.fromkeys([stratum, "task", "example", "image"]))
    return records.pivot(index=index, columns="method", values=value).astype(float)


def estimates(
    values: pd.DataFrame,
    groups: Groups | None,
    bootstrap: Bootstrap,
    paired: Collection[Any] | None = None,
) -> pd.DataFrame:
    """Mean of every column of `values` (as from `by_method`) in every group of strata.

    groups: weights of strata (the first index level), or None for each stratum by itself; paired:
    columns that are differences, from -1 to 1, by default those that are named by a pair (as from
    `differences`). Columns group, method, value, low, high, examples, units (images with a value in
    the group), interval (its method, as from `rare.answer_means`). Images are resampled across
    strata, so that groups that share images are paired; `Bootstrap.weighted_means` describes
    intervals of few images.
    """
    strata = list(dict.fromkeys(values.index.get_level_values(0)))
    groups = groups or single_tasks(strata)
    if unknown := {name for members in groups.values() for name in members} - set(strata):
        raise InputError(f"groups: unknown {sorted(unknown)}; the records have {strata}")
    weights = np.array([[of.get(name, 0.0) for name in strata] for of in groups.values()])
    # (groups * methods, strata * methods): every method is averaged by itself
    by_cell = np.kron(weights, np.eye(values.shape[1]))
    images = values.index.get_level_values("image").to_numpy()
    names = pd.MultiIndex.from_product([groups, values.columns], names=["group", "method"])
    least = np.tile(_least(values.columns, paired), len(strata))
    table = answer_means(_spread(values, strata), images, bootstrap, by_cell, least)
    return pd.concat([names.to_frame(index=False), table], axis=1)


def _least(columns: pd.Index, paired: Collection[Any] | None) -> np.ndarray:
    """Smallest score that an example can have in each column: 0, or -1 for differences; NaN for a
    method minus itself, which is 0 for certain."""
    pairs = [name for name in columns if isinstance(name, tuple)] if paired is None else paired
    same = [isinstance(name, tuple) and len(set(name)) == 1 for name in columns]
    least = np.where([name in pairs for name in columns], -1.0, 0.0)
    return np.where(same, np.nan, least)


def _spread(values: pd.DataFrame, strata: list[str]) -> np.ndarray:
    """(examples, strata * methods): values in the columns of the stratum, NaN elsewhere."""
    cells = np.full((len(values), len(strata), values.shape[1]), np.nan)
    stratum = [strata.index(name) for name in values.index.get_level_values(0)]
    cells[np.arange(len(values)), stratum] = values.to_numpy()
    return cells.reshape(len(values), -1)


def differences(values: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Method minus reference, paired by example: a column (method, reference) for each pair.

    NaN where either has no answer. InputError for an unknown method.
    """
    if unknown := sorted({method for pair in pairs for method in pair} - set(values.columns)):
        raise InputError(f"pairs: unknown methods {unknown}; records have {sorted(values.columns)}")
    columns = {tuple(pair): values[pair[0]] - values[pair[1]] for pair in pairs}
    return pd.DataFrame(columns)


def budgets(records: pd.DataFrame) -> pd.DataFrame:
    """T/N: realised mean tokens over those of the unpruned model, in the form of `by_method`.

    InputError without records of the unpruned model.
    """
    tokens = by_method(records, "mean_tokens")
    if BASELINE not in tokens:
        raise InputError(f"records: no method {BASELINE!r}, whose tokens are N")
    return tokens.div(tokens[BASELINE], axis=0)


def with_budgets(compared: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """The table of `compare` with `share` and `reference share`: mean T/N over all examples."""
    share = budgets(records).mean()
    both = {"share": compared["method"].map(share)}
    return compared.assign(**both | {"reference share": compared["reference"].map(share)})


def compare(
    records: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    localization: Sequence[str],
    bootstrap: Bootstrap,
    adjust: str = "holm",
) -> pd.DataFrame:
    """Accuracy of method minus reference, by task and by group of tasks.

    Columns group, method, reference, value, low, high, examples, units, interval. For single tasks
    also gains and losses (examples that only the method, only the reference answers), their effect
    size cohens_g, McNemar's exact p, and p_holm or p_bh: p adjusted (`multiple.ADJUSTMENTS`) over
    all rows of the table that have gains or losses. Without either, no test could reject: p is 1,
    also adjusted, and the row does not make the others larger.
    """
    values = by_method(records)
    change = differences(values, pairs)
    tasks = list(dict.fromkeys(values.index.get_level_values("task")))
    groups = single_tasks(tasks) | task_groups(tasks, localization)
    table = estimates(change, groups, bootstrap)
    table[["method", "reference"]] = table["method"].tolist()
    single = table["group"].isin(tasks)
    keys = list(table.loc[single, ["group", "method", "reference"]].itertuples(index=False))
    for name, sign in (("gains", 1), ("losses", -1)):
        counts = (sign * change > 0).groupby("task").sum()
        table.loc[single, name] = [counts.loc[task, (method, ref)] for task, method, ref in keys]
    table["cohens_g"] = cohens_g(table["gains"], table["losses"])
    table.loc[single, "p"] = mcnemar(table.loc[single, "gains"], table.loc[single, "losses"])
    changed = table["gains"] + table["losses"] > 0
    of_family = adjusted(table["p"].where(changed), adjust)
    return table.assign(**{f"p_{adjust}": np.where(changed, of_family, table["p"])})
