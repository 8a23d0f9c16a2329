"""Scores against the place in the sequence: scipy, closed forms and symmetries."""

import numpy as np
import pytest
from scipy import stats

from helpers import synthetic
from prunescope.statistics import decay
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.position import DIFFERENCE

FEW = Bootstrap(resamples=400)


def positive(images=20, **options):
    """Scores as a softmax gives them."""
    scores = synthetic.scores(images, **options)
    return scores.copy(data=np.exp(scores.values))


def at(table, layer, variant):
    return table.query("layer == @layer and variant == @variant")


def test_rank_correlation_is_the_mean_of_those_of_scipy():
    scores = positive()
    scores.values[0, 0, 0, 2:] = 1.0  # ties
    table = decay.rank_correlation(scores, FEW)
    flat = scores.sel(layer=1, variant="rope").values.reshape(40, -1)
    expected = np.mean([stats.spearmanr(row, np.arange(36)).statistic for row in flat])
    assert at(table, 1, "rope")["value"].item() == pytest.approx(expected)
    assert at(table, 1, "rope")["low"].item() > 0.2
    norope = at(table, 1, "norope").iloc[0]
    assert norope["low"] < 0 < norope["high"]
    gap = at(table, 1, "rope")["value"].item() - norope["value"]
    assert at(table, 1, DIFFERENCE)["value"].item() == pytest.approx(gap)


def test_turning_the_order_turns_correlation_and_slope():
    scores = positive()
    turned = scores.copy(data=scores.values[..., ::-1, ::-1])
    for statistic in (decay.rank_correlation, decay.decay_slope):
        original, reversed_ = (statistic(s, FEW)["value"] for s in (scores, turned))
        np.testing.assert_allclose(original, -reversed_, atol=1e-12)


def test_scores_that_are_all_the_same_go_with_nothing():
    scores = positive(images=3)
    table = decay.rank_correlation(scores.copy(data=np.ones_like(scores.values)), FEW)
    assert (table[["value", "low", "high"]] == 0).all(axis=None)


def test_exponential_decay_has_its_rate_as_slope():
    scores = positive(images=4)
    rate = np.array([-0.02, 0.01, 0.0, -0.3])[:, None, None, None]
    place = decay.distances(36).reshape(6, 6)
    level = np.random.default_rng(0).uniform(0.1, 3, (8, 4, 2, 1, 1))  # of each example
    exact = scores.copy(data=(level * np.exp(rate * place)).astype(np.float32))
    table = decay.decay_slope(exact, FEW)
    for variant in ("rope", "norope"):
        slopes = table[table["variant"] == variant]["value"]
        np.testing.assert_allclose(slopes, rate.ravel(), atol=1e-6)
    curve = at(decay.decay_curve(exact, FEW), 1, "rope").set_index("distance")["value"]
    assert curve[1] - curve[36] == pytest.approx(35 * 0.02, abs=1e-5)
    assert curve.sum() == pytest.approx(0, abs=1e-6)


def test_slope_is_the_fit_to_the_curve():
    scores = positive(images=30)
    curve, slope = (f(scores, FEW) for f in (decay.decay_curve, decay.decay_slope))
    points = at(curve, 2, "rope")
    fit = stats.linregress(points["distance"], points["value"])
    assert at(slope, 2, "rope")["value"].item() == pytest.approx(fit.slope)
    assert at(slope, 2, "rope")["high"].item() < 0  # the pull to the bottom is one to the query


def test_scores_that_underflow_stay_finite():
    scores = positive(images=3)
    scores.values[:, :, :, 0] = 0
    assert np.isfinite(decay.decay_slope(scores, FEW)["value"]).all()
