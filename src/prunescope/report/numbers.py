"""Numbers of the page as text: effects with units, rows of the ledger and published rows."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescope.claims.verdicts import WITHIN

HEAD = ["number", "statement", "verdict"]  # columns of a claim in the ledger
TOKENS = ["method tokens", "reference tokens"]
VALUES, FLOORS = ["first", "second"], ["first floor", "second floor"]
PREMISE = [f"premise {name}" for name in ("value", "low", "high")]
# Columns that a ledger without checks, or without premises, lacks; those of text are "" there.
BESIDE = ["beside", "beside verdict", "beside note"]
TEXTS = ["note", *BESIDE, "premise", "source"]
OPTIONAL = [
    "measure",
    "unit",
    *TOKENS,
    *VALUES,
    *FLOORS,
    *PREMISE,
    "corrected check",
    "corrected verdict",
]
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

    def text(self, value: float) -> str:
        """A value without sign and unit; "" for a missing one."""
        if pd.isna(value):
            return ""
        return f"{self.scale * value:{self.form.removeprefix('+')}}".translate(MINUS)

    def pair(self, first: float, second: float) -> str:
        """The two values of an effect: "64.4 against 40.4"; "" for missing ones."""
        return " against ".join(filter(None, (self.text(first), self.text(second))))

    def bound(self, bound: float, wanted: str) -> str:
        """The threshold of an effect: "above 10", "within ±5"."""
        return f"{wanted} {'±' if wanted == WITHIN else ''}{self.scale * bound:g}"


UNITS = {
    "points": Unit(100, "+z.1f", "points"),
    "height": Unit(1, "+z.3f", ""),
    "recall": Unit(100, "+z.1f", "points"),
    "share": Unit(100, "+z.1f", "points"),
}


def with_all_columns(ledger: pd.DataFrame) -> pd.DataFrame:
    """The table of `judge_claims`, as computed or read from its file, with all of its columns that
    the page needs; text that is missing is ""."""
    ledger = ledger.reindex(columns=list(dict.fromkeys([*ledger.columns, *TEXTS, *OPTIONAL])))
    return ledger.assign(**{name: ledger[name].fillna("") for name in TEXTS})


def entries(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """The claims of the table of `judge_claims`: number, statement, verdict, note (or ""), checks
    (as from `_check`) and beside: title, verdict, note and checks of what is asked beside a claim.
    """
    claims = []
    for (index, statement, verdict), rows in with_all_columns(ledger).groupby(HEAD, sort=False):
        head = {"number": index, "statement": statement, "verdict": verdict}
        head["note"] = rows["note"].iloc[0]
        checks = rows[rows["measure"].notna()]
        own, others = checks[checks["beside"] == ""], checks[checks["beside"] != ""]
        beside = [
            {"title": title, "verdict": answer, "note": note, "checks": _checks(of_group)}
            for (title, answer, note), of_group in others.groupby(BESIDE, sort=False)
        ]
        claims.append(head | {"checks": _checks(own), "beside": beside})
    return claims


def _checks(rows: pd.DataFrame) -> list[dict[str, str]]:
    return [_check(row) for _, row in rows.iterrows()]


def _check(row: pd.Series) -> dict[str, str]:
    unit, tokens = UNITS[row["unit"]], row[TOKENS]
    return {
        "measure": row["measure"],
        "premise": _premise(row) if row["premise"] else "",
        "effect": unit.effect(row["value"], row["low"], row["high"]),
        "pair": unit.pair(*row[VALUES]),
        "floors": " and ".join(dict.fromkeys(filter(None, map(unit.text, row[FLOORS])))),
        "images": f"{row['units']:.0f} images",
        "wanted": unit.bound(row["bound"], row["wanted"]),
        "tokens": "" if tokens.isna().any() else " and ".join(f"{t:.2f}" for t in tokens),
        "verdict": row["check"],
        "published": row["published"].translate(MINUS),
        "source": row["source"],
    }


def _premise(row: pd.Series) -> str:
    """What must be true before the check, with its numbers and verdict."""
    unit = UNITS[row["premise unit"]]
    wanted = unit.bound(row["premise bound"], row["premise wanted"])
    effect = f"{unit.effect(*row[PREMISE])}, wanted {wanted}"
    return f"{row['premise']}: {effect}: {row['premise check']}"


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


def floors(table: pd.DataFrame) -> dict[str, str]:
    """Accuracy of text only for each group of tasks of `compare_groups`, in per cent; empty if the
    study did not measure it."""
    columns = [column for column in table if column.endswith(" floor")]
    first = table[columns].head(1).dropna(axis=1)
    return {c.removesuffix(" floor"): f"{100 * first[c].iloc[0]:z.1f}" for c in first}


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
    """The table of `compare_benchmarks`; accuracies in per cent, "" for a floor that is missing."""
    return [
        {
            "method": row["method"],
            "row": f"{row['source']}{_settings(row)}",
            "task": row["task"],
            "published": f"{100 * row['published']:.1f}",
            "ours": number(*100 * row[["value", "low", "high"]], "z.1f"),
            "difference": f"{100 * row['difference']:+z.1f}".translate(MINUS),
            "floor": "" if pd.isna(row["floor"]) else f"{100 * row['floor']:z.1f}",
            "examples": f"{row['examples']}",
            "check": row["check"],
        }
        for _, row in table.iterrows()
    ]
