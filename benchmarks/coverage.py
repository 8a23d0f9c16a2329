"""How often the intervals cover the truth: target 95 % +- 1.5 in 2,000 simulated studies.

    python benchmarks/coverage.py

Each case draws 2,000 studies of questions about images and takes the default intervals of
`Bootstrap`, from 10,000 resamples of images. Every study has its own truth: means of a few
questions move in steps, so that at a single true value an interval may cover too often or too
seldom. Questions about one image share its difficulty, and images differ in their number of
questions. `by question` is Wilson's interval, which takes questions for independent; it has no
target where they are not. Maps of kept tokens have noise of 20 % of a cell's share with 144 cells,
and of 5.5 % with 12. They differ from uniform by 58, 22 and 10 % in all cells, or in few. Near
uniform a distance may come from either, and an interval that covers the worst case covers the
others too often.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from record import write
from scipy.stats import binom

from prunescope.statistics import uniformity
from prunescope.statistics.bootstrap import Bootstrap, ratio
from prunescope.statistics.proportions import mcnemar, wilson

STUDIES, TARGET = 2_000, 0.015
SHARES = 0.5, 0.7  # range of the true accuracy of the method
LOSSES = 0.05, 0.15  # range of what it loses to its reference
KEPT = 504  # tokens of an image: 36 of 144 for each of 14 questions
CELLS, TRUTHS = (144, 12), (3.0, 20.0, 100.0, "one cell", "last cells")  # of maps


@dataclass(frozen=True)
class Study:
    """A simulated study: `images` with 1 to `questions` questions each.

    spread: correlation of two questions about one image. The chance of a right answer is drawn for
    each image from a beta distribution.
    """

    images: int
    questions: int
    spread: float

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """Truths (2, studies): accuracy, and its difference to a reference. Sums (3, images,
        studies): questions, right answers, and how many more than the reference has.

        The reference loses a tenth of the method's right answers, and gains some of the others.
        """
        rng = np.random.default_rng(self.images)
        share, loss = rng.uniform(*SHARES, STUDIES), rng.uniform(*LOSSES, STUDIES)
        asked = rng.integers(1, self.questions, (self.images, STUDIES), endpoint=True)
        chance = np.broadcast_to(share, asked.shape)
        if self.spread:
            strength = 1 / self.spread - 1
            chance = rng.beta(share * strength, (1 - share) * strength, asked.shape)
        answered = rng.binomial(asked, chance)
        lost = rng.binomial(answered, 0.1)
        gained = rng.binomial(asked - answered, (loss + 0.1 * share) / (1 - share))
        return np.stack([share, -loss]), np.stack([asked, answered, lost - gained])


def coverage(study: Study) -> dict[str, float]:
    """Fraction of the studies whose interval holds the truth.

    All studies see the same resamples of images, like any two studies with one seed.
    """
    truth, (asked, answered, change) = study.draw()
    sums = np.hstack([answered, change, asked, asked]).astype(float)
    _, low, high = Bootstrap().interval(sums, ratio).T.reshape(3, *truth.shape)
    mean, difference = ((low <= truth) & (truth <= high)).mean(1)
    low, high = wilson(answered.sum(0), asked.sum(0))
    naive = ((low <= truth[0]) & (truth[0] <= high)).mean()
    return {"mean": mean, "difference": difference, "by question": naive}


def truths(kind: str | float, cells: int, rng: np.random.Generator) -> np.ndarray:
    """True shares of the cells (STUDIES, cells).

    kind: strength of a Dirichlet distribution; "one cell" with 3 % more of all tokens; or "last
    cells", as many as the root of their number, with a fifth more each.
    """
    if isinstance(kind, float):
        return rng.dirichlet(np.full(cells, kind), STUDIES)
    share = np.full(cells, 1 / cells)
    if kind == "one cell":
        share[0] += 0.03
    else:
        share[-round(cells**0.5) :] *= 1.2
    return np.tile(share / share.sum(), (STUDIES, 1))


def distance_coverage(cells: int, kind: str | float, images: int = 125) -> dict[str, Any]:
    """Fraction of the studies whose interval holds the true distance of kept tokens from uniform.

    Each image keeps `KEPT` tokens from its own shares, which vary around the truth of the study.
    """
    rng, covered = np.random.default_rng(cells), []
    for truth in truths(kind, cells, rng):
        shares = rng.gamma(30 * truth, size=(images, cells))
        kept = rng.multinomial(KEPT, shares / shares.sum(1, keepdims=True)).astype(float)
        _, low, high = uniformity.divergence_intervals(kept[:, None], Bootstrap())[0].T
        true = uniformity.divergences(truth)
        covered.append((low <= true) & (true <= high))
    rates = dict(zip(uniformity.DIVERGENCES, np.mean(covered, axis=0).tolist(), strict=True))
    within = {f"{name} within target": abs(rate - 0.95) <= TARGET for name, rate in rates.items()}
    return {"cells": cells, "truth": kind, **rates, **within}


def wilson_mean_coverage(trials: int) -> float:
    """Exact coverage of Wilson's interval, on average over all true shares."""
    shares = np.linspace(0.0005, 0.9995, 1000)
    low, high = wilson(np.arange(trials + 1), np.full(trials + 1, trials))
    chances = binom.pmf(np.arange(trials + 1), trials, shares[:, None])
    return float((chances * ((low <= shares[:, None]) & (shares[:, None] <= high))).sum(1).mean())


def mcnemar_size(discordant: int) -> float:
    """Exact chance of p <= 0.05 when neither method is better."""
    gains = np.arange(discordant + 1)
    rejected = mcnemar(gains, discordant - gains) <= 0.05
    return float(binom.pmf(gains, discordant, 0.5)[rejected].sum())


def main() -> None:
    start, cases = time.perf_counter(), []
    for images in (30, 100, 250):
        for questions, spread in ((1, 0.0), (4, 0.3), (8, 0.6)):
            study = Study(images, questions, spread)
            rates = coverage(study)
            ours = rates["mean"], rates["difference"]
            within = all(abs(rate - 0.95) <= TARGET for rate in ours)
            cases.append(vars(study) | rates | {"within target": within})
    with ProcessPoolExecutor() as pool:
        distances = list(pool.map(distance_coverage, *zip(*product(CELLS, TRUTHS), strict=True)))
    exact = {
        "wilson, mean over shares": {n: wilson_mean_coverage(n) for n in (10, 50, 250)},
        "mcnemar, false rejections at 0.05": {n: mcnemar_size(n) for n in (10, 50, 250)},
    }
    seconds = round(time.perf_counter() - start, 1)
    measured = {"studies": STUDIES, "seconds": seconds, "cases": cases}
    measured |= {"distances from uniform": distances, "exact": exact}
    write("coverage", measured, ("numpy", "scipy"))


if __name__ == "__main__":
    main()
