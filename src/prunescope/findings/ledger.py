"""The ledger: every claim, its checks with intervals, the paper's numbers and a verdict."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from prunescope.errors import InputError
from prunescope.findings.checks import Check
from prunescope.findings.claims import CLAIMS, Claim
from prunescope.findings.evidence import Evidence
from prunescope.findings.words import ABSENT, FAILS, HOLDS, OPEN, UNMATCHED, judge


def judge_claims(study: Evidence, paper: pd.DataFrame) -> pd.DataFrame:
    """One row per check, in the order of the claims; one for a claim without checks.

    Columns number, statement, verdict (of the claim), measure, value, low, high, unit, bound,
    below, examples, units, method, reference, and their tokens (shares of the unpruned model's
    visual tokens), check (its verdict), published, source and note.
    """
    rows = [
        {"number": number, "statement": claim.statement} | row
        for number, claim in enumerate(CLAIMS, 1)
        for row in _rows(claim, study, paper)
    ]
    return pd.DataFrame(rows)


def _rows(claim: Claim, study: Evidence, paper: pd.DataFrame) -> Iterator[dict[str, Any]]:
    try:
        checks = list(claim.checks(study, paper))
    except InputError as error:  # too few images, say: the other claims are judged all the same
        yield {"verdict": OPEN, "note": str(error)}
        return
    if not checks:
        yield {"verdict": ABSENT, "note": f"needs {claim.needs}"}
        return
    verdicts = [verdict(check, study) for check in checks]
    for check, each in zip(checks, verdicts, strict=True):
        yield {"verdict": together(verdicts, claim.most)} | _columns(check, each, study)


def _columns(check: Check, verdict: str, study: Evidence) -> dict[str, Any]:
    names = dict(zip(("method", "reference"), check.methods, strict=False))
    tokens = {f"{which} tokens": study.budgets[name] for which, name in names.items()}
    return {
        "measure": check.measure, **vars(check.effect), "unit": check.unit, "bound": check.bound,
        "below": check.below, **names, **tokens, "check": verdict,
        "published": check.published.text, "source": check.published.source,
    }  # fmt: skip


def verdict(check: Check, study: Evidence) -> str:
    """Where the interval lies; undecided on too few images, not matched if a larger budget alone
    could have put it there."""
    if check.effect.units < study.settings["images"]:
        return OPEN
    found = judge(check.effect.low, check.effect.high, check.bound, check.below)
    if not check.fair:
        return found
    more = study.budgets[check.methods[0]] - study.budgets[check.methods[1]]
    helped = {HOLDS: more, FAILS: -more, OPEN: abs(more)}[found]
    return UNMATCHED if helped > study.settings["matched"] else found


def together(verdicts: Sequence[str], most: bool = False) -> str:
    """The verdict of a claim from those of its checks, but for those that are not matched: all
    must hold and one that does not hold decides; or most must."""
    counted = [each for each in verdicts if each != UNMATCHED]
    held, failed = counted.count(HOLDS), counted.count(FAILS)
    if most:
        holds, fails = 2 * held > len(counted), 2 * failed >= len(counted)
    else:
        holds, fails = held == len(counted), failed > 0
    return OPEN if not counted else HOLDS if holds else FAILS if fails else OPEN
