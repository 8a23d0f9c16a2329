"""The paper's rows beside the same methods of a study."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from prunescope.claims import published
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import DEPTH, Row
from prunescope.claims.verdicts import WITHIN, judge
from prunescope.statistics.accuracy import BASELINE, LOCALIZATION, OTHER, estimates

FEATHER = ("Table 1", "Table 2", "Table A2", "Table A3", "README.md at c2a09b2")
# by the published model that a model stands for
TABLES = {
    "siglip": (*FEATHER, "Prismatic's Tables 2 to 4"),
    "dinosiglip": ("Table A1",),
    "llava-1.5": ("FastV's README.md (lmms-eval)",),
    "none": (),
}
GROUPS = (LOCALIZATION, OTHER)
ESTIMATE = ["value", "low", "high"]
BEFORE = "-before-llm"  # ends the paper's names of replays
SAID = ["method", "source", "K", "R"]


def side_by_side(study: Evidence, paper: pd.DataFrame, stands_for: str = "siglip") -> pd.DataFrame:
    """One row per published row that the study has a method for, at the same fractions of the
    depth and the same R; where the paper gives no R, the closest budget.

    Columns method, source, K, R (the paper's), tokens (mean per layer over all) published and ours,
    and for each group of tasks the accuracy published and ours with its interval, and both as a
    share of the unpruned model's (`kept`); what the paper does not print is NaN.
    """
    groups = {name: study.groups[name] for name in GROUPS if name in study.groups}
    ours = estimates(study.answers, groups, study.bootstrap).set_index(["group", "method"])
    full = published.cells(paper, Row("Table A2", BASELINE)) if stands_for == "siglip" else {}
    rows = [
        found
        | {"tokens published": spent, "tokens": study.budgets[found["method"]].mean()}
        | {key: x for group in groups for key, x in _cells(ours, cells, full, found, group)}
        for found, cells, spent in _found(study, paper, stands_for)
        if LOCALIZATION in cells
    ]
    return pd.DataFrame(rows, columns=None if rows else SAID)


def by_benchmark(study: Evidence, paper: pd.DataFrame, stands_for: str) -> pd.DataFrame:
    """One row per published number of a benchmark that the study has, too, for the same rows.

    Columns method, source, K, R, task, examples (ours), published, value, low, high, difference,
    and check: whether the interval of the difference lies within the tolerance of the settings,
    outside, or neither (`words.judge`).
    """
    tasks = {task: {task: 1.0} for task in study.groups if task in set(paper["task"]) - {*GROUPS}}
    if not tasks:
        return pd.DataFrame(columns=SAID)
    ours = estimates(study.answers, tasks, study.bootstrap).set_index(["group", "method"])
    rows = []
    for found, cells, _ in _found(study, paper, stands_for):
        for task in tasks:
            if task not in cells or (task, found["method"]) not in ours.index:
                continue
            here, there = ours.loc[(task, found["method"])], cells[task] / 100
            off = here[ESTIMATE] - there
            rows.append(
                found
                | {"task": task, "examples": int(here["examples"]), "published": there}
                | dict(here[ESTIMATE])
                | {"difference": off["value"]}
                | {"check": judge(off["low"], off["high"], study.settings["tolerance"], WITHIN)}
            )
    return pd.DataFrame(rows, columns=None if rows else SAID)


def _found(
    study: Evidence, paper: pd.DataFrame, stands_for: str
) -> Iterator[tuple[dict[str, Any], dict[str, float], float]]:
    """For each published row that the study has a method for: what is `SAID` of it, its numbers by
    task, and the share of tokens that a layer sees on average, NaN if that is not printed."""
    tables = paper["source"].str.rpartition(", ")[2]
    part = paper.assign(table=tables)[tables.isin(TABLES[stands_for])]
    first = part.drop_duplicates(["table", "method", "K", "R"])  # number of each row
    for each in first.drop_duplicates(["method", "K", "R", "task", "value"]).itertuples():
        row = Row(each.table, each.method, each.K, each.R)
        spent = 1 - float(each.flops_reduction or "nan") / 100
        for name in _same(study, row, spent):
            found = dict(zip(SAID, (name, each.table, each.K, each.R), strict=True))
            yield found, published.cells(paper, row), spent


def _same(study: Evidence, row: Row, spent: float) -> list[str]:
    """The method of the study that is the published one, if it has it."""
    role = row.method.removesuffix(BEFORE)
    if role not in study.library:
        return []
    found = study.kind(role, [int(k) / DEPTH for k in row.K.split("+") if k])
    if row.R:
        found = study.removing(float(row.R), found)
    if role != row.method:
        return [name for source in found for name in study.replays(source)][:1]
    return sorted(found, key=lambda name: abs(study.budgets[name].mean() - spent))[:1]


def _cells(
    ours: pd.DataFrame,
    cells: dict[str, float],
    full: dict[str, float],
    found: dict[str, Any],
    group: str,
) -> Iterator[tuple[str, Any]]:
    nothing = float("nan")
    there, here = cells.get(group, nothing), ours.loc[(group, found["method"])]
    yield f"{group} published", there / 100
    yield from zip((group, f"{group} low", f"{group} high"), here[ESTIMATE], strict=True)
    yield f"{group} kept published", there / full.get(group, nothing)
    yield f"{group} kept", here["value"] / ours.loc[(group, BASELINE), "value"]
