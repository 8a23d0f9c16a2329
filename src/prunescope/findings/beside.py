"""The paper's rows beside the same methods of a study."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from prunescope.findings.evidence import Evidence
from prunescope.findings.published import DEPTH, Row, value
from prunescope.statistics.accuracy import BASELINE, LOCALIZATION, OTHER, estimates

TABLES = ("Table 1", "Table A2", "Table A3")  # those of the paper's first model, all tasks
GROUPS = (LOCALIZATION, OTHER)
ESTIMATE = ["value", "low", "high"]


def side_by_side(study: Evidence, paper: pd.DataFrame) -> pd.DataFrame:
    """One row per published row that the study has a method for, at the same fractions of the
    depth and the same R; where the paper gives no R, the closest budget.

    Columns method, source, K, R (the paper's), tokens (mean per layer over all) published and ours,
    and for each group of tasks the accuracy published and ours with its interval, and both as a
    share of the unpruned model's (`kept`).
    """
    groups = {name: study.groups[name] for name in GROUPS if name in study.groups}
    ours = estimates(study.answers, groups, study.bootstrap).set_index(["group", "method"])
    rows = [
        {"method": name, "source": row.table, "K": row.K, "R": row.R}
        | _tokens(study, name, spent)
        | {key: cell for group in groups for key, cell in _cells(ours, paper, row, name, group)}
        for row, spent in _rows(paper)
        for name in _same(study, row, spent)
    ]
    return pd.DataFrame(rows, columns=None if rows else ["method", "source", "K", "R"])


def _rows(paper: pd.DataFrame) -> Iterator[tuple[Row, float]]:
    """Published rows, each once, with the share of tokens that a layer sees on average."""
    part = paper[paper["task"] == LOCALIZATION].drop_duplicates(["method", "K", "R", "value"])
    for each in part.itertuples():
        table = each.source.rpartition(", ")[2]
        if table in TABLES:
            yield Row(table, each.method, each.K, each.R), 1 - float(each.flops_reduction) / 100


def _same(study: Evidence, row: Row, spent: float) -> list[str]:
    """The method of the study that is the published one, if it has it."""
    if row.method not in study.library:
        return []
    found = study.kind(row.method, [int(k) / DEPTH for k in row.K.split("+") if k])
    if row.R:
        found = study.removing(float(row.R), found)
    return sorted(found, key=lambda name: abs(study.budgets[name].mean() - spent))[:1]


def _tokens(study: Evidence, name: str, spent: float) -> dict[str, float]:
    return {"tokens published": spent, "tokens": study.budgets[name].mean()}


def _cells(
    ours: pd.DataFrame, paper: pd.DataFrame, row: Row, name: str, group: str
) -> Iterator[tuple[str, Any]]:
    full = value(paper, Row("Table A2", BASELINE), group)
    there, here = value(paper, row, group), ours.loc[(group, name)]
    yield f"{group} published", there / 100
    yield from zip((group, f"{group} low", f"{group} high"), here[ESTIMATE], strict=True)
    yield f"{group} kept published", there / full
    yield f"{group} kept", here["value"] / ours.loc[(group, BASELINE), "value"]
