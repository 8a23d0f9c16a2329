"""The end of a run in a few lines: where the report is, verdicts, and the clearest numbers."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from prunescope.claims.verdicts import FAILS, HOLDS, UNTESTABLE
from prunescope.report.numbers import UNITS, VALUES

CLEAREST = 3  # numbers shown of each model
COLUMNS = ["number", "measure", "unit", "value", "low", "high", "bound", "check", *VALUES]
PLURAL = {HOLDS: "hold", FAILS: "do not hold"}  # other verdicts have no other plural


def headlines(page: Path | str, ledgers: Mapping[str, Path | str]) -> list[str]:
    """Lines for the terminal. page: the report; ledgers: the table of claims of each model."""
    size = Path(page).stat().st_size / 1e6
    lines = [f"The report is {page} ({size:.1f} MB)."]
    for model, path in ledgers.items():
        lines += _of_model(model, pd.read_csv(path))
    return lines


def _of_model(model: str, ledger: pd.DataFrame) -> Iterator[str]:
    verdicts = ledger.drop_duplicates("number")["verdict"].value_counts()
    counts = [
        f"{count} {PLURAL.get(verdict, verdict) if count > 1 else verdict}"
        for verdict, count in verdicts.items()
    ]
    yield f"{model}, {verdicts.sum()} claims of the paper: {', '.join(counts)}. Clearest numbers:"
    for row in _clearest(ledger).to_dict("records"):
        unit = UNITS[row["unit"]]
        effect = unit.effect(row["value"], row["low"], row["high"])
        values = unit.pair(*(row[name] for name in VALUES))
        yield f"  {row['measure']}: {effect}" + (f", {values}" if values else "")


def _clearest(ledger: pd.DataFrame) -> pd.DataFrame:
    """The checks whose intervals lie farthest from their bounds, in widths of the interval, and one
    of each claim at most; none that could not be tested."""
    checks = ledger.reindex(columns=COLUMNS)
    checks = checks[(checks["high"] > checks["low"]) & (checks["check"] != UNTESTABLE)]
    distance = (checks["value"] - checks["bound"]).abs() / (checks["high"] - checks["low"])
    order = distance.sort_values(ascending=False, kind="stable").index
    return checks.loc[order].drop_duplicates("number").head(CLEAREST)
