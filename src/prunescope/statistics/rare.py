"""Means of answers that are right or wrong, and of their paired differences, also of rare ones.

Where few images vary, resamples do not show what might have been: a method that is right on all of
250 questions has the resampled interval [1, 1]. There the interval is exact, on effective
questions. Its share grows with the excess kurtosis of the mean, which says how little the spread of
the sample can be trusted; elsewhere the interval is that of the bootstrap. docs/statistics.md
explains the method, `benchmarks/coverage.py` measures it.
"""

from dataclasses import astuple, dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtri, stdtrit

from prunescope.statistics.bootstrap import BLOCK, Bootstrap, unit_sums
from prunescope.statistics.proportions import clopper_pearson

BOOTSTRAP, EXACT, BOTH = "bootstrap", "exact", "bootstrap and exact"
# excess kurtosis of a mean up to which its interval is the bootstrap's, and from which it is exact:
# about 50 and 17 rare events
KURTOSIS = 0.02, 0.06
PRIOR = 1.0  # images that vary which the largest possible design effect counts for


@dataclass(frozen=True)
class Exact:
    """Exact intervals of the means of columns; every field is (k,).

    weight: how far the exact interval replaces that of the bootstrap, 0 to 1. half: half-width of
    Student's interval of the same mean.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    half: np.ndarray


def answer_means(
    values: np.ndarray,
    units: np.ndarray,
    bootstrap: Bootstrap,
    weights: np.ndarray | sparse.csr_array | None = None,
    least: float | np.ndarray = 0.0,
) -> pd.DataFrame:
    """`Bootstrap.weighted_means` with intervals that hold for rare events, too.

    values: (examples, k) scores of at most 1; least: the smallest score that is possible, for all
    columns or each: 0 for answers, -1 for differences of two, NaN for a column that has the
    bootstrap's interval always. weights: (c, k), by default each column by itself. The column
    `interval` says which method each row has: `BOOTSTRAP`, `EXACT`, or `BOTH`.
    """
    identity = sparse.eye_array(values.shape[1], format="csr")
    weights = identity if weights is None else sparse.csr_array(weights)
    weights.eliminate_zeros()
    table = bootstrap.weighted_means(values, units, weights)
    least = np.broadcast_to(np.asarray(least, float), values.shape[1:])
    exact = _in_blocks(values, np.asarray(units), least, bootstrap.level)
    low, high, by_exact = _ends(table, weights, exact)
    kinds = np.select([by_exact == 0, by_exact < 1], [BOOTSTRAP, BOTH], EXACT)
    return table.assign(low=low, high=high, interval=np.where(np.isnan(low), "", kinds))


def _ends(
    table: pd.DataFrame, weights: sparse.csr_array, exact: Exact
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower and upper ends (c,) of weighted sums, and the share of the exact intervals in them.

    A column by itself has the mixture of both intervals. A sum of several has the bootstrap's
    interval, whose squared reach grows by what the exact interval of each column has more than
    Student's (as in the method of Zou and Donner, Statistics in Medicine 27, 2008).
    """
    value, low, high = (table[name].to_numpy() for name in ("value", "low", "high"))
    rising, falling = weights.maximum(0), weights.minimum(0)
    alone = np.diff(weights.indptr) == 1
    share = (weights != 0).astype(float) @ exact.weight

    def more(reach: np.ndarray) -> np.ndarray:
        return exact.weight * np.maximum(reach**2 - exact.half**2, 0)

    below, above = more(exact.value - exact.low), more(exact.high - exact.value)
    added_below = rising.power(2) @ below + falling.power(2) @ above
    added_above = rising.power(2) @ above + falling.power(2) @ below
    least, most = exact.weight * exact.low, exact.weight * exact.high
    low_alone = (1 - share) * low + rising @ least + falling @ most
    high_alone = (1 - share) * high + rising @ most + falling @ least
    low_of_several = value - np.sqrt((value - low) ** 2 + added_below)
    high_of_several = value + np.sqrt((high - value) ** 2 + added_above)
    widened = np.where((added_below > 0) | (added_above > 0), 0.5, 0.0)
    return (
        np.where(alone, low_alone, low_of_several),
        np.where(alone, high_alone, high_of_several),
        np.where(alone, share, widened),
    )


