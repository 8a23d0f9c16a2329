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
    csv: Path | str,
    methods: Sequence[str] = (),
    bootstrap: Bootstrap = Bootstrap(),
) -> None:
    """Write accuracy by task (`by_method.by_task`), a row for each of the methods, or for all."""
    records = read_records(records, COLUMNS)
    rows = methods or list(dict.fromkeys(records["method"]))
    write(by_task(records, rows, bootstrap), csv)
