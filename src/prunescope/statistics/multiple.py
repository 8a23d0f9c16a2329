"""p-values adjusted for many tests of one family. A NaN stays NaN and does not count.

Own code, because `scipy.stats` (which has Benjamini and Hochberg's but not Holm's values) takes a
second to import. Tests compare both with it.
"""

from collections.abc import Callable

import numpy as np

from prunescope.errors import InputError


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down values, which control the family-wise error rate (Scand. J. Stat., 1979)."""

    def step(ordered: np.ndarray) -> np.ndarray:
        return np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))

    return _in_order(p, step)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's step-up values, which control the false discovery rate (J. R. Stat.
    Soc. B 57, 1995)."""

    def step(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _in_order(p, step)


ADJUSTMENTS = {"holm": holm, "bh": benjamini_hochberg}


def adjusted(p: np.ndarray, method: str) -> np.ndarray:
    """p-values adjusted by a method of `ADJUSTMENTS`. InputError for an unknown name."""
    if method not in ADJUSTMENTS:
        raise InputError(f"adjust: unknown {method!r}; allowed: {sorted(ADJUSTMENTS)}")
    return ADJUSTMENTS[method](p)


def _in_order(p: np.ndarray, step: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Values of `step`, which sees the p-values in ascending order; at most 1."""
    p = np.asarray(p, float)
    result = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    result[order] = np.minimum(1.0, step(p[order]))
    return result
