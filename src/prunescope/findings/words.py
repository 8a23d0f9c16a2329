"""Numbers with intervals as words, and what an interval says."""

from collections.abc import Mapping

import pandas as pd

MATCHES, DIFFERS, OPEN, UNTESTED = "matches", "does not match", "undecided", "not tested"
Tables = Mapping[str, pd.DataFrame]


def verdict(row: pd.Series, null: float = 0.0, sign: int = 1) -> str:
    """Does the interval lie on the side of `null` that `sign` (1 or -1) says?"""
    sided = int(row["low"] > null) - int(row["high"] < null)  # 0 also without an interval
    return {sign: MATCHES, -sign: DIFFERS, 0: OPEN}[sided]


def number(row: pd.Series, scale: float = 1.0, form: str = "z.2f") -> str:
    """value [low, high]; z in the format: no negative zero."""
    value, low, high = (format(scale * row[c], form) for c in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def points(row: pd.Series) -> str:
    """A difference of accuracies in percentage points."""
    return f"{number(row, 100, '+z.1f')} points"
