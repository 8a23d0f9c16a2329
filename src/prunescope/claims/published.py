"""Published numbers (data/reference), looked up to stand beside the study's."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from prunescope.errors import InputError
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER

FOLDER = Path("data/reference")
COLUMNS = ["method", "K", "R", "task", "value", "flops_reduction", "source"]
DEPTH = 32  # layers of the paper's language model
EARLY, LATER = {"K": "3", "R": "0.75"}, {"K": "8", "R": "0.75"}  # settings that it compares
OTHERS = ("vqa", "challenge")  # means of four tasks each; together the paper's other tasks
OTHER_TASKS = ("textvqa", "gqa", "vqav2", "vizwiz", "pope", "tallyqa", "vsr", "ai2d")


@dataclass(frozen=True)
class Row:
    """One row of a published table; `table` is the end of the column `source`."""

    table: str
    method: str
    K: str = ""
    R: str = ""


@dataclass(frozen=True)
class Published:
    """A published effect in words, and where it is printed."""

    text: str
    source: str


NO_ROWS = Published("no such rows", "Tables 1 to A3")


def read(folder: Path = FOLDER) -> pd.DataFrame:
    """All rows of the reference tables, with `COLUMNS`.

    InputError without tables, or for a table that lacks columns.
    """
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
    """Printed numbers of a row by benchmark or mean, with `OTHER`, the mean of the paper's other
    tasks, where both of its parts are printed."""
    same = (reference[["method", "K", "R"]] == [row.method, row.K, row.R]).all(axis=1)
    printed = reference[same & reference["source"].str.endswith(f", {row.table}")]
    numbers = dict(zip(printed["task"], map(float, printed["value"]), strict=True))
    if set(OTHERS) <= numbers.keys():
        numbers[OTHER] = sum(numbers[mean] for mean in OTHERS) / len(OTHERS)
    return numbers


def value(reference: pd.DataFrame, row: Row, task: str) -> float:
    """Printed number of a benchmark or mean. InputError if it is not printed."""
    numbers = cells(reference, row)
    if task not in numbers:
        raise InputError(f"reference: no number for {row} and {task!r}, only for {list(numbers)}")
    return numbers[task]


def difference(reference: pd.DataFrame, first: Row, second: Row, group: str) -> Published:
    """Published accuracy of `first` minus that of `second` in a group of tasks, in points."""
    if group == CONTRAST:
        localization, other = (
            value(reference, first, task) - value(reference, second, task)
            for task in (LOCALIZATION, OTHER)
        )
        numbers = f"{localization:.1f} against {other:.1f}"
        text = f"{localization - other:+.1f} points ({numbers})"
    else:
        a, b = (value(reference, row, group) for row in (first, second))
        text = f"{a - b:+.1f} points ({a:.1f} against {b:.1f})"
    return Published(text, f"{first.table}: {_words(first)} and {_words(second)}")


def relative_contrast(reference: pd.DataFrame, full: Row, pruned: Row) -> Published:
    """Published loss as a share of the whole accuracy, localization minus the other tasks."""
    localization, other = (
        100 * (1 - value(reference, pruned, group) / value(reference, full, group))
        for group in (LOCALIZATION, OTHER)
    )
    numbers = f"{localization - other:+.1f} points ({localization:.1f} against {other:.1f})"
    text = f"{numbers}, as shares of the whole accuracy: text only is not printed"
    return Published(text, f"{full.table}: {_words(full)} and {_words(pruned)}")


def loss(reference: pd.DataFrame, full: Row, pruned: Row, task: str, bound: float) -> Published:
    """Published loss of accuracy in a task of the paper; for any other task, how many of the
    paper's other tasks lose at most `bound`."""
    if task in OTHER_TASKS:
        return difference(reference, full, pruned, task)
    whole, left = (cells(reference, row) for row in (full, pruned))
    lost = [whole[task] - left[task] for task in OTHER_TASKS]
    few = sum(abs(points) <= 100 * bound for points in lost)
    text = (
        f"at most {100 * bound:g} points in {few} of {len(lost)} other tasks, "
        f"{min(lost):.1f} to {max(lost):.1f} in all"
    )
    return Published(text, f"{full.table}: {_words(full)} and {_words(pruned)}")


def _words(row: Row) -> str:
    """Method and settings of a row, such as "fastv (K 3, R 0.75)"."""
    settings = (("K", row.K), ("R", row.R))
    numbers = ", ".join(f"{name} {number}" for name, number in settings if number)
    return f"{row.method} ({numbers})" if numbers else row.method
