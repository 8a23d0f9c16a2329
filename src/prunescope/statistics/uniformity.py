"""How far kept tokens are from an even choice: total variation and Kullback-Leibler divergence.

Noise adds to a distance, and most where nothing else is there: resamples of what was drawn lie too
far from uniform. So intervals go the other way round: they hold those multiples of the deviation
that was found at which noise makes the distance that was found neither too rare a large one nor too
rare a small one; at the estimate it is the median. An interval starts at 0 where noise alone may
give the distance. The same distance may come of a few cells or, each of them hidden in noise, of
many: so it is done twice, with the deviation that was found, which noise spreads over all cells,
and with that less its standard error. The interval spans both, and the estimate is their mean.
`benchmarks/coverage.py` measures how often intervals cover.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, stdtrit

from prunescope.statistics.bootstrap import Bootstrap

DIVERGENCES = ("total_variation", "kl")
DRAWS = 1_000  # of noise, if as many resamples are asked for
LARGEST = 64.0  # multiple that is looked at


def total_variation(share: np.ndarray) -> np.ndarray:
    """(..., cells) shares -> (...) from 0 to 1 - 1 / cells."""
    return np.abs(share - 1 / share.shape[-1]).sum(-1) / 2


def kl(share: np.ndarray) -> np.ndarray:
    """(..., cells) shares, made `proper` -> (...) nats, from 0 to log(cells)."""
    positive = np.maximum(share, np.finfo(float).tiny)
    total = positive.sum(-1)
    entropy = np.log(total) - (positive * np.log(positive)).sum(-1) / total
    return np.maximum(np.log(share.shape[-1]) - entropy, 0)


def proper(share: np.ndarray) -> np.ndarray:
    """Shares that noise or a multiple made negative, or not to sum to 1, as a distribution."""
    positive = np.maximum(share, 0)
    return positive / positive.sum(-1, keepdims=True)


def divergences(counts: np.ndarray) -> np.ndarray:
    """(..., cells) tokens -> (..., 2) the `DIVERGENCES` of their distribution from uniform."""
    share = counts / counts.sum(-1, keepdims=True)
    return np.stack([total_variation(share), kl(share)], axis=-1)


def estimates(counts: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(units, variants, cells) tokens -> (2 * variants - 1, 2, 3): value, lower and upper end of
    the `DIVERGENCES` of each variant, then of what the first has more than each of the others.

    Of fewer than two units (images) the value is that of the tokens, without an interval.
    """
    units, _, cells = counts.shape
    if units < 2:
        value = divergences(counts.sum(0))
        found = np.stack([value, *np.full((2, *value.shape), np.nan)], axis=-1)
        return np.concatenate([found, found[:1] - found[1:]])
    deviation = counts.sum(0) / counts.sum((0, 2))[:, None] - 1 / cells
    noise = _noise(counts, min(bootstrap.resamples, DRAWS), np.random.default_rng(bootstrap.seed))
    tail = ndtr(stdtrit(units - 1, (1 - bootstrap.level) / 2))
    each = [_intervals(distance, deviation, noise, tail) for distance in (total_variation, kl)]
    return np.stack(each, axis=1)


def _noise(counts: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """(variants, draws, cells) normal noise of the shares, with their covariance over images."""
    units, variants, cells = counts.shape
    totals = counts.sum(0)
    share = totals / totals.sum(-1, keepdims=True)
    moves = (counts - share * counts.sum(-1, keepdims=True)) / totals.sum(-1, keepdims=True)
    covariance = _covariance(moves) * units / (units - 1)
    drawn = rng.multivariate_normal(np.zeros(len(covariance)), covariance, draws, method="eigh")
    return drawn.reshape(draws, variants, cells).swapaxes(0, 1)


def _covariance(moves: np.ndarray) -> np.ndarray:
    """(variants * cells, variants * cells) of the sum over images of `moves` (units, variants,
    cells), each of which sums to 0.

    Of few images and many cells a sample covariance is mostly noise itself, which would widen
    intervals. So it is shrunk (Schaefer and Strimmer, Statistical Applications in Genetics and
    Molecular Biology 4, 2005) to that of cells which have in common only that shares sum to 1.
    """
    units, variants, cells = moves.shape
    flat = moves.reshape(units, -1)
    sums = flat.T @ flat
    same = np.tile(np.eye(cells, dtype=bool), (variants, variants))
    centre = np.kron(np.eye(variants), np.eye(cells) - 1 / cells)
    target = centre @ np.where(same, sums, 0) @ centre * cells / max(cells - 1, 1)
    apart = ((sums - target)[~same] ** 2).sum()
    variances = ((flat**2).T @ flat**2 - sums**2 / units) * units / (units - 1)
    shrunk = min(1, variances[~same].sum() / apart) if apart else 1
    return shrunk * target + (1 - shrunk) * sums


def _intervals(
    distance: Callable[[np.ndarray], np.ndarray],
    deviation: np.ndarray,
    noise: np.ndarray,
    tail: float,
) -> np.ndarray:
    """(2 * variants - 1, 3) value, lower and upper end; deviation: (variants, cells)."""
    even = 1 / deviation.shape[-1]
    parts = list(zip(deviation, noise, strict=True))
    first, *others = [_interval(distance, *part, tail) for part in parts]
    draws, *more = [distance(even + away + around) for away, around in parts]
    pairs = zip(others, more, strict=True)
    changes = [_difference(first, each, _correlation(draws, other)) for each, other in pairs]
    return np.array([first, *others, *changes])


def _interval(
    distance: Callable[[np.ndarray], np.ndarray], away: np.ndarray, noise: np.ndarray, tail: float
) -> np.ndarray:
    """(3,) value, lower and upper end of the distance of a deviation."""
    even = 1 / len(away)
    found = distance(even + away)
    thinned = np.sign(away) * np.maximum(abs(away) - noise.std(0), 0)
    value, low, high = np.transpose(
        [
            [
                distance(proper(even + shape * _multiple(distance, shape, noise, at, found)))
                for at in (0.5, 1 - tail, tail)
            ]
            for shape in (away, thinned)
        ]
    )
    return np.array([value.mean(), low.min(), high.max()])


def _multiple(
    distance: Callable[[np.ndarray], np.ndarray],
    away: np.ndarray,
    noise: np.ndarray,
    at: float,
    found: float,
) -> float:
    """The multiple of the deviation `away` at which the distance that was found is the quantile
    `at`, if noise is added; 0 if that is larger at any."""
    even = 1 / len(away)

    def excess(multiple: float) -> float:
        return np.quantile(distance(even + multiple * away + noise), at) - found

    if excess(0) >= 0:
        return 0.0
    top = 1.0
    while (over := excess(top)) < 0 and top < LARGEST:
        top *= 2
    return brentq(excess, 0, top, xtol=1e-3) if over > 0 else top


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    spread = first.std() * second.std()
    return ((first - first.mean()) * (second - second.mean())).mean() / spread if spread else 0.0


def _difference(first: np.ndarray, second: np.ndarray, correlation: float) -> np.ndarray:
    """Value and interval of a difference, from those of its two parts (Zou and Donner, Statistics
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
