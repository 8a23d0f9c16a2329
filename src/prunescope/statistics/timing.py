"""Reads measured times, and refuses those of a busy machine."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from prunescope.errors import InputError
from prunescope.method_names import BASELINE

STEADY = 2.0  # largest ratio of a method's quartiles
NOISE = 0.15  # largest distance of the unpruned model's quartiles, as a fraction of the median

AGAIN = "Close other programs and run the study again with --forcerun timing"


def read_timing(paths: Iterable[Path | str], time: str) -> pd.DataFrame:
    """Times of one model, a row for each method.

    time: the column that is to be shown, such as "answer_ms". InputError without the unpruned
    model, for methods that come twice, and if the machine was not quiet: the quartiles of the
    unpruned model's time lie further apart than `NOISE` of its median, or those of another method
    differ by more than the factor `STEADY`.
    """
    table = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    if (table["method"] == BASELINE).sum() != 1 or table["method"].duplicated().any():
        raise InputError(f"timing: expected one row for each method of one model, with {BASELINE}")
    _check_quiet(table.set_index("method").loc[BASELINE], time)
    if (apart := unsteady(table, time)).any():
        row = table[apart].iloc[0]
        raise InputError(
            f"the machine was not quiet: {time} of {int(apart.sum())} methods has quartiles that "
            f"differ by more than a factor of {STEADY:g}, such as {row['method']!r} with "
            f"{row[f'{time}_q25']:.1f} and {row[f'{time}_q75']:.1f} ms. {AGAIN}"
        )
    return table


def unsteady(table: pd.DataFrame, time: str) -> pd.Series:
    """Whether the quartiles of a time differ by more than the factor `STEADY`, for each row."""
    return table[f"{time}_q75"] > STEADY * table[f"{time}_q25"]


def _check_quiet(row: pd.Series, time: str) -> None:
    low, median, high = (row[time + end] for end in ("_q25", "", "_q75"))
    if high - low > NOISE * median:
        raise InputError(
            f"the machine was not quiet: {time} of the unpruned model has the median "
            f"{median:.1f} ms and the quartiles {low:.1f} and {high:.1f} ms, further apart than "
            f"{NOISE:.0%} of the median. {AGAIN}"
        )
