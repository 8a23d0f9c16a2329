"""The end of a run in a few lines: where the report is, verdicts, and the clearest numbers."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from prunescope.claims.verdicts import FAILS, HOLDS
from prunescope.report.numbers import UNITS

CLEAREST = 3  # numbers shown of each model
PLURAL = {HOLDS: "hold", FAILS: "do not hold"}


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
        effect = UNITS[row["unit"]].effect(row["value"], row["low"], row["high"])
        yield f"  {row['measure']}: {effect}"


def _clearest(ledger: pd.DataFrame) -> pd.DataFrame:
    """The checks whose intervals lie farthest from their bounds, in widths of the interval, and one
    of each claim at most."""
    checks = ledger.reindex(columns=["number", "measure", "unit", "value", "low", "high", "bound"])
    checks = checks[checks["high"] > checks["low"]]
    distance = (checks["value"] - checks["bound"]).abs() / (checks["high"] - checks["low"])
    order = distance.sort_values(ascending=False, kind="stable").index
    return checks.loc[order].drop_duplicates("number").head(CLEAREST)
