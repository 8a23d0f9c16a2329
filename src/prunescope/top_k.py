"""How many tokens a stage keeps by score, and which rank highest. NumPy, no torch."""

import numpy as np

from prunescope.errors import InputError


def kept_fraction(remove: float, power: int = 1) -> float:
    """(1 - remove) ** power in float arithmetic, as in the papers' code; InputError unless `remove`
    lies in [0, 1)."""
    if not 0 <= remove < 1:
        raise InputError(f"remove: must lie in [0, 1), got {remove}")
    return float(1 - remove) ** power


def tokens_kept(n: int, keep: float | int) -> int:
    """Tokens that stay of `n`: `int(n * keep)` for a fraction, at most n for a count."""
    return min(keep, n) if isinstance(keep, int) else int(n * keep)


def kept_count(n: int, remove: float) -> int:
    """Tokens that stay of `n` when the fraction `remove` goes; InputError unless one stays."""
    count = tokens_kept(n, kept_fraction(remove))
    if count < 1:
        raise InputError(f"remove: must leave one of {n} tokens, got {remove}")
    return count


def ranks(scores: np.ndarray) -> np.ndarray:
    """(..., n) scores -> (..., n) int32 ranks from 0, the highest; ties go to the lower index."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    result = np.empty(order.shape, np.int32)
    np.put_along_axis(result, order, np.arange(order.shape[-1], dtype=np.int32), axis=-1)
    return result
