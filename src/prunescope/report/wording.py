"""The ledger of claims and the comparisons with the paper, in words."""

from typing import Any

import pandas as pd

from prunescope.claims.verdicts import HEAD, TOKENS, UNITS, number


def entries(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """The table of `judge_claims`, in words: for each claim number, statement, verdict, note (or
    "") and its checks, as `_check` gives them."""
    columns = dict.fromkeys([*ledger.columns, "note", "measure", *TOKENS])  # some no check may have
    ledger = ledger.reindex(columns=list(columns))
    claims = []
    for (index, statement, verdict), rows in ledger.groupby(HEAD, sort=False):
        head = {"number": index, "statement": statement, "verdict": verdict}
        checks = [_check(row) for _, row in rows[rows["measure"].notna()].iterrows()]
        claims.append(head | {"note": rows["note"].fillna("").iloc[0], "checks": checks})
    return claims


def _check(row: pd.Series) -> dict[str, str]:
    unit, spent = UNITS[row["unit"]], row[TOKENS]
    return {
        "measure": row["measure"],
        "effect": unit.effect(row["value"], row["low"], row["high"]),
        "images": f"{row['units']:.0f} images",
        "wanted": unit.bound(row["bound"], row["wanted"]),
        "tokens": "" if spent.isna().any() else " and ".join(f"{each:.2f}" for each in spent),
        "verdict": row["check"],
        "published": row["published"],
        "source": row["source"],
    }


def rows_beside(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The table of `side_by_side`, in words: method, row (the paper's), tokens and, for each group
    of tasks, pairs of the paper's and ours; accuracies in per cent, then that of the unpruned."""
    groups = [c.removesuffix(" low") for c in table if c.endswith(" low")]
    return [
        {
            "method": row["method"],
            "row": f"{row['source']}{_settings(row)}",
            "tokens": [_share(row[name]) for name in ("tokens published", "tokens")],
            "groups": {group: _accuracies(row, group) for group in groups},
        }
        for _, row in table.iterrows()
    ]


def _share(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"


def _settings(row: pd.Series) -> str:
    return "".join(f", {name} {row[name]}" for name in ("K", "R") if pd.notna(row[name]))


def _accuracies(row: pd.Series, group: str) -> list[str]:
    there = f"{100 * row[f'{group} published']:.1f}"
    here = number(*100 * row[[group, f"{group} low", f"{group} high"]], "z.1f")
    kept = [row[f"{group} kept{which}"] for which in (" published", "")]
    of = ["" if pd.isna(each) else f" ({100 * each:.0f} %)" for each in kept]
    return ["" if pd.isna(row[f"{group} published"]) else there + of[0], here + of[1]]


def rows_by_benchmark(table: pd.DataFrame) -> list[dict[str, str]]:
    """The table of `by_benchmark`, in words; accuracies in per cent."""
    return [
        {
            "method": row["method"],
            "row": f"{row['source']}{_settings(row)}",
            "task": row["task"],
            "published": f"{100 * row['published']:.1f}",
            "ours": number(*100 * row[["value", "low", "high"]], "z.1f"),
            "difference": f"{100 * row['difference']:+z.1f}",
            "examples": f"{row['examples']}",
            "check": row["check"],
        }
        for _, row in table.iterrows()
    ]
