"""Reads measured times, and refuses those of a busy machine."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from prunescope.errors import InputError
from prunescope.method_names import BASELINE

NOISE = 0.15  # largest distance of the unpruned model's quartiles, as a fraction of the median


def read_timing(paths: Iterable[Path | str], time: str) -> pd.DataFrame:
    """Times of one model, a row for each method.

    time: the column that is to be shown, such as "answer_ms". InputError without the unpruned
    model, for methods that come twice, and if the quartiles of the unpruned model's time lie
    further apart than `NOISE` of its median: then the machine was not quiet.
    """
    table = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    if (table["method"] == BASELINE).sum() != 1 or table["method"].duplicated().any():
        raise InputError(f"timing: expected one row for each method of one model, with {BASELINE}")
    _check_quiet(table.set_index("method").loc[BASELINE], time)
    return table


def _check_quiet(row: pd.Series, time: str) -> None:
    low, median, high = (row[time + end] for end in ("_q25", "", "_q75"))
    if high - low > NOISE * median:
        raise InputError(
            f"the machine was not quiet: {time} of the unpruned model has the median "
            f"{median:.1f} ms and the quartiles {low:.1f} and {high:.1f} ms, further apart than "
            f"{NOISE:.0%} of the median. Close other programs and run the study again with "
            "--forcerun timing"
        )
