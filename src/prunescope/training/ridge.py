"""Ridge regression whose penalty is chosen on rows that are held back."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

PENALTIES = np.geomspace(1e-6, 1e2, 17)  # in units of the features' mean variance
ROWS = 4096


class Ridge:
    """Linear regressions on the same features.

    features: (rows, width) float32. held: (rows,) True at rows that only choose the penalty.
    """

    def __init__(self, features: np.ndarray, held: np.ndarray):
        self.held, self.mean = held, features[~held].mean(0, dtype=np.float64)
        centred = features - self.mean.astype(np.float32)
        self.seen, self.unseen = centred[~held], centred[held]

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Principal axes of the features: sums of squares along each (width,), and the axes as
        columns (width, width)."""
        values, vectors = np.linalg.eigh(_product(self.seen, self.seen))
        return values.clip(min=0), vectors

    def fit(self, targets: np.ndarray) -> "Line":
        """The regression of targets (rows, k) whose penalty gives the smallest error on the rows
        that are held back."""
        values, vectors = self._axes
        mean = targets[~self.held].mean(0, dtype=np.float64)
        along = vectors.T @ _product(self.seen, targets[~self.held] - mean)  # (width, k)
        penalties = PENALTIES * max(values.mean(), np.finfo(float).tiny)
        weights = [vectors @ (along / (values[:, None] + penalty)) for penalty in penalties]
        lines = [Line(self.mean, one, mean) for one in weights]
        unseen = targets[self.held] - mean
        errors = [np.square(unseen - _times(self.unseen, line.weights)).sum() for line in lines]
        return lines[int(np.argmin(errors))]


@dataclass(frozen=True)
class Line:
    """A regression. weights: (width, k); means: of the features and targets that it was fitted
    to."""

    features_mean: np.ndarray
    weights: np.ndarray
    targets_mean: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(rows, width) features -> (rows, k) predictions."""
        return _times(features - self.features_mean.astype(np.float32), self.weights) + (
            self.targets_mean.astype(np.float32)
        )


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a.T @ b, summed in float64 a few rows at a time: copies of all rows would take gigabytes."""
    blocks = range(0, len(a), ROWS)
    return sum(a[i : i + ROWS].astype(np.float64).T @ b[i : i + ROWS] for i in blocks)


def _times(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return features @ weights.astype(np.float32)
