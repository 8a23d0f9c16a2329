"""How often the intervals of answers cover the truth: target 95 % in 2,000 simulated studies.

    python benchmarks/coverage.py

Each case draws 2,000 studies of questions about images and takes the default intervals of
`answer_means`, with 10,000 resamples of images.

`cases`: usual answers, and differences of two methods. Every study has its own truth: means of a
few questions move in steps, so that at a single true value an interval may cover too often or too
seldom. Questions about one image share its difficulty, and images differ in their number of
questions. `by question` is the exact interval that takes questions for independent; it has no
target where they are not.

`answers`, `differences`, `sums`: 125 images with two questions each, at single true values, from
usual to rare; differences by the chance to gain and to lose an answer; sums of four tasks on the
same images. `bootstrap` is the interval of resamples alone. Exact intervals are meant to cover more
than 95 %: they must hold whatever the truth and the correlation within images are.

`benchmarks/coverage_of_distances.py` does the same for distances from an even choice.
"""

import time
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from record import write
from scipy import sparse
from scipy.stats import binom

from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.proportions import clopper_pearson, mcnemar
from prunescope.statistics.rare import answer_means

STUDIES = 2_000
LEAST, MOST = 0.935, 0.965  # target of usual answers; rare ones may be covered more often
SHARES = 0.5, 0.7  # range of the true accuracy of the method
LOSSES = 0.05, 0.15  # range of what it loses to its reference
IMAGES, QUESTIONS = 125, 2  # of rare answers
CORRELATIONS = 0.0, 0.3, 1.0
RIGHT = 0.3, 0.5, 0.9, 0.95, 0.98, 0.99, 0.996, 1.0
CHANGES = (  # chances to gain and to lose an answer
    (0.001, 0.0), (0.001, 0.001), (0.004, 0.004), (0.01, 0.0), (0.01, 0.005), (0.005, 0.03),
    (0.02, 0.02), (0.0, 0.05), (0.05, 0.07), (0.1, 0.2), (0.02, 0.66), (0.02, 0.9), (0.005, 0.98),
)  # fmt: skip
TASKS = (0.98, 0.99, 0.996, 1.0), (0.6, 0.99, 0.996, 1.0)  # accuracies of tasks that are summed


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
        """Truths (2, studies): accuracy, and its difference to a reference. Values (2, images *
        questions, studies): whether an answer is right, and that minus the reference's; NaN for a
        question that is not asked.

        The reference loses a tenth of the method's right answers, and gains some of the others.
        """
        rng = np.random.default_rng(self.images)
        share, loss = rng.uniform(*SHARES, STUDIES), rng.uniform(*LOSSES, STUDIES)
        shape = self.images, self.questions, STUDIES
        number = rng.integers(1, self.questions, (self.images, 1, STUDIES), endpoint=True)
        chance = np.broadcast_to(share, number.shape)
        if self.spread:
            strength = 1 / self.spread - 1
            chance = rng.beta(share * strength, (1 - share) * strength, number.shape)
        right, luck = rng.random(shape) < chance, rng.random(shape)
        gained = ~right & (luck < (loss + 0.1 * share) / (1 - share))
        values = np.stack([right, (right & (luck < 0.1)) * 1.0 - gained])
        values[:, np.arange(self.questions)[:, None] >= number] = np.nan
        return np.stack([share, -loss]), values.reshape(2, -1, STUDIES)


def case(study: Study) -> dict[str, Any]:
    """Fraction of the studies whose interval holds the truth.

    All studies see the same resamples of images, like any two studies with one seed.
    """
    truth, values = study.draw()
    images = np.repeat(np.arange(study.images), study.questions)
    mean, difference = (
        covered(answer_means(of_kind, images, Bootstrap(), least=least), true)
        for of_kind, least, true in zip(values, (0.0, -1.0), truth, strict=True)
    )
    asked = (~np.isnan(values[0])).sum(0)
    low, high = clopper_pearson(np.nansum(values[0], 0) / asked, asked)
    naive = float(((low <= truth[0]) & (truth[0] <= high)).mean())
    within = LEAST <= mean <= MOST and difference >= LEAST
    rates = {"mean": mean, "difference": difference, "by question": naive}
    return vars(study) | rates | {"within target": within}


def covered(table: pd.DataFrame, truth: np.ndarray | float) -> float:
    """Fraction of the rows whose interval holds the truth."""
    # a truth of 1 is held by an interval that rounding ends a little below
    return float(((table["low"] <= truth + 1e-9) & (truth - 1e-9 <= table["high"])).mean())


