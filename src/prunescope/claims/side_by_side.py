"""Published rows beside the same methods of a study."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescope.claims import published
from prunescope.claims.evidence import Evidence
from prunescope.claims.published import Row
from prunescope.claims.verdicts import WITHIN, judge
from prunescope.method_names import BASELINE, BEFORE_LLM
from prunescope.statistics.accuracy import LOCALIZATION, OTHER, estimates, single_tasks

FEATHER = ("Table 1", "Table 2", "Table A2", "Table A3", "README.md at c2a09b2")
# Tables of the published model that a model of a study stands for.
TABLES = {
    "siglip": (*FEATHER, "Prismatic's Tables 2 to 4"),
    "dinosiglip": ("Table A1",),
    "llava-1.5": ("FastV's README.md (lmms-eval)",),
    "none": (),
}
GROUPS = (LOCALIZATION, OTHER)
ESTIMATE = ["value", "low", "high"]
ROW = ["method", "source", "K", "R"]  # columns that name a published row


@dataclass(frozen=True)
class Pair:
    """A published row and the study's method that is the same.

    columns: values of `ROW`; numbers: the printed ones by task; share: printed T/N, or NaN.
    """

    columns: dict[str, Any]
    numbers: dict[str, float]
    share: float

    @property
    def method(self) -> str:
        return self.columns["method"]


def compare_groups(
    evidence: Evidence, paper: pd.DataFrame, stands_for: str = "siglip"
) -> pd.DataFrame:
    """One row for each published row that the study has a method for.

    The method has the paper's layers (`paper_layer`) and the same R; where no R is printed, it is
    the one of the closest budget. Columns method, source, K, R (as printed), T/N published and ours
    (`tokens published`, `tokens`). For each group of tasks the accuracy, published and ours with
    its interval, and both as a share of the unpruned model's (`kept`); accuracy of text only here
    (`floor`). NaN: not printed, or not measured.
    """
    groups = {name: evidence.groups[name] for name in GROUPS if name in evidence.groups}
    ours = estimates(evidence.answers, groups, evidence.bootstrap).set_index(["group", "method"])
    unpruned = published.cells(paper, Row("Table A2", BASELINE)) if stands_for == "siglip" else {}
    floors = {f"{group} floor": evidence.floors(group)[0] for group in groups}
    rows = [
        pair.columns
        | {"tokens published": pair.share, "tokens": evidence.budgets[pair.method].mean()}
        | {k: v for group in groups for k, v in _accuracies(ours, pair, unpruned, group)}
        | floors
        for pair in _pairs(evidence, paper, stands_for)
        if LOCALIZATION in pair.numbers
    ]
    return pd.DataFrame(rows, columns=None if rows else ROW)


def compare_benchmarks(evidence: Evidence, paper: pd.DataFrame, stands_for: str) -> pd.DataFrame:
    """One row for each published number of a benchmark that the study has as well.

    Columns method, source, K, R, task, examples (ours), published, value, low, high, difference,
    check: the verdict (`verdicts.judge`) on whether the difference lies within
    `published_tolerance`; and floor: accuracy of text only, or NaN.
    """
    benchmarks = set(paper["task"]) - {*GROUPS}
    tasks = single_tasks([task for task in evidence.groups if task in benchmarks])
    if not tasks:
        return pd.DataFrame(columns=ROW)
    ours = estimates(evidence.answers, tasks, evidence.bootstrap).set_index(["group", "method"])
    tolerance = evidence.thresholds.published_tolerance
    floors = {task: evidence.floors(task)[0] for task in tasks}
    rows = [
        pair.columns
        | _compared(task, pair.numbers[task] / 100, ours.loc[(task, pair.method)], tolerance)
        | {"floor": floors[task]}
        for pair in _pairs(evidence, paper, stands_for)
        for task in tasks
        if task in pair.numbers and (task, pair.method) in ours.index
    ]
    return pd.DataFrame(rows, columns=None if rows else ROW)


def _compared(task: str, printed: float, ours: pd.Series, tolerance: float) -> dict[str, Any]:
    difference = ours[ESTIMATE] - printed
    return {
        "task": task, "examples": int(ours["examples"]), "published": printed,
        **ours[ESTIMATE], "difference": difference["value"],
        "check": judge(difference["low"], difference["high"], tolerance, WITHIN),
    }  # fmt: skip


def _pairs(evidence: Evidence, paper: pd.DataFrame, stands_for: str) -> Iterator[Pair]:
    """Published rows that the study has a method for; a row that is printed twice comes once."""
    tables = paper["source"].str.rpartition(", ")[2]
    part = paper.assign(table=tables)[tables.isin(TABLES[stands_for])]
    first = part.drop_duplicates(["table", "method", "K", "R"])  # the first number of each row
    for printed in first.drop_duplicates(["method", "K", "R", "task", "value"]).itertuples():
        row = Row(printed.table, printed.method, printed.K, printed.R)
        share = 1 - float(printed.flops_reduction or "nan") / 100
        for name in _same_method(evidence, row, share):
            columns = dict(zip(ROW, (name, row.table, row.K, row.R), strict=True))
            yield Pair(columns, published.cells(paper, row), share)


def _same_method(evidence: Evidence, row: Row, share: float) -> list[str]:
    """The study's method that is the published one, if it has one."""
    role = row.method.removesuffix(f"-{BEFORE_LLM}")
    if role not in evidence.library:
        return []
    names = evidence.methods_of_kind(
        role, [evidence.paper_layer(int(k)) for k in row.K.split("+") if k]
    )
    if row.R:
        names = evidence.removing(float(row.R), names)
    if role != row.method:
        return [replay for name in names for replay in evidence.replays_of(name)][:1]
    return sorted(names, key=lambda name: abs(evidence.budgets[name].mean() - share))[:1]


def _accuracies(
    ours: pd.DataFrame, pair: Pair, unpruned: dict[str, float], group: str
) -> Iterator[tuple[str, Any]]:
    """Columns of a group of tasks; unpruned: published numbers of the unpruned model."""
    missing = float("nan")
    printed, measured = pair.numbers.get(group, missing), ours.loc[(group, pair.method)]
    yield f"{group} published", printed / 100
    yield from zip((group, f"{group} low", f"{group} high"), measured[ESTIMATE], strict=True)
    yield f"{group} kept published", printed / unpruned.get(group, missing)
    yield f"{group} kept", measured["value"] / ours.loc[(group, BASELINE), "value"]
