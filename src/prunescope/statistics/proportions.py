"""Shares of successes: intervals without resampling, and paired comparisons.

`scipy.special` gives the distributions; `scipy.stats`, which has the tests, takes a second to
import. Tests compare both.
"""

import numpy as np
from scipy.special import bdtr, betaincinv


def clopper_pearson(
    share: np.ndarray, trials: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of the exact interval of Clopper and Pearson (Biometrika 26, 1934).

    share: successes / trials. Neither needs to be whole: trials may be effective ones, as in Korn
    and Graubard (Survey Methodology 24, 1998). Arrays of any shape; NaN without trials.
    """
    share, trials = np.broadcast_arrays(np.asarray(share, float), np.asarray(trials, float))
    tail = (1 - level) / 2

    def least(successes: np.ndarray) -> np.ndarray:
        """The share at which as many successes, or more, have the chance `tail`."""
        some = successes > 0
        failures = np.maximum(trials - successes, 0)
        return np.where(some, betaincinv(np.where(some, successes, 1), failures + 1, tail), 0.0)

    low, high = least(share * trials), 1 - least((1 - share) * trials)
    known = trials > 0
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def mcnemar(gains: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Exact two-sided p-values of McNemar's test.

    gains, losses: examples that only the first, only the second method answers.
    """
    fewer, both = np.minimum(gains, losses), np.add(gains, losses)
    return np.minimum(1.0, 2 * bdtr(fewer, both, 0.5))


def cohens_g(gains: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Effect size of McNemar's test: the share of gains among gains and losses, minus one half.

    From -0.5 to 0.5, NaN without gains and losses (Cohen, Statistical Power Analysis, chapter 5).
    """
    gains, both = np.asarray(gains, float), np.add(gains, losses, dtype=float)
    return np.divide(gains, both, out=np.full_like(both, np.nan), where=both > 0) - 0.5