def draw(
    gain: float, loss: float, correlation: float, rng: np.random.Generator, studies: int
) -> np.ndarray:
    """(images * questions, studies) values 1 with the chance `gain`, -1 with `loss`, else 0.

    correlation: of two questions about an image. Each has the value of its image with the chance
    of its root, else one of its own.
    """
    shape = IMAGES, QUESTIONS, studies
    own = rng.random(shape)
    common = np.broadcast_to(rng.random((IMAGES, 1, studies)), shape)
    luck = np.where(rng.random(shape) < correlation**0.5, common, own)
    values = (luck < gain) * 1.0 - ((luck >= gain) & (luck < gain + loss))
    return values.reshape(-1, studies)


def rare(
    gain: float, loss: float, correlation: float, least: float, studies: int = STUDIES,
    bootstrap: Bootstrap = Bootstrap(),
) -> dict[str, float]:  # fmt: skip
    """Coverage and mean width of the intervals at one truth, and of resamples alone.

    least: the smallest possible value, as for `answer_means`.
    """
    rng = np.random.default_rng(round(1e6 * (gain + 3 * loss + 7 * correlation)))
    values = draw(gain, loss, correlation, rng, studies)
    images = np.repeat(np.arange(IMAGES), QUESTIONS)
    table = answer_means(values, images, bootstrap, least=least)
    alone = bootstrap.means(values, images)
    return {
        "covered": covered(table, gain - loss),
        "width": _width(table),
        "bootstrap": covered(alone, gain - loss),
        "bootstrap width": _width(alone),
    }


def _width(table: pd.DataFrame) -> float:
    return round(float((table["high"] - table["low"]).mean()), 4)


def sums(
    shares: tuple[float, ...], correlation: float, studies: int = STUDIES,
    bootstrap: Bootstrap = Bootstrap(),
) -> dict[str, float]:  # fmt: skip
    """Coverage of the mean over tasks, and of the first task minus the mean of the others.

    shares: true accuracies; correlation: within an image, by task.
    """
    rng, tasks = np.random.default_rng(len(shares)), len(shares)
    questions = IMAGES * QUESTIONS
    values = np.full((tasks * questions, tasks * studies), np.nan)
    for task, share in enumerate(shares):
        rows = slice(task * questions, (task + 1) * questions)
        values[rows, task * studies : (task + 1) * studies] = draw(
            share, 0.0, correlation, rng, studies
        )
    images = np.tile(np.repeat(np.arange(IMAGES), QUESTIONS), tasks)
    weights = {
        "mean": np.full(tasks, 1 / tasks),
        "difference": np.array([1, *np.full(tasks - 1, -1 / (tasks - 1))]),
    }
    by_study = [sparse.kron([row], sparse.eye_array(studies)) for row in weights.values()]
    table = answer_means(values, images, bootstrap, sparse.vstack(by_study, format="csr"))
    return {
        name: covered(table.iloc[index * studies : (index + 1) * studies], float(row @ shares))
        for index, (name, row) in enumerate(weights.items())
    }


def mcnemar_size(discordant: int) -> float:
    """Exact chance of p <= 0.05 when neither method is better."""
    gains = np.arange(discordant + 1)
    rejected = mcnemar(gains, discordant - gains) <= 0.05
    return float(binom.pmf(gains, discordant, 0.5)[rejected].sum())


def main() -> None:
    start = time.perf_counter()
    studies = product((30, 100, 250), ((1, 0.0), (4, 0.3), (8, 0.6)))
    measured: dict[str, Any] = {
        "studies": STUDIES,
        "cases": [case(Study(images, *asked)) for images, asked in studies],
        "answers": [
            {"right": share, "correlation": correlation} | rare(share, 0.0, correlation, 0.0)
            for share, correlation in product(RIGHT, CORRELATIONS)
        ],
        "differences": [
            {"gain": gain, "loss": loss, "correlation": correlation}
            | rare(gain, loss, correlation, -1.0)
            for (gain, loss), correlation in product(CHANGES, CORRELATIONS)
        ],
        "sums": [
            {"right": shares, "correlation": correlation} | sums(shares, correlation)
            for shares, correlation in product(TASKS, CORRELATIONS)
        ],
        "mcnemar, false rejections at 0.05": {n: mcnemar_size(n) for n in (10, 50, 250)},
    }
    measured["seconds"] = round(time.perf_counter() - start, 1)
    write("coverage", measured, ("numpy", "scipy"))


if __name__ == "__main__":
    main()
