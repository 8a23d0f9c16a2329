"""Criteria: contracts, counts, ties, errors."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prunescope import criteria
from prunescope.criteria import Criterion, SetCriterion, highest
from prunescope.criteria.attention import Attention
from prunescope.criteria.last import Last
from prunescope.criteria.random import Random
from prunescope.criteria.uniform import Uniform
from prunescope.errors import InputError
from prunescope.testing import contracts

EXAMPLES = [
    *(
        Attention(rope, query, softmax, heads)
        for rope in (True, False)
        for query in ("last", "text-mean", "all-mean")
        for softmax in ("image", "row")
        for heads in ("mean", "max")
    ),
    Uniform(2),
    Uniform(3, offset=1),
    Last(0.25),
    Random(3),
]
GRIDS = st.tuples(st.integers(1, 12), st.integers(1, 12))


@pytest.mark.parametrize("criterion", EXAMPLES, ids=str)
def test_contract(criterion):
    contracts.check_criterion(criterion)


def test_every_known_criterion_is_tried():
    assert {type(each) for each in EXAMPLES} == set(criteria.known().values())


def test_contract_finds_what_is_wrong():
    class Batchy(Random):
        def score(self, selection):
            return super().score(selection) * (1 if len(selection.raster) > 1 else -1)

    with pytest.raises(AssertionError, match="in a batch"):
        contracts.check_criterion(Batchy())


@given(GRIDS, st.integers(1, 12), st.integers(0, 11))
def test_uniform_is_the_slice_of_the_grid(grid, stride, offset):
    if offset >= stride:
        with pytest.raises(InputError):
            Uniform(stride, offset)
        return
    full = torch.arange(grid[0] * grid[1])
    selection = contracts.random_selection(1, grid)
    everything = replace(
        selection, raster=full[None], present=torch.ones(1, len(full), dtype=torch.bool)
    )
    kept = full[Uniform(stride, offset).select(everything)[0]]
    expected = full.reshape(grid)[offset::stride, offset::stride].flatten()
    assert kept.tolist() == expected.tolist()


@given(st.integers(1, 800), st.floats(0.01, 1))
def test_last_counts_as_the_reference(size, fraction):
    selection = contracts.random_selection(1, (1, size))
    everything = replace(
        selection,
        raster=torch.arange(size)[None],
        present=torch.ones(1, size, dtype=torch.bool),
    )
    kept = Last(fraction).select(everything)[0]
    assert kept.sum() == size - int(size * (1 - fraction))
    assert kept.long().diff().ge(0).all()  # a tail


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=30), st.data())  # few values: many ties
def test_highest_breaks_ties_to_the_lower_index(values, data):
    count = data.draw(st.integers(0, len(values)))
    kept = highest(
        torch.tensor([values]).float(),
        torch.ones(1, len(values), dtype=torch.bool),
        torch.tensor([count]),
    )
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[:count]
    assert kept[0].nonzero()[:, 0].tolist() == sorted(expected)


@settings(deadline=None, max_examples=30)
@given(GRIDS, st.integers(0, 5), st.sampled_from([*EXAMPLES[:4], Random(1)]))
def test_any_grid(grid, seed, criterion):
    selection = contracts.random_selection(3, grid, seed)
    contracts.check_selected(criterion, selection)
    contracts.check_batched_equals_single(criterion, selection)


def test_random_differs_by_seed_and_example():
    selection = contracts.random_selection(2, (8, 8))
    full = replace(selection, raster=torch.arange(64).expand(2, -1))
    one, other = Random(0).score(full), Random(1).score(full)
    assert not torch.equal(one, other)
    assert not torch.equal(one[0], one[1])


def test_softmax_over_the_row_ranks_differently():
    selection = contracts.random_selection(3, (6, 6))
    image, row = (Attention(softmax=scope).score(selection) for scope in ("image", "row"))
    assert not torch.equal(image.argsort(1), row.argsort(1))


def test_without_rope_is_neither_with_rope_nor_uniform():
    selection = contracts.random_selection(3, (6, 6))
    scores = Attention(rope=False).score(selection)
    assert not torch.allclose(scores, Attention(rope=True).score(selection))
    assert scores.std(1).min() > 1e-3
    still = replace(
        selection, rotary=(torch.ones_like(selection.rotary[0]), 0 * selection.rotary[1])
    )
    assert torch.allclose(scores, Attention(rope=True).score(still))  # cos = 1, sin = 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"atention": {}}, "unknown criterion 'atention'; known: .*'attention'.*'uniform'"),
        ({"attention": {"rop": True}}, "unknown field 'rop'; allowed: .*'rope', 'query'"),
        ({"attention": {"query": "first"}}, "'first' is not one of .*'last'"),
        ({"attention": {"rope": 1}}, "1 is not a value of type bool"),
        ({"uniform": {}}, "uniform: missing field 'stride'"),
        ({"uniform": {"stride": 0}}, "stride must be at least 1"),
        ({"uniform": {"stride": "two"}}, "'two' is not a value of type int"),
        ({"last": {"fraction": 1.5}}, r"fraction must lie in \(0, 1\]"),
        ("attention", "expected one of"),
    ],
)
def test_wrong_input(data, message):
    with pytest.raises(InputError, match=f"^file.yaml: x.*{message}"):
        criteria.parse(data, "file.yaml: x")


def test_abstract_classes_are_not_criteria():
    assert not {Criterion, SetCriterion} & set(criteria.known().values())
