"""Kept tokens by quarters of the image's height, so that a regular grid is even.

A grid keeps every second or third row. Row by row it is as uneven as a choice that prefers half of
the rows, and quarters with sharp edges hold now one row of it, now two. Here a row counts to the
two quarters whose centres it lies between, in proportion to its distance from each (linear
binning). All rows together give each quarter the same, and so does nearly any grid that is centred;
a grid that starts in the corner shows its lean. Stripes inside a quarter are not seen.
"""

import numpy as np

QUARTERS = 4


def quarters(counts: np.ndarray) -> np.ndarray:
    """(..., rows) kept tokens of each row, top first -> (..., 4) of each quarter, top first."""
    return counts @ _membership(np.shape(counts)[-1])


def _membership(rows: int) -> np.ndarray:
    """(rows, 4) fraction of each row, which has a height, that counts to each quarter."""
    edges = np.arange(rows + 1) / rows
    return rows * np.diff(_accumulated(edges), axis=0)


def _accumulated(height: np.ndarray) -> np.ndarray:
    """(n,) heights, 0 top to 1 bottom -> (n, 4) membership in each quarter, summed from the top.

    Membership in a quarter is 1 at its centre, falls linearly to 0 at the centres of its
    neighbours, and is 1 from the centre of an outer quarter to the edge of the image.
    """
    # summed membership in the first quarters up to each: 1 above its centre, 0 below the next
    centres = (np.arange(QUARTERS) + 0.5) / QUARTERS
    above, below = centres[:-1], centres[1:]
    height = np.asarray(height)[:, None]
    inside = np.clip(height, above, below) - above
    up_to = np.minimum(height, above) + inside - inside**2 / (2 * (below - above))
    ends = np.hstack([np.zeros_like(height), up_to, height])
    return np.diff(ends, axis=1)
