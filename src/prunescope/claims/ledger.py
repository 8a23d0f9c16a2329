"""The ledger: every claim with its checks, their intervals, the paper's numbers and verdicts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescope.claims.checks import Check
from prunescope.claims.claims import CLAIMS, Claim, Part
from prunescope.claims.evidence import Evidence
from prunescope.claims.verdicts import ABSENT, FAILS, HOLDS, OPEN, UNMATCHED, judge
from prunescope.errors import InputError


def judge_claims(evidence: Evidence, paper: pd.DataFrame) -> pd.DataFrame:
    """One row for each check, in the order of the claims; one for a claim without checks.

    Columns number, statement, verdict (of the claim), note (what the claim lacks, or ""), part,
    measure, value, low, high, unit, bound, wanted, examples, units, method, reference, the T/N of
    both (`method tokens`, `reference tokens`), check (its verdict), published and source.
    """
    rows = [
        {"number": number, "statement": claim.statement} | row
        for number, claim in enumerate(CLAIMS, 1)
        for row in _rows(claim, evidence, paper)
    ]
    return pd.DataFrame(rows)


def _rows(claim: Claim, evidence: Evidence, paper: pd.DataFrame) -> Iterator[dict[str, Any]]:
    parts = [_judge_part(name, part, evidence, paper) for name, part in claim.parts.items()]
    if not any(part.verdicts for part in parts):
        yield {"verdict": ABSENT, "note": f"needs {claim.needs}"}
        return
    notes = [part.lack for part in parts] + [c.note for part in parts for c in part.checks]
    head = {
        "verdict": claim_verdict([part.verdicts for part in parts], claim.by_majority),
        "note": "; ".join(dict.fromkeys(filter(None, notes))),
    }
    rows = [_columns(part.name, *pair, evidence) for part in parts for pair in part.pairs]
    yield from (head | row for row in rows or [{}])


@dataclass(frozen=True)
class JudgedPart:
    """A part of a claim. verdicts: one for each of `checks`, and one more after an error; lack: why
    the part does not count, or ""."""

    name: str
    checks: list[Check]
    verdicts: list[str]
    lack: str = ""

    @property
    def pairs(self) -> Iterator[tuple[Check, str]]:
        return zip(self.checks, self.verdicts, strict=False)


def _judge_part(name: str, part: Part, evidence: Evidence, paper: pd.DataFrame) -> JudgedPart:
    checks: list[Check] = []
    verdicts: list[str] = []
    try:
        for check in part(evidence, paper):
            checks.append(check)
            verdicts.append(check_verdict(check, evidence))
    except InputError as error:  # such as a group without tasks; the other parts are still judged
        return JudgedPart(name, checks, [*verdicts, OPEN], f"{name}: {error}")
    counted = set(verdicts) - {UNMATCHED}
    lack = "" if counted else f"{name}: {'budgets are not matched' if checks else ABSENT}"
    return JudgedPart(name, checks, verdicts, lack)


def _columns(part: str, check: Check, verdict: str, evidence: Evidence) -> dict[str, Any]:
    names = dict(zip(("method", "reference"), check.methods, strict=False))
    tokens = {f"{key} tokens": evidence.budget(name, check.group) for key, name in names.items()}
    return {
        "part": part, "measure": check.measure, **vars(check.effect), "unit": check.unit,
        "bound": check.bound, "wanted": check.wanted, **names, **tokens, "check": verdict,
        "published": check.published.text, "source": check.published.source,
    }  # fmt: skip


def check_verdict(check: Check, evidence: Evidence) -> str:
    """Verdict of a check: where its interval lies.

    Undecided on fewer than `min_images` images. Not matched where budgets differ by more than
    `max_budget_gap` and the larger budget favours the verdict.
    """
    if check.effect.units < evidence.thresholds.min_images:
        return OPEN
    verdict = judge(check.effect.low, check.effect.high, check.bound, check.wanted)
    if not check.matched:
        return verdict
    first, second = (evidence.budget(name, check.group) for name in check.methods)
    gap = first - second
    favour = {HOLDS: gap, FAILS: -gap, OPEN: abs(gap)}[verdict]
    return UNMATCHED if favour > evidence.thresholds.max_budget_gap else verdict


def claim_verdict(parts: Sequence[Sequence[str]], by_majority: bool = False) -> str:
    """Verdict of a claim from the verdicts of the checks of its parts.

    Checks that are not matched do not count. All others must hold, and one that does not hold
    refutes the claim; with `by_majority`, the majority decides. A claim cannot hold if no check of
    one of its parts counts.
    """
    counted = [[verdict for verdict in part if verdict != UNMATCHED] for part in parts]
    verdicts = [verdict for part in counted for verdict in part]
    held, failed = verdicts.count(HOLDS), verdicts.count(FAILS)
    if by_majority:
        holds, fails = 2 * held > len(verdicts), 2 * failed >= len(verdicts) > 0
    else:
        holds, fails = held == len(verdicts), failed > 0
    return HOLDS if holds and all(counted) else FAILS if fails else OPEN
