"""The regression finds lines, and finds none in noise."""

import numpy as np
import pytest

from prunescope.training.ridge import Ridge


@pytest.fixture
def features():
    return np.random.default_rng(0).standard_normal((400, 20)).astype(np.float32) * 3 + 1


def held(features):
    return np.arange(len(features)) % 5 == 0


def test_a_line_is_found(features):
    weights = np.random.default_rng(1).standard_normal((20, 3))
    targets = features @ weights + 7
    line = Ridge(features, held(features)).fit(targets)
    np.testing.assert_allclose(line.predict(features), targets, atol=1e-2)
    np.testing.assert_allclose(line.weights, weights, atol=1e-3)


def test_of_noise_the_mean_is_predicted(features):
    """The rows that are held back choose a penalty that leaves little of a line."""
    targets = np.random.default_rng(2).standard_normal((400, 8)) + 5
    line = Ridge(features, held(features)).fit(targets)
    np.testing.assert_allclose(line.targets_mean, targets[~held(features)].mean(0))
    centred = features - features.mean(0)
    plain, *_ = np.linalg.lstsq(centred, targets - targets.mean(0), rcond=None)
    assert line.predict(features).std() < 0.5 * (centred @ plain).std()


def test_features_that_never_vary_change_nothing(features):
    targets = features[:, :1] * 2
    constant = np.hstack([features, np.ones((400, 4), np.float32)])
    with_them = Ridge(constant, held(features)).fit(targets).predict(constant)
    np.testing.assert_allclose(with_them, targets, atol=1e-2)
