"""The paper's numbers (data/reference), looked up where an effect is put beside ours."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from prunescope.errors import InputError
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER

FOLDER = Path("data/reference")
COLUMNS = ["method", "K", "R", "task", "value", "flops_reduction", "source"]
DEPTH = 32  # layers of the paper's language model
OTHERS = ("vqa", "challenge")  # the paper's two means of four tasks, which are its other tasks


@dataclass(frozen=True)
class Row:
    """One row of a published table: `table` is the end of its source."""

    table: str
    method: str
    K: str = ""
    R: str = ""


@dataclass(frozen=True)
class Published:
    """An effect in the paper, in words, and where it is printed."""

    text: str
    source: str


def read(folder: Path = FOLDER) -> pd.DataFrame:
    """All rows of the reference tables, with `COLUMNS`. InputError for a file without."""
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise InputError(f"{folder}: no reference tables (*.csv)")
    return pd.concat([_read_part(path) for path in files], ignore_index=True)


def _read_part(path: Path) -> pd.DataFrame:
    part = pd.read_csv(path, dtype={"K": str, "R": str}, keep_default_na=False)
    if missing := [c for c in COLUMNS if c not in part]:
        raise InputError(f"{path}: missing columns {missing}; it has {list(part)}")
    return part[COLUMNS]


def cells(reference: pd.DataFrame, row: Row) -> dict[str, float]:
    """The printed numbers of a row, by benchmark or mean; `OTHER` is the mean of the paper's other
    tasks, if it has them."""
    same = (reference[["method", "K", "R"]] == [row.method, row.K, row.R]).all(axis=1)
    found = reference[same & reference["source"].str.endswith(f", {row.table}")]
    numbers = dict(zip(found["task"], map(float, found["value"]), strict=True))
    if set(OTHERS) <= numbers.keys():
        numbers[OTHER] = sum(numbers[each] for each in OTHERS) / len(OTHERS)
    return numbers


def value(reference: pd.DataFrame, row: Row, task: str) -> float:
    """The printed number of a benchmark or mean. InputError for what is not printed."""
    numbers = cells(reference, row)
    if task not in numbers:
        raise InputError(f"reference: no number for {row} and {task!r}, only for {list(numbers)}")
    return numbers[task]


def difference(reference: pd.DataFrame, more: Row, less: Row, group: str) -> Published:
    """Published accuracy of `more` minus `less` in a group of tasks, in points."""
    if group == CONTRAST:
        both = [
            (value(reference, more, g), value(reference, less, g)) for g in (LOCALIZATION, OTHER)
        ]
        (a, b), (c, d) = both
        text = f"{a - b - (c - d):+.1f} points ({a - b:.1f} against {c - d:.1f})"
    else:
        a, b = (value(reference, row, group) for row in (more, less))
        text = f"{a - b:+.1f} points ({a:.1f} against {b:.1f})"
    return Published(text, f"{more.table}: {_words(more)} and {_words(less)}")


def _words(row: Row) -> str:
    """fastv (K 3, R 0.75)"""
    numbers = ", ".join(f"{name} {n}" for name, n in (("K", row.K), ("R", row.R)) if n)
    return f"{row.method} ({numbers})" if numbers else row.method
