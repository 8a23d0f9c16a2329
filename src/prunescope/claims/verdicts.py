"""Verdicts, and the ledger in words."""

from dataclasses import dataclass

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
