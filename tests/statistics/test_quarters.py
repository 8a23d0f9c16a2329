"""Quarters of the height: even for all rows and for grids, uneven for slopes and ends."""

import numpy as np
import pytest

from prunescope.statistics.quarters import quarters
from prunescope.statistics.uniformity import total_variation


def distance(rows, kept):
    """Total variation from uniform of the quarters of these rows of the image."""
    counts = np.bincount(kept, minlength=rows)
    return total_variation(quarters(counts) / len(kept))


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 6, 7, 12, 24, 27])
def test_all_rows_give_every_quarter_the_same(rows):
    np.testing.assert_allclose(quarters(np.ones(rows)), rows / 4)


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (12, [0, 2, 4, 7, 9, 11]),
        (12, [1, 4, 7, 10]),
        (24, range(1, 24, 3)),
        (27, range(0, 27, 2)),
        (27, range(1, 27, 3)),
    ],
)
def test_centred_grids_are_nearly_even(rows, kept):
    by_row = np.bincount(kept, minlength=rows) / len(kept)
    assert distance(rows, kept) < 0.07 < 0.4 < total_variation(by_row)


def test_grid_in_the_corner_shows_its_lean():
    assert 0.05 < distance(12, [0, 3, 6, 9]) < 0.1


@pytest.mark.parametrize("kept", [[9, 10, 11], [0, 1, 10, 11], [5, 6]])
def test_a_bottom_and_both_ends_and_the_middle_are_uneven(kept):
    assert distance(12, kept) > 0.4


def test_a_row_counts_once_and_flipping_flips():
    counts = np.random.default_rng(0).integers(0, 9, (3, 10)).astype(float)
    np.testing.assert_allclose(quarters(counts).sum(-1), counts.sum(-1))
    np.testing.assert_allclose(quarters(counts[:, ::-1]), quarters(counts)[:, ::-1])


def test_a_row_at_the_centre_of_a_quarter_is_of_it_alone():
    # four rows: each spreads over its quarter, an eighth of it to each neighbour
    np.testing.assert_allclose(quarters(np.eye(4)[1]), [0.125, 0.75, 0.125, 0])
    np.testing.assert_allclose(quarters(np.eye(4)[0]), [0.875, 0.125, 0, 0])
