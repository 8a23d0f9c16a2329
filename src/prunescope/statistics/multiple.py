"""Many tests at once: adjusted p-values of one family. NaN stays NaN and does not count."""

from collections.abc import Callable

import numpy as np

from prunescope.errors import InputError


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down values, for the rate of any false rejection (Scand. J. Stat. 6, 1979)."""

    def step(ordered: np.ndarray) -> np.ndarray:
        return np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))

    return _in_order(p, step)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's step-up values, for the share of false rejections (J. R. Stat.
    Soc. B 57, 1995)."""

    def step(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _in_order(p, step)


ADJUSTMENTS = {"holm": holm, "bh": benjamini_hochberg}


def adjusted(p: np.ndarray, how: str) -> np.ndarray:
    """p-values adjusted by one of `ADJUSTMENTS`; InputError for another name."""
    if how not in ADJUSTMENTS:
        raise InputError(f"adjust: unknown {how!r}; allowed: {sorted(ADJUSTMENTS)}")
    return ADJUSTMENTS[how](p)


def _in_order(p: np.ndarray, step: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply `step` to the values from the smallest to the largest, and cut at 1."""
    p = np.asarray(p, float)
    result = np.full_like(p, np.nan)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    result[order] = np.minimum(1.0, step(p[order]))
    return result