def _in_blocks(values: np.ndarray, units: np.ndarray, least: np.ndarray, level: float) -> Exact:
    """`exact_intervals` of all columns, of as many at a time as fit into `BLOCK` entries."""
    step = max(1, BLOCK // max(len(values), 1))
    parts = []
    for start in range(0, max(values.shape[1], 1), step):
        block = values[:, start : start + step]
        counted = ~np.isnan(block).all(1)  # of many tasks, a block of columns has few
        of_block = exact_intervals(
            block[counted], units[counted], least[start : start + step], level
        )
        parts.append(of_block)
    return Exact(*map(np.concatenate, zip(*map(astuple, parts), strict=True)))


def exact_intervals(
    values: np.ndarray, units: np.ndarray, least: np.ndarray, level: float
) -> Exact:
    """Exact intervals of the mean of each column of `values` (examples, k); NaN does not count.

    least: (k,) 0, -1 or NaN, as for `answer_means`. A share has Clopper and Pearson's interval on
    effective questions (Korn and Graubard, Survey Methodology 24, 1998). A difference is the share
    of gains minus that of losses, and its interval follows from those of both.
    """
    gains, losses = _mean(np.maximum(values, 0)), _mean(np.maximum(-values, 0))
    images, variance, effective = _by_image(values, units)
    # as far out as Student's for this number of images
    student = -stdtrit(np.maximum(images - 1, 1), (1 - level) / 2)
    trials = effective * (ndtri((1 + level) / 2) / student) ** 2
    of_gains, of_losses = (clopper_pearson(share, trials, level) for share in (gains, losses))
    of_difference = _minus(gains, of_gains, losses, of_losses)
    weight = _rarity(values, least, effective)
    # a column without an exact interval must not turn a sum of columns into NaN
    low, high = (
        np.select([weight == 0, least < 0], [gains - losses, paired], end)
        for end, paired in zip(of_gains, of_difference, strict=True)
    )
    return Exact(gains - losses, low, high, weight, student * np.sqrt(variance))


def _mean(values: np.ndarray) -> np.ndarray:
    """(k,) means of the columns of (examples, k) without NaN; NaN for a column of NaN."""
    present = ~np.isnan(values)
    total = np.where(present, values, 0.0).sum(0)
    return np.divide(total, present.sum(0), out=np.full(len(total), np.nan), where=present.any(0))


def _by_image(values: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(k,) images with a value, variance of the mean over images, and effective examples.

    Effective examples are the examples over the design effect: the variance by image over that of
    independent examples, at least 1, and at most what it is where all answers about an image are
    equal. A few images that vary say little about it: the largest counts for `PRIOR` more.
    """
    present, mean = ~np.isnan(values), _mean(values)
    asked = unit_sums(present.astype(float), units)  # (images, k)
    images, total = (asked > 0).sum(0), asked.sum(0)
    # (images, k) influence of an image on the mean, a ratio of sums, and of its examples by itself
    influence = unit_sums(np.where(present, values - mean, 0.0), units) / np.maximum(total, 1)
    variance = (influence**2).sum(0) * images / np.maximum(images - 1, 1)
    alone = _mean((values - mean) ** 2) / np.maximum(total, 1)
    largest = (asked**2).sum(0) / np.maximum(total, 1)
    estimated = np.divide(variance, alone, out=np.ones_like(alone), where=alone > 0)
    estimated = np.clip(estimated, 1, np.maximum(largest, 1))
    usual, _ = _usual(values)
    varying = (unit_sums(np.where(present, values != usual, False), units) > 0).sum(0)
    effect = (varying * estimated + PRIOR * largest) / (varying + PRIOR)
    return images, variance, np.divide(total, effect, out=np.zeros_like(total), where=effect > 0)


def _usual(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(k,) the commonest of -1, 0 and 1 in each column of (examples, k), and its share of the
    examples."""
    candidates = np.array([0.0, 1.0, -1.0])
    present = np.maximum((~np.isnan(values)).sum(0), 1)
    shares = np.stack([(values == candidate).sum(0) for candidate in candidates]) / present
    return candidates[shares.argmax(0)], shares.max(0)


def _rarity(values: np.ndarray, least: np.ndarray, effective: np.ndarray) -> np.ndarray:
    """(k,) weight of the exact interval, which rises with the excess kurtosis of the mean.

    0 for a column with values that cannot be, or of which most are neither -1, 0 nor 1.
    """
    deviation = values - _mean(values)
    spread, fourth = _mean(deviation**2), _mean(deviation**4)
    kurtosis = np.divide(fourth, spread**2, out=np.full_like(fourth, np.inf), where=spread > 0)
    excess = np.divide(
        kurtosis - 3, effective, out=np.full_like(kurtosis, np.inf), where=effective > 0
    )
    low, high = KURTOSIS
    weight = np.clip((excess - low) / (high - low), 0, 1)
    possible = ~((values < least) | (values > 1)).any(0) & ~np.isnan(least)
    return np.where(possible & (_usual(values)[1] >= 0.5), weight, 0.0)


def _minus(
    gains: np.ndarray,
    of_gains: tuple[np.ndarray, np.ndarray],
    losses: np.ndarray,
    of_losses: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Ends (k,) of the interval of gains minus losses from the intervals of both, shares of the
    same examples (Newcombe, Statistics in Medicine 17, 1998)."""
    # shares that exclude each other are negatively correlated, as those of a multinomial
    odds = [share / np.maximum(1 - share, 1e-9) for share in (gains, losses)]
    correlation = -np.minimum(np.sqrt(odds[0] * odds[1]), 1)

    def reach(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.sqrt(one**2 + other**2 - 2 * correlation * one * other)

    low = gains - losses - reach(gains - of_gains[0], of_losses[1] - losses)
    high = gains - losses + reach(of_gains[1] - gains, losses - of_losses[0])
    return np.maximum(low, -1.0), np.minimum(high, 1.0)
