"""Verdicts, and the ledger in words."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
UNMATCHED = "not matched"  # of a single check: budgets differ in a way that could explain it
ABSENT = "not in this study"
HEAD = ["number", "statement", "verdict"]
TOKENS = ["method tokens", "reference tokens"]
VERDICTS = (HOLDS, FAILS, OPEN, ABSENT)  # of a claim
ABOVE, WITHIN = "above", "within"  # where an effect is wanted, of its bound

TOO_FEW = "too few images for an interval"


def judge(low: float, high: float, bound: float, wanted: str = ABOVE) -> str:
    """Does the interval lie above `bound`, or within it on both sides of 0, as `wanted`? Undecided
    if the interval holds the bound, and without an interval (NaN)."""
    lies, lies_not = {
        ABOVE: (low > bound, high < bound),
        WITHIN: (-bound < low and high < bound, low > bound or high < -bound),
    }[wanted]
    return HOLDS if lies else FAILS if lies_not else OPEN


def number(value: float, low: float, high: float, form: str = "z.2f") -> str:
    """value [low, high]; z in the format: no negative zero."""
    if pd.isna(value):
        return TOO_FEW
    if pd.isna(low):
        return f"{value:{form}} ({TOO_FEW})"
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


@dataclass(frozen=True)
class Unit:
    """How an effect is written: times `scale`, in the format `form`, and what it counts."""

    scale: float
    form: str
    name: str

    def effect(self, value: float, low: float, high: float) -> str:
        scaled = (self.scale * each for each in (value, low, high))
        return f"{number(*scaled, self.form)} {self.name}"

    def bound(self, bound: float, wanted: str) -> str:
        return f"{wanted} {'±' if wanted == WITHIN else ''}{self.scale * bound:g}"


UNITS = {
    "points": Unit(100, "+z.1f", "points"),
    "height": Unit(1, "+z.3f", "of the height"),
    "recall": Unit(100, "+z.1f", "points of the box"),
}


def entries(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """The table of `judge_claims`, in words: for each claim number, statement, verdict, note (or
    "") and its checks, as `_check` gives them."""
    columns = dict.fromkeys([*ledger.columns, "note", "measure", *TOKENS])  # some no check may have
    ledger = ledger.reindex(columns=list(columns))
    claims = []
    for (number, statement, verdict), rows in ledger.groupby(HEAD, sort=False):
        head = {"number": number, "statement": statement, "verdict": verdict}
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
