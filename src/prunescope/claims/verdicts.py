"""Verdicts, and the rule that gives a check its verdict."""

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"
UNMATCHED = "not matched"  # a check only: a larger budget could explain the effect
ABSENT = "not in this study"  # a claim only: the study lacks the methods
VERDICTS = (HOLDS, FAILS, OPEN, ABSENT)  # verdicts of a claim
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
