"""Tables of the report, written as CSV; without matplotlib, which jobs of tables need not load."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.by_method import COLUMNS, by_task
from prunescope.statistics.reading import read_records


def write(table: pd.DataFrame, path: Path | str) -> None:
    """CSV without the index, numbers to six digits; makes the folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, float_format="%.6g")


def write_by_task(
    records: Sequence[Path | str],
    methods: Sequence[str],
    bootstrap: Bootstrap,
    csv: Path | str,
) -> None:
    """`by_method.by_task` of the methods, from top to bottom; all if none are named."""
    records = read_records(records, COLUMNS)
    rows = methods or list(dict.fromkeys(records["method"]))
    write(by_task(records, rows, bootstrap), csv)
