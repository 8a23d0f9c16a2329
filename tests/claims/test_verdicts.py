"""Rules that give checks and claims their verdicts."""

import numpy as np
import pytest

from prunescope.claims.verdicts import (
    ABOVE,
    FAILS,
    HOLDS,
    OPEN,
    UNMATCHED,
    UNTESTABLE,
    WITHIN,
    claim_verdict,
    judge,
)


@pytest.mark.parametrize(
    ("low", "high", "wanted", "expected"),
    [
        (0.2, 0.3, ABOVE, HOLDS), (-0.3, 0.0, ABOVE, FAILS), (0.0, 0.3, ABOVE, OPEN),
        (np.nan, np.nan, ABOVE, OPEN),
        (-0.05, 0.05, WITHIN, HOLDS), (0.2, 0.3, WITHIN, FAILS), (-0.3, -0.2, WITHIN, FAILS),
        (-0.3, 0.0, WITHIN, OPEN), (0.0, 0.3, WITHIN, OPEN), (np.nan, np.nan, WITHIN, OPEN),
    ],
)  # fmt: skip
def test_verdict_is_where_the_interval_lies(low, high, wanted, expected):
    assert judge(low, high, 0.1, wanted) == expected


@pytest.mark.parametrize(
    ("checks", "by_majority", "expected"),
    [
        ([[HOLDS, HOLDS]], False, HOLDS), ([[HOLDS, OPEN]], False, OPEN),
        ([[OPEN, FAILS]], False, FAILS), ([[HOLDS, UNMATCHED]], False, HOLDS),
        ([[UNMATCHED]], False, OPEN), ([[HOLDS], [HOLDS]], False, HOLDS),
        ([[HOLDS], [UNMATCHED]], False, OPEN), ([[HOLDS], []], False, OPEN),
        ([[FAILS], []], False, FAILS), ([[HOLDS], [FAILS]], False, FAILS),
        ([[HOLDS, HOLDS, FAILS]], True, HOLDS), ([[HOLDS, FAILS]], True, FAILS),
        ([[HOLDS, OPEN, OPEN]], True, OPEN), ([[]], True, OPEN),
        ([[HOLDS], [UNTESTABLE]], False, UNTESTABLE), ([[UNTESTABLE, HOLDS]], False, HOLDS),
        ([[FAILS], [UNTESTABLE]], False, UNTESTABLE), ([[UNTESTABLE, FAILS]], False, FAILS),
        ([[HOLDS, UNTESTABLE]], True, UNTESTABLE), ([[HOLDS, HOLDS, UNTESTABLE]], True, HOLDS),
        ([[FAILS, FAILS, UNTESTABLE]], True, FAILS), ([[UNTESTABLE]], True, UNTESTABLE),
    ],
)  # fmt: skip
def test_verdict_of_a_claim(checks, by_majority, expected):
    assert claim_verdict(checks, by_majority) == expected
