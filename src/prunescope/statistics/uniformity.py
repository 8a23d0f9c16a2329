"""Distance of kept tokens from an even choice: total variation and Kullback-Leibler divergence.

Noise adds to a distance, most where the true distance is small, so that resamples lie too far from
uniform. Intervals therefore invert a test. They hold the multiples of the measured deviation at
which, with noise added, the measured distance is neither improbably large nor improbably small. The
value is the multiple at which the measured distance is the median.

One distance may come from a few cells or from many that noise hides. So the test is inverted for
two shapes: the measured deviation, and the same shrunk by its standard errors. The interval spans
both, and the value is their mean. docs/statistics.md derives the method;
`benchmarks/coverage_of_distances.py` measures how often the intervals cover.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, stdtrit

from prunescope.statistics.bootstrap import Bootstrap

DIVERGENCES = ("total_variation", "kl")
DRAWS = 1_000  # most draws of noise
LARGEST = 64.0  # largest multiple of the deviation that the inversion tries

Distance = Callable[[np.ndarray], np.ndarray]  # (..., cells) shares -> (...)


def total_variation(share: np.ndarray) -> np.ndarray:
    """(..., cells) shares -> (...) total variation from uniform, 0 to 1 - 1 / cells."""
    return np.abs(share - 1 / share.shape[-1]).sum(-1) / 2


def kl(share: np.ndarray) -> np.ndarray:
    """(..., cells) shares -> (...) divergence from uniform in nats, 0 to log(cells).

    Negative shares count as 0, and the others are scaled to sum to 1, as by `proper`.
    """
    positive = np.maximum(share, np.finfo(float).tiny)
    total = positive.sum(-1)
    entropy = np.log(total) - (positive * np.log(positive)).sum(-1) / total
    return np.maximum(np.log(share.shape[-1]) - entropy, 0)


def proper(share: np.ndarray) -> np.ndarray:
    """(..., cells) a distribution from shares that may be negative or not sum to 1."""
    positive = np.maximum(share, 0)
    return positive / positive.sum(-1, keepdims=True)


def divergences(counts: np.ndarray) -> np.ndarray:
    """(..., cells) tokens -> (..., 2) the `DIVERGENCES` of their distribution from uniform."""
    share = counts / counts.sum(-1, keepdims=True)
    return np.stack([total_variation(share), kl(share)], axis=-1)


def divergence_intervals(counts: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(units, variants, cells) tokens -> (2 * variants - 1, 2, 3): value, lower and upper end of
    the `DIVERGENCES` of each variant, then of the first minus each of the others.

    For fewer than two units (images) the value is that of the tokens, without an interval.
    """
    units, _, cells = counts.shape
    if units < 2:
        value = divergences(counts.sum(0))
        of_variants = np.stack([value, *np.full((2, *value.shape), np.nan)], axis=-1)
        return np.concatenate([of_variants, of_variants[:1] - of_variants[1:]])
    # (variants, cells) share of the kept tokens of all images, minus the even share
    deviation = counts.sum(0) / counts.sum((0, 2))[:, None] - 1 / cells
    noise = _noise(counts, min(bootstrap.resamples, DRAWS), np.random.default_rng(bootstrap.seed))
    # a normal tail as far out as Student's for this number of images
    tail = ndtr(stdtrit(units - 1, (1 - bootstrap.level) / 2))
    by_distance = [_intervals(d, deviation, noise, tail) for d in (total_variation, kl)]
    return np.stack(by_distance, axis=1)


