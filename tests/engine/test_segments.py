"""Positions after a stage: closed up, or exchanged."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.tiny_llava import GRID, build_inputs
from prunescope.criteria.random import Random
from prunescope.engine.segments import Segment, compact
from prunescope.methods import Method, Stage
from prunescope.pruning import prune

SHUFFLE = Method([Stage(0, Random(), keep=1.0, positions="shuffled")], "shuffle")


@pytest.mark.parametrize("lengths", [(5,), (4, 9)])
def test_shuffled_equals_permuted_position_ids(llava, lengths):
    inputs = build_inputs(lengths)
    positions = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        plain = llava(**inputs, position_ids=positions).logits[:, -1]
        with prune(llava, SHUFFLE) as trace:
            shuffled = llava(**inputs, position_ids=positions).logits[:, -1]
        permuted = trace.segments[1].positions[0]
        expected = llava(**inputs, position_ids=permuted).logits[:, -1]
    assert torch.allclose(shuffled, expected, atol=1e-5)
    assert not torch.allclose(shuffled, plain, atol=1e-2)
    visual = trace.segments[0].raster >= 0
    assert torch.equal(permuted[~visual], positions[~visual])
    for row in range(len(lengths)):
        assert permuted[row, visual[row]].tolist() != positions[row, visual[row]].tolist()
        assert sorted(permuted[row, visual[row]].tolist()) == positions[row, visual[row]].tolist()


def segment(positions, valid):
    positions, valid = torch.tensor(positions), torch.tensor(valid)
    columns = torch.arange(valid.shape[1]).expand_as(valid)
    return Segment(columns, torch.full_like(columns, -1), valid, positions)


@given(st.sets(st.integers(0, 40), min_size=1, max_size=12), st.integers(0, 3))
def test_one_axis_is_numbered_through(positions, padding):
    numbers = [0] * padding + sorted(positions)
    valid = [[False] * padding + [True] * len(positions)]
    after = compact(segment([[numbers]], valid), segment([[[0, 50]]], [[True, True]]))
    first = min(positions)
    assert after.positions[0, 0, padding:].tolist() == list(range(first, first + len(positions)))
    assert after.shift.item() == 50 - (first + len(positions) - 1)


def test_rows_and_columns_stay_rows_and_columns():
    """Three axes: text at 0, an image of which rows 1, 4 and columns 2, 3 are left, text at 9."""
    temporal, row, column = [0, 1, 1, 1, 9], [0, 1, 4, 4, 9], [0, 2, 2, 3, 9]
    whole = segment([[temporal], [row], [column]], [[True] * 5])
    after = compact(whole, whole).positions[:, 0].tolist()
    assert after == [[0, 1, 1, 1, 5], [0, 1, 4, 4, 5], [0, 2, 2, 3, 5]]


def test_the_grid_of_these_tests_is_large_enough_to_shuffle():
    assert GRID[0] * GRID[1] > 20
