"""What a reader must keep in mind of all verdicts together, computed from the ledger."""

from collections.abc import Iterator

import pandas as pd

from prunescope.report.numbers import UNITS, with_all_columns


def cautions(ledger: pd.DataFrame) -> list[str]:
    """Sentences on the table of `judge_claims`: what a correction for many checks would change, and
    how wide its intervals of accuracy are. None where it has no checks."""
    checks = with_all_columns(ledger)
    checks = checks[checks["measure"].notna() & checks["corrected check"].notna()]
    return [] if checks.empty else [*_correction(checks), *_width(checks)]


def _correction(checks: pd.DataFrame) -> Iterator[str]:
    moved = int((checks["check"] != checks["corrected check"]).sum())
    verdicts = checks.drop_duplicates(["number", "beside"])
    before = verdicts["beside verdict"].where(verdicts["beside"] != "", verdicts["verdict"])
    changed = verdicts.assign(before=before)[before != verdicts["corrected verdict"]]
    yield (
        f"With Bonferroni's correction over all {len(checks)} checks, {moved} of them would have "
        f"another verdict, and {len(changed)} of the {len(verdicts)} verdicts that follow from them"
        f"{_list(changed)}."
    )


def _list(changed: pd.DataFrame) -> str:
    """The verdicts that change, or ""."""
    texts = [
        f"claim {row['number']}{', ' * bool(row['beside'])}{row['beside']} "
        f"({row['before']}, then {row['corrected verdict']})"
        for _, row in changed.iterrows()
    ]
    return f": {'; '.join(texts)}" if texts else ""


def _width(checks: pd.DataFrame) -> Iterator[str]:
    of_accuracy = checks[checks["unit"] == "points"]
    half = ((of_accuracy["high"] - of_accuracy["low"]) / 2).median()
    if pd.notna(half):
        yield (
            f"Intervals of accuracy reach {UNITS['points'].text(half)} points to either side here "
            f"(median of {len(of_accuracy)} checks): an effect closer to its threshold than that "
            "mostly stays undecided."
        )
