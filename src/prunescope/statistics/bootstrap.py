"""Percentile intervals that resample units (images), not examples.

Examples of one image are not independent, so whole images are drawn with replacement. Every
statistic here is a function of sums over images: a resample is a row of image counts, and all
resamples are one matrix product.

Plain percentiles of few units lie too close together. Percentiles further out make the interval of
a mean as wide as Student's: the expanded percentile interval of Hesterberg (The American
Statistician 69, 2015). `benchmarks/coverage.py` measures how often intervals cover. Two kinds of
statistics have intervals of their own: rare answers, of which resamples show too little (`rare`),
and distances, which noise makes larger (`uniformity`).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtr, stdtrit  # `scipy.stats` takes a second to import

from prunescope.errors import InputError

BLOCK = 2**22  # entries of a matrix of image counts, or of sums, in memory at a time


def unit_sums(values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Sums of `values` (examples, columns) over the examples of each unit: (units, columns)."""
    codes, names = pd.factorize(np.asarray(units))
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, codes, values)
    return sums


def total(sums: np.ndarray) -> np.ndarray:
    """(..., columns) sums unchanged: the statistic for totals."""
    return sums


def ratio(sums: np.ndarray) -> np.ndarray:
    """(..., 2k) numerators and denominators -> (..., k) means; NaN where a denominator is 0."""
    numerator, denominator = np.split(sums, 2, axis=-1)
    return np.divide(
        numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0
    )


def weighted(means: np.ndarray, weights: sparse.csr_array) -> np.ndarray:
    """(k,) or (n, k) means and (c, k) weights -> (c,) or (n, c) weighted sums.

    A NaN reaches only the sums that weigh it: a sparse matrix stores no zeros.
    """
    return (weights @ means.T).T


def countable(values: np.ndarray) -> np.ndarray:
    """(examples, k) with NaN for "not counted" -> (examples, 2k) numerators and denominators."""
    present = ~np.isnan(values)
    return np.hstack([np.where(present, values, 0.0), present])


def _quantiles(draws: np.ndarray, tails: np.ndarray) -> np.ndarray:
    """(2, k) quantiles `tails` and 1 - `tails` (k,) of the draws (resamples, k); NaN for NaN."""
    ends = np.full((2, len(tails)), np.nan)
    with warnings.catch_warnings():  # a statistic may be undefined in every resample
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        whole = ~np.isnan(draws).any(0)  # np.quantile is much faster than np.nanquantile
        for tail in np.unique(tails[~np.isnan(tails)]):
            for quantile, columns in ((np.quantile, whole), (np.nanquantile, ~whole)):
                chosen = columns & (tails == tail)
                ends[:, chosen] = quantile(draws[:, chosen], [tail, 1 - tail], axis=0)
    return ends


@dataclass(frozen=True)
class Bootstrap:
    """Intervals from `resamples` draws of all units with this seed, of coverage `level`."""

    resamples: int = 10_000
    level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 100:
            raise InputError(f"bootstrap.resamples: must be at least 100, got {self.resamples}")
        if not 0 < self.level < 1:
            raise InputError(f"bootstrap.level: must lie in (0, 1), got {self.level}")

    def interval(
        self,
        sums: np.ndarray,
        statistic: Callable[[np.ndarray], np.ndarray] = total,
        units: np.ndarray | None = None,
    ) -> np.ndarray:
        """(k, 3): value, lower and upper end of `statistic`, (..., columns) sums -> (..., k).

        sums: (units, columns); units: (k,) number of units that each statistic rests on, if not
        all. A statistic of fewer than two units has no interval: its ends are NaN.
        """
        value = statistic(sums.sum(0))
        if len(sums) < 2:
            return np.stack([value, *np.full((2, *value.shape), np.nan)], axis=-1)
        draws = np.concatenate([statistic(counts @ sums) for counts in self._counts(*sums.shape)])
        reach = self._reach(np.broadcast_to(len(sums) if units is None else units, value.shape))
        return np.stack([value, *_quantiles(draws, ndtr(-reach))], axis=-1)

    def means(
        self, values: np.ndarray, units: np.ndarray, contrasts: np.ndarray | None = None
    ) -> pd.DataFrame:
        """Mean of each column of `values` (examples, k), then each row of `contrasts` (c, k), a
        weighted sum of these means. Columns and NaN as in `weighted_means`."""
        weights = [sparse.eye_array(values.shape[1], format="csr")]
        weights += [] if contrasts is None else [sparse.csr_array(contrasts)]
        return self.weighted_means(values, units, sparse.vstack(weights, format="csr"))

    def weighted_means(
        self, values: np.ndarray, units: np.ndarray, weights: np.ndarray | sparse.csr_array
    ) -> pd.DataFrame:
        """One estimate for each row of `weights` (c, k): a weighted sum of the means of the columns
        of `values` (examples, k), where NaN marks an example that does not count.

        Columns value, low, high, examples, units. A sum that weighs a column of fewer than two
        images has no interval, of no image no value. The interval is Student's for the number of
        images of the smallest column that is weighed: no more than Satterthwaite's degrees of
        freedom, and close to them where that column dominates the variance.
        """
        sums = unit_sums(countable(values), units)
        counts = sums[:, values.shape[1] :]  # (units, k) examples that count, by image
        weights = sparse.csr_array(weights)
        # for each row of weights: counts of the columns that it weighs
        weighed = [
            counts[:, columns] for columns in np.split(weights.indices, weights.indptr[1:-1])
        ]
        fewest = np.array([(part > 0).sum(0).min(initial=len(sums)) for part in weighed])

        def statistic(totals: np.ndarray) -> np.ndarray:
            return weighted(ratio(totals), weights)

        table = self.interval(sums, statistic, units=fewest)
        estimates = pd.DataFrame(table, columns=["value", "low", "high"])
        return estimates.assign(
            examples=[int(part.sum()) for part in weighed],
            units=[int(part.any(1).sum()) for part in weighed],
        )

    def _reach(self, units: np.ndarray) -> np.ndarray:
        """Half-width of an interval in standard deviations of the resamples; NaN for fewer than two
        units."""
        units = np.where(units < 2, np.nan, units)
        student = -stdtrit(units - 1, (1 - self.level) / 2)
        # the variance of resamples divides by n, Student's by n - 1
        return np.sqrt(units / (units - 1)) * student

    def _counts(self, units: int, columns: int):
        """How often each resample draws each unit: blocks (resamples, units) of at most `BLOCK`
        entries."""
        rng = np.random.default_rng(self.seed)
        block = max(1, BLOCK // max(units, columns))
        for start in range(0, self.resamples, block):
            rows = min(block, self.resamples - start)
            drawn = rng.integers(units, size=(rows, units))
            drawn += np.arange(rows)[:, None] * units  # one bincount for all rows of the block
            counts = np.bincount(drawn.ravel(), minlength=rows * units)
            yield counts.reshape(rows, units).astype(float)
