"""How often intervals of distances from an even choice cover the truth: target 95 % +- 1.5.

    python benchmarks/coverage_of_distances.py

Each case simulates studies of 125 images whose kept tokens are counted in cells: 144 of a map, or
the four quarters of the height of 12 rows. Every image keeps `KEPT` tokens from its own shares,
which vary around the truth of the study: noise of 20 % of a cell's share with 144 cells, of 5.5 %
with 12 rows. Truths differ from uniform by 58, 22 and 10 % in all cells, or in few. Near uniform a
distance may come from either, and an interval that covers the worst case covers the others too
often.
"""

import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from record import write

from prunescope.statistics import uniformity
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.quarters import quarters

STUDIES, TARGET = 2_000, 0.015
IMAGES = 125
KEPT = 504  # tokens of an image: 36 of 144 for each of 14 questions
# name -> number of cells that tokens are drawn from, and how these are counted
COUNTED: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "144 cells": (144, lambda kept: kept),
    "quarters of 12 rows": (12, quarters),
}
TRUTHS = 3.0, 20.0, 100.0, "one cell", "last cells"


def truths(kind: str | float, cells: int, rng: np.random.Generator, studies: int) -> np.ndarray:
    """True shares of the cells (studies, cells).

    kind: strength of a Dirichlet distribution; "one cell" with 3 % more of all tokens; or "last
    cells", as many as the root of their number, with a fifth more each.
    """
    if isinstance(kind, float):
        return rng.dirichlet(np.full(cells, kind), studies)
    share = np.full(cells, 1 / cells)
    if kind == "one cell":
        share[0] += 0.03
    else:
        share[-round(cells**0.5) :] *= 1.2
    return np.tile(share / share.sum(), (studies, 1))


def coverage(counted: str, kind: str | float, studies: int = STUDIES) -> dict[str, Any]:
    """Fraction of the studies whose interval holds the true distance of kept tokens from uniform.

    counted: a name of `COUNTED`; kind: as for `truths`.
    """
    cells, count = COUNTED[counted]
    rng, covered = np.random.default_rng(cells), []
    for truth in truths(kind, cells, rng, studies):
        shares = rng.gamma(30 * truth, size=(IMAGES, cells))
        kept = rng.multinomial(KEPT, shares / shares.sum(1, keepdims=True)).astype(float)
        _, low, high = uniformity.divergence_intervals(count(kept)[:, None], Bootstrap())[0].T
        true = uniformity.divergences(count(truth))
        covered.append((low <= true) & (true <= high))
    rates = dict(zip(uniformity.DIVERGENCES, np.mean(covered, axis=0).tolist(), strict=True))
    within = {f"{name} within target": abs(rate - 0.95) <= TARGET for name, rate in rates.items()}
    return {"counted": counted, "truth": kind, **rates, **within}


def main() -> None:
    start = time.perf_counter()
    cases = [coverage(counted, kind) for counted, kind in product(COUNTED, TRUTHS)]
    seconds = round(time.perf_counter() - start, 1)
    measured = {"studies": STUDIES, "seconds": seconds, "cases": cases}
    write("coverage_of_distances", measured, ("numpy", "scipy"))


if __name__ == "__main__":
    main()
