"""Density peaks against a reference that goes token by token."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prunescope.criteria.knn import JITTER, Knn
from prunescope.criteria.spatial_knn import SpatialKnn
from prunescope.errors import InputError
from prunescope.testing.prompts import narrow, random_selection

GRIDS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=3)


def distance(features, i, j):
    squares = sum((a - b) ** 2 for a, b in zip(features[i], features[j], strict=True))
    return math.sqrt(squares) / math.sqrt(len(features[i]))


def spatial_distance(criterion, features, places, i, j):
    """Infinite beyond reach; places: view, row, column of each token."""

    def apart(other):
        return sum((a - b) ** 2 for a, b in zip(places[i][1:], places[other][1:], strict=True))

    same_view = [k for k in range(len(places)) if places[k][0] == places[i][0]]
    order = sorted(same_view, key=lambda k: (apart(k), k))
    if j not in order or order.index(j) > criterion.reach:
        return math.inf
    share = order.index(j) / criterion.reach
    return distance(features, i, j) * (criterion.alpha + (1 - criterion.alpha) * share)


def reference(distances, neighbours, jitter):
    """density * delta by the definition, one token after the other."""
    everything = [value for row in distances for value in row if value < math.inf]
    densities = []
    for row, noise in zip(distances, jitter, strict=True):
        nearest = [value for value in sorted(row)[:neighbours] if value < math.inf]
        densities.append(math.exp(-sum(d * d for d in nearest) / len(nearest)) + noise)
    scores = []
    for i, row in enumerate(distances):
        denser = [row[j] for j in range(len(row)) if densities[j] > densities[i]]
        scores.append(densities[i] * min([*denser, max(everything)]))
    return scores


def expected(criterion, selection, row):
    slots = selection.present[row]
    features = selection.features[row, slots].double().tolist()
    places = torch.cat([selection.view[row, slots, None], selection.place[row, slots]], 1).tolist()
    jitter = (JITTER * criterion.draw(selection)[row, slots].double()).tolist()
    tokens = range(len(features))
    if isinstance(criterion, SpatialKnn):
        apart = [
            [spatial_distance(criterion, features, places, i, j) for j in tokens] for i in tokens
        ]
    else:
        apart = [[distance(features, i, j) for j in tokens] for i in tokens]
    return torch.tensor(reference(apart, criterion.neighbours, jitter))


@settings(deadline=None, max_examples=25)
@given(GRIDS, st.integers(0, 9), st.integers(1, 8), st.floats(0, 1), st.integers(1, 12))
def test_scores_are_those_of_the_reference(grids, seed, neighbours, alpha, reach):
    selection = random_selection(2, grids, seed)
    for criterion in (Knn(seed, neighbours), SpatialKnn(seed, neighbours, alpha, reach)):
        scores = criterion.score(selection)
        for row in range(2):
            actual = scores[row, selection.present[row]]
            torch.testing.assert_close(
                actual, expected(criterion, selection, row), atol=1e-5, rtol=0
            )


def test_one_token_of_each_cluster_comes_first():
    selection = random_selection(1, [(4, 6)], whole=True)
    noise = torch.randn(1, 24, 16, generator=torch.Generator().manual_seed(0))
    cluster = selection.place[..., 1] // 2  # three groups, far from each other
    features = 10.0 * cluster[..., None] + 0.1 * noise
    kept = Knn().select(replace(selection, features=features), torch.tensor([3]))
    assert sorted(cluster[kept].tolist()) == [0, 1, 2]


def test_alike_tokens_far_apart_are_one_cluster_only_without_space():
    """Left and right thirds look the same, the middle is far from both."""
    selection = random_selection(1, [(4, 6)], whole=True)
    noise = torch.randn(1, 24, 16, generator=torch.Generator().manual_seed(0))
    third = selection.place[..., 1] // 2
    alike = replace(selection, features=10.0 * (third == 1)[..., None] + 0.1 * noise)
    counts = torch.tensor([3])
    assert len(set(third[Knn().select(alike, counts)].tolist())) == 2
    local = SpatialKnn(alpha=1.0, reach=8)
    assert set(third[local.select(alike, counts)].tolist()) == {0, 1, 2}


@pytest.mark.parametrize("criterion", [Knn(), SpatialKnn()], ids=str)
def test_tokens_that_are_all_the_same_score_zero(criterion):
    selection = random_selection(2, [(5, 6)], whole=True)
    same = replace(selection, features=torch.ones(2, 30, 16))
    assert torch.equal(criterion.score(same), torch.zeros(2, 30))
    kept = criterion.select(same, torch.tensor([7, 7]))
    assert kept.nonzero()[:, 1].tolist() == [*range(7), *range(7)]  # ties to the lower index


@pytest.mark.parametrize("criterion", [Knn(), SpatialKnn()], ids=str)
def test_tokens_that_are_gone_do_not_count(criterion):
    selection = random_selection(2, [(5, 6)], whole=True)
    half = narrow(selection, selection.raster % 2 == 0)
    moved = torch.where((selection.raster % 2 == 0)[..., None], selection.features, 99.0)
    again = narrow(replace(selection, features=moved), selection.raster % 2 == 0)
    assert torch.equal(criterion.score(half), criterion.score(again))
    whole = criterion.score(selection).gather(1, half.raster)
    assert not torch.allclose(criterion.score(half), whole)


@pytest.mark.parametrize("criterion", [Knn(), SpatialKnn()], ids=str)
def test_nothing_left_scores_nothing(criterion):
    selection = random_selection(2, [(2, 3)])
    assert criterion.score(narrow(selection, torch.zeros_like(selection.present))).shape == (2, 0)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"neighbours": 0}, "neighbours must be at least 1, got 0"),
        ({"alpha": 1.5}, r"alpha must lie in \[0, 1\], got 1.5"),
        ({"reach": 0}, "reach must be at least 1, got 0"),
    ],
)
def test_wrong_fields(fields, message):
    with pytest.raises(InputError, match=message):
        SpatialKnn(**fields)
