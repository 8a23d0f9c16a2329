"""Verdicts, and the rules that give checks and claims theirs."""

from collections.abc import Sequence

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
UNTESTABLE = "not testable"  # what must be true before the claim can be put to a test is not
UNMATCHED = "not matched"  # a check only: a larger budget could explain the effect
ABSENT = "not in this study"  # a claim only: the study lacks the methods
VERDICTS = (HOLDS, FAILS, OPEN, UNTESTABLE, ABSENT)  # verdicts of a claim
UNCOUNTED = (UNMATCHED, UNTESTABLE)  # verdicts of checks that do not count for their claim
ABOVE, WITHIN = "above", "within"  # the side of its bound on which an effect is wanted


def judge(low: float, high: float, bound: float, wanted: str = ABOVE) -> str:
    """Verdict on an interval that should lie above `bound`, or within -bound to +bound.

    An interval that contains a bound is undecided, and so is a missing one (NaN).
    """
    right, wrong = {
        ABOVE: (low > bound, high < bound),
        WITHIN: (-bound < low and high < bound, low > bound or high < -bound),
    }[wanted]
    return HOLDS if right else FAILS if wrong else OPEN


def claim_verdict(parts: Sequence[Sequence[str]], by_majority: bool = False) -> str:
    """Verdict of a claim from the verdicts of the checks of its parts.

    Checks that are not matched or not testable do not count. All others must hold, and one that
    does not hold refutes the claim; with `by_majority`, the majority decides. A claim cannot hold
    if no check of one of its parts counts, and is not testable if a part is not.
    """
    if any(_untestable(part, by_majority) for part in parts):
        return UNTESTABLE
    counted = [[verdict for verdict in part if verdict not in UNCOUNTED] for part in parts]
    verdicts = [verdict for part in counted for verdict in part]
    held, failed = verdicts.count(HOLDS), verdicts.count(FAILS)
    if by_majority:
        holds, fails = 2 * held > len(verdicts), 2 * failed >= len(verdicts) > 0
    else:
        holds, fails = held == len(verdicts), failed > 0
    return HOLDS if holds and all(counted) else FAILS if fails else OPEN


def _untestable(part: Sequence[str], by_majority: bool) -> bool:
    """Whether none of a part's checks can be tested; of a claim on the majority, whether no
    majority can."""
    untestable = part.count(UNTESTABLE)
    return untestable > 0 and (1 + by_majority) * untestable >= len(part)
