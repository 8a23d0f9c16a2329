"""Which tokens rank highest, in NumPy, as a stage of `methods` keeps them."""

import numpy as np

from prunescope.errors import InputError


def kept_count(n: int, remove: float) -> int:
    """Tokens that are left of `n`; InputError unless `remove` lies in [0, 1) and one is left."""
    count = int(n * (1 - remove)) if 0 <= remove < 1 else 0
    if count < 1:
        raise InputError(f"remove: must lie in [0, 1) and leave one of {n} tokens, got {remove}")
    return count


def ranks(scores: np.ndarray) -> np.ndarray:
    """(..., n) scores -> (..., n) ranks from 0, the highest; ties go to the lower index."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    result = np.empty(order.shape, np.int32)
    np.put_along_axis(result, order, np.arange(order.shape[-1], dtype=np.int32), axis=-1)
    return result
