"""The ledger: every claim, its checks with intervals, the paper's numbers and a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prunescope.claims.checks import Check
from prunescope.claims.claims import CLAIMS, Claim, Part
from prunescope.claims.evidence import Evidence
from prunescope.claims.verdicts import ABSENT, FAILS, HOLDS, OPEN, UNMATCHED, judge
from prunescope.errors import InputError


def judge_claims(study: Evidence, paper: pd.DataFrame) -> pd.DataFrame:
    """One row per check, in the order of the claims; one for a claim without checks.

    Columns number, statement, verdict (of the claim), note (what it lacks, or ""), part, measure,
    value, low, high, unit, bound, wanted, examples, units, method, reference, and their tokens
    (shares of the unpruned model's visual tokens), check (its verdict), published and source.
    """
    rows = [
        {"number": number, "statement": claim.statement} | row
        for number, claim in enumerate(CLAIMS, 1)
        for row in _rows(claim, study, paper)
    ]
    return pd.DataFrame(rows)


def _rows(claim: Claim, study: Evidence, paper: pd.DataFrame) -> Iterator[dict[str, Any]]:
    parts = [_examine(name, part, study, paper) for name, part in claim.parts.items()]
    if not any(part.verdicts for part in parts):
        yield {"verdict": ABSENT, "note": f"needs {claim.needs}"}
        return
    notes = [part.lack for part in parts] + [c.note for part in parts for c in part.checks]
    head = {
        "verdict": together([part.verdicts for part in parts], claim.most),
        "note": "; ".join(dict.fromkeys(filter(None, notes))),
    }
    rows = [_columns(part, *pair, study) for part in parts for pair in part.pairs]
    yield from (head | row for row in rows or [{}])


@dataclass(frozen=True)
class Examined:
    """checks: of a part of a claim; verdicts: one for each, and one more for what could not be
    computed; lack: why the part does not count, or ""."""

    name: str
    checks: list[Check]
    verdicts: list[str]
    lack: str = ""

    @property
    def pairs(self) -> Iterator[tuple[Check, str]]:
        return zip(self.checks, self.verdicts, strict=False)


def _examine(name: str, part: Part, study: Evidence, paper: pd.DataFrame) -> Examined:
    checks: list[Check] = []
    verdicts: list[str] = []
    try:
        for check in part(study, paper):
            checks.append(check)
            verdicts.append(verdict(check, study))
    except InputError as error:  # too few tasks, say: what else there is, is judged all the same
        return Examined(name, checks, [*verdicts, OPEN], f"{name}: {error}")
    counts = set(verdicts) - {UNMATCHED}
    lack = "" if counts else f"{name}: {'budgets are not matched' if checks else ABSENT}"
    return Examined(name, checks, verdicts, lack)


def _columns(part: Examined, check: Check, verdict: str, study: Evidence) -> dict[str, Any]:
    names = dict(zip(("method", "reference"), check.methods, strict=False))
    tokens = {f"{which} tokens": study.spent(name, check.group) for which, name in names.items()}
    return {
        "part": part.name, "measure": check.measure, **vars(check.effect), "unit": check.unit,
        "bound": check.bound, "wanted": check.wanted, **names, **tokens, "check": verdict,
        "published": check.published.text, "source": check.published.source,
    }  # fmt: skip


def verdict(check: Check, study: Evidence) -> str:
    """Where the interval lies; undecided on too few images, not matched if a larger budget alone
    could have put it there."""
    if check.effect.units < study.settings["images"]:
        return OPEN
    found = judge(check.effect.low, check.effect.high, check.bound, check.wanted)
    if not check.fair:
        return found
    spent, less = (study.spent(name, check.group) for name in check.methods)
    more = spent - less
    helped = {HOLDS: more, FAILS: -more, OPEN: abs(more)}[found]
    return UNMATCHED if helped > study.settings["matched"] else found


def together(parts: Sequence[Sequence[str]], most: bool = False) -> str:
    """The verdict of a claim from those of the checks of its parts, but for those that are not
    matched: all must hold and one that does not hold decides; or most must. A claim with a part
    that no check counts for cannot hold."""
    counted = [[each for each in part if each != UNMATCHED] for part in parts]
    found = [each for part in counted for each in part]
    held, failed = found.count(HOLDS), found.count(FAILS)
    if most:
        holds, fails = 2 * held > len(found), 2 * failed >= len(found) > 0
    else:
        holds, fails = held == len(found), failed > 0
    return HOLDS if holds and all(counted) else FAILS if fails else OPEN
