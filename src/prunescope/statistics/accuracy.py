"""Accuracy, paired differences and tests from the records."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from prunescope.errors import InputError
from prunescope.method_names import BASELINE
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.multiple import adjusted
from prunescope.statistics.proportions import cohens_g, mcnemar

LOCALIZATION, OTHER, CONTRAST = "localization", "other tasks", "localization minus other tasks"
Groups = Mapping[str, Mapping[str, float]]  # name -> weight of each stratum


def single_tasks(tasks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Every task as a group of its own, as weights."""
    return {task: {task: 1.0} for task in tasks}


def task_groups(tasks: Sequence[str], localization: Sequence[str]) -> dict[str, dict[str, float]]:
    """Means over the localization tasks and over the others, and their difference, as weights.

    A task counts the same however many examples it has. Groups without a task are left out.
    """
    members = {
        LOCALIZATION: [t for t in tasks if t in localization],
        OTHER: [t for t in tasks if t not in localization],
    }
    groups = {n: dict.fromkeys(m, 1 / len(m)) for n, m in members.items() if m}
    if len(groups) == 2:
        minus = {t: -w for t, w in groups[OTHER].items()}
        groups[CONTRAST] = groups[LOCALIZATION] | minus
    return groups


def by_method(records: pd.DataFrame, value: str = "score", stratum: str = "task") -> pd.DataFrame:
    """`value` with one row per example (index: stratum, example, image), one column per method.

    A method that has not seen an example has NaN there. Raises InputError for several models.
    """
    if (models := records["model"].unique()).size != 1:
        raise InputError(f"records: expected one model, got {sorted(models)}")
    index = list(dict.fromkeys([stratum, "task", "example", "image"]))
    return records.pivot(index=index, columns="method", values=value).astype(float)


def estimates(values: pd.DataFrame, groups: Groups | None, bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean of every column of `values` (as from `by_method`) in every group of strata.

    groups: weights of strata (the first index level); None: each stratum by itself. Returns the
    columns group, method, value, low, high, examples, units (images with a value in the group);
    images are resampled across strata, so that groups that share images are paired. For few images
    see `Bootstrap.weighted_means`.
    """
    strata = list(dict.fromkeys(values.index.get_level_values(0)))
    groups = groups or {name: {name: 1.0} for name in strata}
    if unknown := {s for g in groups.values() for s in g} - set(strata):
        raise InputError(f"groups: unknown {sorted(unknown)}; the records have {strata}")
    weights = np.array([[g.get(s, 0.0) for s in strata] for g in groups.values()])
    each = np.kron(weights, np.eye(values.shape[1]))  # of every method by itself
    images = values.index.get_level_values("image").to_numpy()
    names = pd.MultiIndex.from_product([groups, values.columns], names=["group", "method"])
    table = bootstrap.weighted_means(_spread(values, strata), images, each)
    return pd.concat([names.to_frame(index=False), table], axis=1)


def _spread(values: pd.DataFrame, strata: list[str]) -> np.ndarray:
    """(examples, strata * methods): an example's values stand in the columns of its stratum."""
    cells = np.full((len(values), len(strata), values.shape[1]), np.nan)
    own = [strata.index(s) for s in values.index.get_level_values(0)]
    cells[np.arange(len(values)), own] = values.to_numpy()
    return cells.reshape(len(values), -1)


def differences(values: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Paired by example: method minus reference for each pair (method, reference), one column each
    (a MultiIndex), NaN where either is missing. Raises InputError for an unknown method."""
    if unknown := sorted({m for pair in pairs for m in pair} - set(values.columns)):
        raise InputError(f"pairs: unknown methods {unknown}; records have {sorted(values.columns)}")
    columns = {tuple(pair): values[pair[0]] - values[pair[1]] for pair in pairs}
    return pd.DataFrame(columns)


def budgets(records: pd.DataFrame) -> pd.DataFrame:
    """Realised mean tokens over those of the unpruned model, T/N, by example and method
    (as from `by_method`). Raises InputError without records of the unpruned model."""
    tokens = by_method(records, "mean_tokens")
    if BASELINE not in tokens:
        raise InputError(f"records: no method {BASELINE!r}, which tells the number of tokens")
    return tokens.div(tokens[BASELINE], axis=0)


def with_budgets(compared: pd.DataFrame, records: pd.DataFrame) -> pd.DataFrame:
    """`compare`'s table with share and reference share: T/N of both, a mean over all examples."""
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
    """Differences of accuracy, method minus reference, by task and by group of tasks.

    Columns group, method, reference, value, low, high, examples, units and, for single tasks,
    gains and losses (examples that only one of the two answers), their effect size cohens_g,
    McNemar's exact p (paired by example) and p_holm or p_bh, adjusted over all rows of the table
    (`multiple.ADJUSTMENTS`).
    """
    values = by_method(records)
    change = differences(values, pairs)
    tasks = list(dict.fromkeys(values.index.get_level_values("task")))
    groups = {t: {t: 1.0} for t in tasks} | task_groups(tasks, localization)
    table = estimates(change, groups, bootstrap)
    table[["method", "reference"]] = table["method"].tolist()
    single = table["group"].isin(tasks)
    keys = list(table.loc[single, ["group", "method", "reference"]].itertuples(index=False))
    for name, sign in (("gains", 1), ("losses", -1)):
        counts = (sign * change > 0).groupby("task").sum()
        table.loc[single, name] = [counts.loc[g, (m, r)] for g, m, r in keys]
    table["cohens_g"] = cohens_g(table["gains"], table["losses"])
    table.loc[single, "p"] = mcnemar(table.loc[single, "gains"], table.loc[single, "losses"])
    return table.assign(**{f"p_{adjust}": adjusted(table["p"], adjust)})
