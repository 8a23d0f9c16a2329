"""Tables as cells of text: readable heads, one number of decimals in a column, intervals apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from prunescope.method_names import label
from prunescope.report.numbers import MINUS, TOO_FEW
from prunescope.statistics.accuracy import LOCALIZATION, OTHER

# Suffixes of the interval's columns, and the text for a missing interval.
SPREADS = (("low", "high", TOO_FEW), ("q25", "q75", ""))
NAMES = ("method", "reference")  # columns with names of methods
HEADS = {
    "accuracy_plus": "Accuracy+",
    "adds": "The image adds",
    "cohens_g": "Cohen's g",
    "gains": "Gained",
    "half": "Half read by K",
    "kl": "KL divergence of quarters (nats)",
    "kv_mib": "KV cache (MiB)",
    "layer": "K",
    "layers": "Layers K",
    "losses": "Lost",
    "mean_iou": "Mean IoU",
    "mean_row": "Vertical position (0 top, 1 bottom)",
    "bottom_quarter": "Share in the bottom quarter",
    "most": "90 % read by K",
    "of_depth": "K over depth",
    "p": "p (McNemar)",
    "p_bh": "p (Benjamini and Hochberg)",
    "p_holm": "p (Holm)",
    "reference share": "T/N of the reference",
    "share": "T/N",
    "tokens": "Tokens per layer",
    "total_variation": "Total variation of quarters",
    "units": "Images",
}
SMALLEST_P = 0.001  # a smaller p-value is written as "< 0.001"


@dataclass(frozen=True)
class Cell:
    """text: the value, or a word; spread: its interval, or ""; number: whether it is a number."""

    text: str
    spread: str = ""
    number: bool = False


@dataclass(frozen=True)
class Cells:
    """A table for the page: heads of the columns, then rows of cells."""

    heads: list[str]
    rows: list[list[Cell]]


def cells(table: pd.DataFrame) -> Cells:
    """The table with a value and its interval in one cell, methods by their labels, and empty
    cells for missing values."""
    table = _without_repeats(table)
    columns = {_head(name): _column(table, *parts) for name, *parts in _values(table)}
    return Cells(list(columns), [list(row) for row in zip(*columns.values(), strict=True)])


def _without_repeats(table: pd.DataFrame) -> pd.DataFrame:
    """The table without a task that is the only one of its group; the group is named after it."""
    names = [name.removesuffix(" low") for name in table if name.endswith(" low")]
    for group, task in product(set(names) & {LOCALIZATION, OTHER}, set(names)):
        pairs = {f"{group}{end}": f"{task}{end}" for end in ("", " low", " high")}
        if task != group and all(table[a].equals(table[b]) for a, b in pairs.items()):
            named = {a: a.replace(group, f"{group} ({task})") for a in pairs}
            return table.drop(columns=list(pairs.values())).rename(columns=named)
    return table


def _values(table: pd.DataFrame) -> Iterator[tuple[str, str, str, str, str]]:
    """For every value: its name in the head, its column, the columns of its spread ("" if it has
    none), and the text for a missing spread."""
    spreads: dict[str, tuple[str, str, str]] = {}
    for low, high, missing in SPREADS:
        for lower in [name for name in table if name.endswith(low)]:
            stem = lower.removesuffix(low)
            spreads[stem.rstrip(" _") or "value"] = (lower, stem + high, missing)
    ends = {end for lower, upper, _ in spreads.values() for end in (lower, upper)}
    for name in [column for column in table if column not in ends]:
        yield name, name, *spreads.get(name, ("", "", ""))


def _head(name: str) -> str:
    text = HEADS.get(name) or label(name).replace("_", " ")
    return text[:1].upper() + text[1:]


def _column(table: pd.DataFrame, name: str, lower: str, upper: str, missing: str) -> Iterator[Cell]:
    values = table[name]
    if name in NAMES:
        return (Cell(label(value)) for value in values)
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return (Cell("" if pd.isna(value) else str(value)) for value in values)
    form = _form(values)
    if not lower:
        smallest = SMALLEST_P if name == "p" or name.startswith("p_") else 0.0
        return (Cell(_text(value, form, smallest), number=True) for value in values)
    ends = zip(values, table[lower], table[upper], strict=True)
    return (Cell(_text(v, form), _spread(v, *limits, form, missing), True) for v, *limits in ends)


def _form(values: pd.Series) -> str:
    """Format of a column: no decimals for integers, else as many as its largest value needs."""
    present = values.dropna()
    largest = present.abs().max() if len(present) else 0.0
    if pd.api.types.is_integer_dtype(values) or (largest > 1 and (present % 1 == 0).all()):
        return ",.0f"
    return "z.3f" if largest < 10 else "z,.1f" if largest < 1e4 else "z,.0f"


def _text(value: Any, form: str, smallest: float = 0.0) -> str:
    if pd.isna(value):
        return ""
    if smallest and value < smallest:
        return f"< {smallest:g}"
    return format(value, form).translate(MINUS)


def _spread(value: float, low: float, high: float, form: str, missing: str) -> str:
    if pd.isna(value):
        return ""
    return missing if pd.isna(low) else f"[{_text(low, form)}, {_text(high, form)}]"
