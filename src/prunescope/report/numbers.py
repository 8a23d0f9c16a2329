"""Numbers of the page as text: effects with units, rows of the ledger and published rows."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescope.claims.verdicts import WITHIN

HEAD = ["number", "statement", "verdict"]  # columns of a claim in the ledger
TOKENS = ["method tokens", "reference tokens"]
TOO_FEW = "too few images for an interval"
MINUS = str.maketrans("-", "\N{MINUS SIGN}")


def number(value: float, low: float, high: float, form: str = "z.2f") -> str:
    """value [low, high] with minus signs; `z` in the format avoids a negative zero."""
    if pd.isna(value):
        return TOO_FEW
    if pd.isna(low):
        return f"{value:{form}} ({TOO_FEW})".translate(MINUS)
    return f"{value:{form}} [{low:{form}}, {high:{form}}]".translate(MINUS)


@dataclass(frozen=True)
class Unit:
    """How an effect is written: multiplied by `scale`, in the format `form`, before `name`."""

    scale: float
    form: str
    name: str

    def effect(self, value: float, low: float, high: float) -> str:
        """An effect with its interval and unit."""
        scaled = (self.scale * limit for limit in (value, low, high))
        return f"{number(*scaled, self.form)} {self.name}".strip()

    def bound(self, bound: float, wanted: str) -> str:
        """The threshold of an effect: "above 10", "within ±5"."""
        return f"{wanted} {'±' if wanted == WITHIN else ''}{self.scale * bound:g}"


UNITS = {
    "points": Unit(100, "+z.1f", "points"),
    "height": Unit(1, "+z.3f", ""),
    "recall": Unit(100, "+z.1f", "points"),
}


def entries(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """The claims of the table of `judge_claims`: number, statement, verdict, note (or "") and
    checks, as from `_check`."""
    optional = ["note", "measure", *TOKENS]  # columns that a ledger without checks lacks
    ledger = ledger.reindex(columns=list(dict.fromkeys([*ledger.columns, *optional])))
    claims = []
    for (index, statement, verdict), rows in ledger.groupby(HEAD, sort=False):
        head = {"number": index, "statement": statement, "verdict": verdict}
        checks = [_check(row) for _, row in rows[rows["measure"].notna()].iterrows()]
        claims.append(head | {"note": rows["note"].fillna("").iloc[0], "checks": checks})
    return claims


def _check(row: pd.Series) -> dict[str, str]:
    unit, tokens = UNITS[row["unit"]], row[TOKENS]
    return {
        "measure": row["measure"],
        "effect": unit.effect(row["value"], row["low"], row["high"]),
        "images": f"{row['units']:.0f} images",
        "wanted": unit.bound(row["bound"], row["wanted"]),
        "tokens": "" if tokens.isna().any() else " and ".join(f"{t:.2f}" for t in tokens),
        "verdict": row["check"],
        "published": row["published"].translate(MINUS),
        "source": row["source"],
    }


def group_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The table of `compare_groups`: method, row (the published one), tokens and, for each group of
    tasks, the published accuracy and ours: per cent, then the share of the unpruned model's."""
    groups = [column.removesuffix(" low") for column in table if column.endswith(" low")]
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
    published, published_kept, kept = (
        row[column] for column in (f"{group} published", f"{group} kept published", f"{group} kept")
    )
    ours = number(*100 * row[[group, f"{group} low", f"{group} high"]], "z.1f")
    printed = "" if pd.isna(published) else f"{100 * published:.1f}{_kept(published_kept)}"
    return [printed, ours + _kept(kept)]


def _kept(share: float) -> str:
    return "" if pd.isna(share) else f" ({100 * share:.0f} %)"


def benchmark_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    """The table of `compare_benchmarks`; accuracies in per cent."""
    return [
        {
            "method": row["method"],
            "row": f"{row['source']}{_settings(row)}",
            "task": row["task"],
            "published": f"{100 * row['published']:.1f}",
            "ours": number(*100 * row[["value", "low", "high"]], "z.1f"),
            "difference": f"{100 * row['difference']:+z.1f}".translate(MINUS),
            "examples": f"{row['examples']}",
            "check": row["check"],
        }
        for _, row in table.iterrows()
    ]
