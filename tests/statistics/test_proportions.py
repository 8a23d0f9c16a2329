"""Proportions and many tests at once, against scipy and by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import synthetic
from prunescope.errors import InputError
from prunescope.statistics import accuracy
from prunescope.statistics.bootstrap import Bootstrap
from prunescope.statistics.multiple import adjusted, benjamini_hochberg, holm
from prunescope.statistics.proportions import clopper_pearson, cohens_g, mcnemar

P = np.array([0.04, np.nan, 0.01, 0.03, 0.9])


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 7), (50, 50), (120, 250)])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_exact_interval_is_that_of_scipy(successes, trials, level):
    expected = stats.binomtest(successes, trials).proportion_ci(level)
    low, high = clopper_pearson(successes / trials, trials, level)
    assert [low, high] == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_exact_interval_between_whole_numbers_lies_between_theirs():
    ends = np.array([clopper_pearson(x / 40, 40) for x in (2, 2.5, 3)])
    assert (np.diff(ends, axis=0) > 0).all()
    fewer = clopper_pearson(0.05, 31.7)
    assert fewer[0] < ends[0, 0] and fewer[1] > ends[0, 1]


def test_exact_interval_of_nothing_is_unknown():
    low, high = clopper_pearson(np.array([0, 0.5]), np.array([0, 2]))
    assert np.isnan([low[0], high[0]]).all() and np.isfinite([low[1], high[1]]).all()


@pytest.mark.parametrize(("gains", "losses"), [(0, 0), (3, 3), (1, 9), (12, 4)])
def test_mcnemar_is_the_binomial_test(gains, losses):
    both = gains + losses
    expected = stats.binomtest(gains, both, 0.5).pvalue if both else 1.0
    assert mcnemar(np.array([gains]), np.array([losses])) == pytest.approx([expected])


def test_effect_size_changes_sign_with_the_pair():
    gains, losses = np.array([0, 9, 4, 0]), np.array([6, 3, 4, 0])
    np.testing.assert_allclose(cohens_g(gains, losses), [-0.5, 0.25, 0, np.nan])
    np.testing.assert_allclose(cohens_g(losses, gains), -cohens_g(gains, losses))


def test_holm_by_hand():
    np.testing.assert_allclose(holm(P), [0.09, np.nan, 0.04, 0.09, 0.9])


@pytest.mark.parametrize("seed", range(5))
def test_benjamini_hochberg_is_that_of_scipy(seed):
    p = np.random.default_rng(seed).beta(0.4, 1, 40).round(2)  # with ties
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    assert (benjamini_hochberg(p) <= holm(p) + 1e-12).all()
    with_gap = benjamini_hochberg(np.insert(p, 3, np.nan))
    np.testing.assert_allclose(np.delete(with_gap, 3), benjamini_hochberg(p))


def test_comparison_is_adjusted_as_asked():
    records, pairs = synthetic.records(), [("fastv", "unpruned"), ("feather", "fastv")]
    by = {
        how: accuracy.compare(records, pairs, ["locate"], Bootstrap(400), how)
        for how in ("holm", "bh")
    }
    for how, table in by.items():
        np.testing.assert_allclose(table[f"p_{how}"], adjusted(table["p"], how))
        columns = list(table)
        assert columns.index("value") < columns.index("cohens_g") < columns.index("p")
    with pytest.raises(InputError, match=r"adjust: unknown 'none'; allowed: \['bh', 'holm'\]"):
        accuracy.compare(records, pairs, ["locate"], Bootstrap(400), "none")


def test_tests_that_cannot_reject_do_not_make_others_larger():
    records = synthetic.records()
    twins = records[records["method"] == "fastv"].assign(method="twin")
    pairs = [("fastv", "unpruned"), ("twin", "fastv")]
    both = pd.concat([records, twins])
    alone, beside = (
        accuracy.compare(both, pairs[:count], ["locate"], Bootstrap(400)) for count in (1, 2)
    )
    of_fastv = beside[beside["reference"] == "unpruned"]
    np.testing.assert_allclose(of_fastv["p_holm"], alone["p_holm"])
    of_twin = beside[(beside["reference"] == "fastv") & beside["p"].notna()]
    assert (of_twin[["p", "p_holm"]] == 1).all(axis=None) and len(of_twin) == 3
