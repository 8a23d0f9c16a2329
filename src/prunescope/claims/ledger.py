"""The ledger: every claim with its checks, their intervals, the paper's numbers and verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from prunescope.claims.checks import Check
from prunescope.claims.claims import CLAIMS, Claim, Part
from prunescope.claims.evidence import Evidence
from prunescope.claims.verdicts import ABSENT, OPEN, UNCOUNTED, UNTESTABLE, claim_verdict
from prunescope.errors import InputError


def judge_claims(evidence: Evidence, paper: pd.DataFrame) -> pd.DataFrame:
    """One row for each check, in the order of the claims; one for a claim without checks.

    Columns number, statement, verdict (of the claim), note (what the claim lacks, or ""), part,
    measure, value, low, high, examples, units, unit, bound, wanted, method, reference, the T/N of
    both (`method tokens`, `reference tokens`), check (its verdict), published and source. Then
    first and second: the two values whose difference `value` is;
    first floor, second floor: accuracy of text only beside the two;
    beside: "" for a check that counts, or the title of what is asked beside the claim;
    beside verdict: the answer to that; beside note: what it lacks, or "";
    premise, with premise value, low, high, unit, bound, wanted, check: what must be true before the
    check can be made;
    corrected check, corrected verdict: after Bonferroni's correction over all checks of the table.
    The latter is of the claim, or of what is asked beside it.
    """
    judged = [_judge(claim, evidence, paper) for claim in CLAIMS]
    tests = sum(group.tests for groups in judged for group in groups)
    rows = [
        {"number": number, "statement": claim.statement} | row
        for number, (claim, groups) in enumerate(zip(CLAIMS, judged, strict=True), 1)
        for row in _rows(claim, groups, evidence, tests)
    ]
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class MadePart:
    """A part of a claim with its checks; error: why there are no more of them, or ""."""

    name: str
    checks: list[Check] = field(default_factory=list)
    error: str = ""

    def verdicts(self, evidence: Evidence, tests: int = 1) -> list[str]:
        """Verdict of each check, and one more after an error."""
        verdicts = [check.verdict(evidence, tests) for check in self.checks]
        return [*verdicts, OPEN] if self.error else verdicts

    def lack(self, evidence: Evidence) -> str:
        """Why the part does not count, or ""."""
        verdicts = self.verdicts(evidence)
        if self.error:
            return f"{self.name}: {self.error}"
        if set(verdicts) - {*UNCOUNTED} or UNTESTABLE in verdicts:
            return ""
        return f"{self.name}: {'budgets are not matched' if self.checks else ABSENT}"


@dataclass(frozen=True)
class Group:
    """Parts that have one verdict: those of a claim, or those beside it under a title."""

    parts: list[MadePart]
    by_majority: bool
    title: str = ""

    @property
    def tests(self) -> int:
        """Number of checks."""
        return sum(len(part.checks) for part in self.parts)

    def verdict(self, evidence: Evidence, tests: int = 1) -> str:
        """The one verdict, each check corrected for a number of tests."""
        verdicts = [part.verdicts(evidence, tests) for part in self.parts]
        return claim_verdict(verdicts, self.by_majority) if any(verdicts) else ABSENT

    def notes(self, evidence: Evidence) -> list[str]:
        """What parts lack, and what a reader must know of the checks."""
        checks = [check for part in self.parts for check in part.checks]
        notes = [part.lack(evidence) for part in self.parts]
        notes += [_absent_premise(check, evidence) for check in checks]
        notes += [check.note for check in checks]
        return list(dict.fromkeys(filter(None, notes)))


def _judge(claim: Claim, evidence: Evidence, paper: pd.DataFrame) -> list[Group]:
    """The claim's own group, then those beside it that the study has anything for."""
    groups = [
        Group(_made(parts, evidence, paper), claim.by_majority, title)
        for title, parts in {"": claim.parts, **claim.beside}.items()
    ]
    return [g for g in groups if not g.title or g.tests or any(part.error for part in g.parts)]


def _made(parts: Mapping[str, Part], evidence: Evidence, paper: pd.DataFrame) -> list[MadePart]:
    return [_make(name, part, evidence, paper) for name, part in parts.items()]


def _make(name: str, part: Part, evidence: Evidence, paper: pd.DataFrame) -> MadePart:
    checks: list[Check] = []
    try:
        for check in part(evidence, paper):
            checks.append(check)
    except InputError as error:  # such as a group without tasks; the other parts are still judged
        return MadePart(name, checks, str(error))
    return MadePart(name, checks)


def _rows(
    claim: Claim, groups: Sequence[Group], evidence: Evidence, tests: int
) -> Iterator[dict[str, Any]]:
    own, *beside = groups
    verdict, notes = own.verdict(evidence), own.notes(evidence)
    if verdict == ABSENT:
        notes = [f"needs {claim.needs}"]
    for group in beside:  # one without checks has no row to say why
        notes += [] if group.tests else [f"{group.title}: {n}" for n in group.notes(evidence)]
    head = {"verdict": verdict, "note": "; ".join(notes)}
    rows = [row for group in groups for row in _of_group(group, evidence, tests)]
    yield from (head | row for row in rows or [{}])


def _absent_premise(check: Check, evidence: Evidence) -> str:
    premise = check.premise(evidence)
    return premise.lack if premise and check.verdict(evidence) == UNTESTABLE else ""


def _of_group(group: Group, evidence: Evidence, tests: int) -> Iterator[dict[str, Any]]:
    verdicts = {
        "beside": group.title,
        "beside verdict": group.verdict(evidence) if group.title else "",
        "beside note": "; ".join(group.notes(evidence)) if group.title else "",
        "corrected verdict": group.verdict(evidence, tests),
    }
    for part in group.parts:
        for check in part.checks:
            yield {"part": part.name, **_columns(check, evidence, tests), **verdicts}


def _columns(check: Check, evidence: Evidence, tests: int) -> dict[str, Any]:
    names = dict(zip(("method", "reference"), check.methods, strict=False))
    tokens = {f"{key} tokens": evidence.budget(name, check.group) for key, name in names.items()}
    floors = dict(zip(("first floor", "second floor"), check.floors, strict=True))
    return {
        "measure": check.measure, **vars(check.effect), "unit": check.unit,
        "bound": check.bound, "wanted": check.wanted, **names, **tokens,
        "check": check.verdict(evidence),
        "published": check.published.text, "source": check.published.source,
        **floors, **_premise_columns(check, evidence),
        "corrected check": check.verdict(evidence, tests),
    }  # fmt: skip


def _premise_columns(check: Check, evidence: Evidence) -> dict[str, Any]:
    premise = check.premise(evidence)
    if premise is None:
        return {}
    effect = premise.effect
    return {
        "premise": premise.measure, "premise value": effect.value, "premise low": effect.low,
        "premise high": effect.high, "premise unit": premise.unit, "premise bound": premise.bound,
        "premise wanted": premise.wanted, "premise check": premise.verdict(evidence),
    }  # fmt: skip
