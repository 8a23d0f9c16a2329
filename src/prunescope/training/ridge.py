"""Ridge regression whose penalty is chosen on rows that are held back."""

from functools import cached_property

import numpy as np

PENALTIES = np.geomspace(1e-6, 1e2, 17)  # in units of the features' mean variance


class Ridge:
    """Linear regressions on the same features.

    features: (rows, width). held: (rows,) True at rows that only choose the penalty.
    """

    def __init__(self, features: np.ndarray, held: np.ndarray):
        self.held, self.mean = held, features[~held].mean(0, dtype=np.float64)
        self.seen, self.unseen = features[~held] - self.mean, features[held] - self.mean

    @cached_property
    def _axes(self) -> tuple[np.ndarray, np.ndarray]:
        """Variances (width,) of the features along their principal axes, and the axes as columns.

        Sums over the rows, not means.
        """
        values, vectors = np.linalg.eigh(self.seen.T @ self.seen)
        return values.clip(min=0), vectors

    def fit(self, targets: np.ndarray) -> "Line":
        """The regression of targets (rows, k) whose penalty gives the smallest error on the rows
        that are held back."""
        values, vectors = self._axes
        mean = targets[~self.held].mean(0, dtype=np.float64)
        seen, unseen = targets[~self.held] - mean, targets[self.held] - mean
        along = vectors.T @ (self.seen.T @ seen)  # (width, k)
        penalties = PENALTIES * max(values.mean(), np.finfo(float).tiny)
        weights = [vectors @ (along / (values[:, None] + penalty)) for penalty in penalties]
        errors = [np.square(unseen - self.unseen @ one).sum() for one in weights]
        return Line(self.mean, weights[int(np.argmin(errors))], mean)


class Line:
    """A regression. weights: (width, k); means: of the features and targets that it was fitted
    to."""

    def __init__(self, features_mean: np.ndarray, weights: np.ndarray, targets_mean: np.ndarray):
        self.features_mean, self.weights, self.targets_mean = features_mean, weights, targets_mean

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(rows, width) features -> (rows, k) predictions."""
        return self.targets_mean + (features - self.features_mean) @ self.weights
