"""Shares of successes: intervals without resampling, and paired comparisons.

`scipy.special` gives the distributions; `scipy.stats`, which has the tests, takes a second to
import. Tests compare both.
"""

import numpy as np
from scipy.special import bdtr, ndtri

from prunescope.errors import InputError


def wilson(
    successes: np.ndarray, trials: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends of Wilson's score interval (J. Am. Stat. Assoc. 22, 1927).

    It assumes independent examples, one for each image. Arrays of any shape; NaN without trials.
    InputError for successes outside 0 to `trials`, or a level outside (0, 1).
    """
    successes, trials = np.asarray(successes, float), np.asarray(trials, float)
    if not 0 < level < 1:
        raise InputError(f"level: must lie in (0, 1), got {level}")
    if ((successes < 0) | (successes > trials)).any():
        raise InputError("successes: must lie between 0 and the number of trials")
    z2 = ndtri((1 + level) / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = successes * (trials - successes) / trials
        centre = (successes + z2 / 2) / (trials + z2)
        half = np.sqrt(z2 * (rest + z2 / 4)) / (trials + z2)
    # Exactly 0 and 1 at the ends, where rounding would miss them.
    low = np.where(successes == 0, 0.0, centre - half)
    high = np.where(successes == trials, 1.0, centre + half)
    return np.where(trials > 0, low, np.nan), np.where(trials > 0, high, np.nan)


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