def _noise(counts: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(variants, draws, cells) normal noise with the covariance of the shares over images."""
    units, variants, cells = counts.shape
    totals = counts.sum(0)
    share = totals / totals.sum(-1, keepdims=True)
    # (units, variants, cells) influence of an image on the shares (linearised ratio of sums):
    # its tokens minus those that it would keep by the common shares, over the tokens of all images
    influence = (counts - share * counts.sum(-1, keepdims=True)) / totals.sum(-1, keepdims=True)
    covariance = _covariance(influence) * units / (units - 1)
    noise = rng.multivariate_normal(np.zeros(len(covariance)), covariance, draws, method="eigh")
    return noise.reshape(draws, variants, cells).swapaxes(0, 1)


def _covariance(influence: np.ndarray) -> np.ndarray:
    """(variants * cells, variants * cells) covariance of the sum over images of `influence`
    (units, variants, cells), each of which sums to 0 over the cells.

    A sample covariance of few images and many cells is mostly noise, which would widen intervals.
    So it is shrunk (Schaefer and Strimmer, Statistical Applications in Genetics and Molecular
    Biology 4, 2005) towards cells that depend on each other only because shares sum to 1.
    """
    units, variants, cells = influence.shape
    flat = influence.reshape(units, -1)
    sums = flat.T @ flat
    # entries of a cell with itself, in any two variants: the target keeps these
    same_cell = np.tile(np.eye(cells, dtype=bool), (variants, variants))
    # centring the cells of each variant makes the rows of the target sum to 0, as shares demand
    centre = np.kron(np.eye(variants), np.eye(cells) - 1 / cells)
    target = centre @ np.where(same_cell, sums, 0) @ centre * cells / max(cells - 1, 1)
    distance = ((sums - target)[~same_cell] ** 2).sum()
    variances = ((flat**2).T @ flat**2 - sums**2 / units) * units / (units - 1)
    weight = min(1, variances[~same_cell].sum() / distance) if distance else 1
    return weight * target + (1 - weight) * sums


def _intervals(
    distance: Distance, deviation: np.ndarray, noise: np.ndarray, tail: float
) -> np.ndarray:
    """(2 * variants - 1, 3) value, lower and upper end: of each variant, then of the first minus
    each of the others. deviation: (variants, cells); noise: (variants, draws, cells)."""
    even = 1 / deviation.shape[-1]
    parts = list(zip(deviation, noise, strict=True))
    first, *others = [_interval(distance, *part, tail) for part in parts]
    draws, *other_draws = [distance(even + shape + around) for shape, around in parts]
    correlations = [_correlation(draws, other) for other in other_draws]
    changes = [_difference(first, *pair) for pair in zip(others, correlations, strict=True)]
    return np.array([first, *others, *changes])


def _interval(
    distance: Distance, deviation: np.ndarray, noise: np.ndarray, tail: float
) -> np.ndarray:
    """(3,) value, lower and upper end of the distance of a deviation (cells,)."""
    even = 1 / len(deviation)
    measured = distance(even + deviation)
    shrunk = np.sign(deviation) * np.maximum(abs(deviation) - noise.std(0), 0)

    def end(shape: np.ndarray, quantile: float) -> float:
        multiple = _multiple(distance, shape, noise, quantile, measured)
        return distance(proper(even + shape * multiple))

    # a measured distance that is the 97.5 % quantile of its noise belongs to the lowest truth
    ends = [[end(shape, q) for q in (0.5, 1 - tail, tail)] for shape in (deviation, shrunk)]
    value, low, high = np.transpose(ends)
    return np.array([value.mean(), low.min(), high.max()])


def _multiple(
    distance: Distance, shape: np.ndarray, noise: np.ndarray, quantile: float, measured: float
) -> float:
    """The multiple of the deviation `shape` (cells,) at which the measured distance is this
    quantile of the distances with noise; 0 if noise alone has a larger quantile."""
    even = 1 / len(shape)

    def excess(multiple: float) -> float:
        return np.quantile(distance(even + multiple * shape + noise), quantile) - measured

    if excess(0) >= 0:
        return 0.0
    top = 1.0
    while (over := excess(top)) < 0 and top < LARGEST:
        top *= 2
    return brentq(excess, 0, top, xtol=1e-3) if over > 0 else top


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two sets of draws; 0 if one does not vary."""
    spread = first.std() * second.std()
    return ((first - first.mean()) * (second - second.mean())).mean() / spread if spread else 0.0


def _difference(first: np.ndarray, second: np.ndarray, correlation: float) -> np.ndarray:
    """(3,) value and interval of a difference from those of its parts (Zou and Donner, Statistics
    in Medicine 27, 2008)."""
    (value, low, high), (other, other_low, other_high) = first, second

    def reach(one: float, two: float) -> float:
        return np.sqrt(max(one**2 + two**2 - 2 * correlation * one * two, 0))

    change = value - other
    return np.array(
        [
            change,
            change - reach(value - low, other_high - other),
            change + reach(high - value, other - other_low),
        ]
    )
