"""Rare answers and rare differences are covered, in fewer studies than the benchmark has."""

from itertools import product

import pytest

from prunescope.statistics.bootstrap import Bootstrap

FEW = Bootstrap(resamples=400)
PROMISED = 0.94
CORRELATIONS = 0.0, 0.3, 1.0


@pytest.fixture
def coverage(script):
    return script("coverage")


@pytest.mark.parametrize(("right", "correlation"), product([0.95, 0.98, 0.99, 0.996], CORRELATIONS))
def test_answers_near_one_are_covered(coverage, right, correlation):
    measured = coverage.rare(right, 0.0, correlation, 0.0, studies=200, bootstrap=FEW)
    assert measured["covered"] >= PROMISED
    # not much wider than where all of 125 images are right
    assert measured["width"] < 0.03 + 1.5 * measured["bootstrap width"]


@pytest.mark.parametrize(
    ("change", "correlation"),
    product([(0.001, 0), (0.004, 0.004), (0.01, 0.005), (0.0, 0.05), (0.005, 0.98)], CORRELATIONS),
)
def test_rare_differences_are_covered(coverage, change, correlation):
    measured = coverage.rare(*change, correlation, -1.0, studies=200, bootstrap=FEW)
    assert measured["covered"] >= PROMISED
    assert measured["width"] < 0.06 + 1.5 * measured["bootstrap width"]


def test_resamples_alone_do_not_cover(coverage):
    measured = coverage.rare(0.996, 0.0, 0.3, 0.0, studies=200, bootstrap=FEW)
    assert measured["bootstrap"] < 0.7


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_sums_of_rare_tasks_are_covered(coverage, correlation):
    for tasks in coverage.TASKS:
        assert min(coverage.sums(tasks, correlation, 200, FEW).values()) >= PROMISED
