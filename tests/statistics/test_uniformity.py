"""Distance from uniform: against scipy, and how often its intervals hold the truth."""

import numpy as np
import pytest
from scipy import stats

from prunescope.statistics import uniformity
from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=400)
EVEN = np.full(12, 1 / 12)


def images(share: np.ndarray, rng: np.random.Generator, units: int = 80) -> np.ndarray:
    """(units, 1, cells) tokens; those of an image are alike, as questions about it are."""
    of_images = rng.dirichlet(30 * share, units)
    return np.stack([rng.multinomial(60, shares) for shares in of_images])[:, None].astype(float)


def covered(counts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    _, low, high = np.moveaxis(uniformity.divergence_intervals(counts, FEW), -1, 0)
    return (low <= truth) & (truth <= high)


def test_divergences_are_those_of_scipy():
    counts = np.random.default_rng(0).integers(0, 9, (5, 12))
    variation, kl = uniformity.divergences(counts).T
    np.testing.assert_allclose(kl, [stats.entropy(c, EVEN) for c in counts])
    np.testing.assert_allclose(
        variation, np.abs(counts / counts.sum(1)[:, None] - 1 / 12).sum(1) / 2
    )


def test_map_sees_at_least_what_rows_show():
    counts = np.random.default_rng(2).integers(1, 30, (50, 6, 4))
    cells, rows = counts.reshape(50, -1), counts.sum(2)
    assert (uniformity.divergences(rows) <= uniformity.divergences(cells)).all()


@pytest.mark.parametrize(("cells", "even"), [(6, 5.0), (36, 5.0), (36, 100.0)])
def test_intervals_hold_what_many_images_show(cells, even):
    rng = np.random.default_rng(3)
    share = rng.dirichlet(np.full(cells, even))
    truth = uniformity.divergences(share)
    assert np.mean([covered(images(share, rng), truth) for _ in range(80)], axis=0).min() > 0.88


def test_even_choices_are_not_told_from_uniform():
    rng = np.random.default_rng(4)
    estimated = np.array(
        [uniformity.divergence_intervals(images(EVEN, rng), FEW) for _ in range(40)]
    )
    assert (estimated[..., 1] == 0).mean() > 0.9
    plain = uniformity.divergences(images(EVEN, rng).sum((0, 1)))
    assert (np.median(estimated[:, 0, :, 0], axis=0) < plain / 3).all()


@pytest.mark.parametrize("noisy", [False, True])
def test_differences_hold_that_of_the_truths(noisy):
    """Two choices that share half of their tokens, from different distributions."""
    rng = np.random.default_rng(5)
    first, second = rng.dirichlet(EVEN * (1200 if noisy else 60), 2)
    truth = uniformity.divergences(np.stack([first, (first + second) / 2]))
    within = []
    for _ in range(80):
        one, other = images(first, rng), images(second, rng)
        counts = np.concatenate([one, one + other], axis=1)
        within.append(covered(counts, np.array([*truth, truth[0] - truth[1]])))
    assert np.mean(within, axis=0).min() > 0.88


def test_choices_that_are_the_same_do_not_differ():
    counts = np.repeat(images(EVEN, np.random.default_rng(6)), 2, axis=1)
    change = uniformity.divergence_intervals(counts, FEW)[2]
    assert (
        abs(change[:, 0]).max() < 0.005 and (change[:, 1] <= 0).all() and (change[:, 2] >= 0).all()
    )


def test_images_that_all_keep_the_same_leave_no_doubt():
    counts = np.tile(np.arange(1.0, 13), (30, 1, 1))
    exact = uniformity.divergences(counts[0, 0])
    estimated = uniformity.divergence_intervals(counts, FEW)[0]
    np.testing.assert_allclose(estimated, np.stack([exact] * 3, axis=1), rtol=2e-3)
    assert (uniformity.divergence_intervals(np.ones((30, 1, 12)), FEW) == 0).all()


@pytest.mark.parametrize("cells", [2, 9])
def test_all_in_one_cell_is_as_far_as_can_be(cells):
    counts = np.zeros((20, 1, cells))
    counts[..., -1] = 5
    estimated = uniformity.divergence_intervals(counts, FEW)[0]
    np.testing.assert_allclose(
        estimated, np.array([[1 - 1 / cells] * 3, [np.log(cells)] * 3]), rtol=2e-3
    )


def test_one_image_has_a_value_and_no_interval():
    counts = images(EVEN, np.random.default_rng(7), units=1).repeat(2, axis=1)
    estimated = uniformity.divergence_intervals(counts, FEW)
    np.testing.assert_array_equal(estimated[:2, :, 0], uniformity.divergences(counts[0]))
    assert np.isnan(estimated[..., 1:]).all() and (estimated[2, :, 0] == 0).all()


def test_estimates_are_the_same_again():
    counts = images(EVEN, np.random.default_rng(8))
    first, again = (uniformity.divergence_intervals(counts, FEW) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_shares_that_noise_made_negative_are_none_and_the_rest_sums_to_one():
    np.testing.assert_allclose(uniformity.proper(np.array([-0.1, 0.5, 0.7])), [0, 5 / 12, 7 / 12])
    np.testing.assert_allclose(uniformity.kl(np.array([-0.1, 0.5, 0.5])), np.log(1.5))
