"""Batches are halved when memory runs out, and finished items are not run again."""

import pytest
import torch
from datasets import Dataset

from prunescope.errors import InputError
from prunescope.evaluation.out_of_memory import Portions

BATCH = Dataset.from_dict({"id": list(range(7))})


def runner(room, calls):
    """A run that fits `room` examples, and any number of them for the item "small"."""

    def run(portion, items):
        for item in items:
            calls.append((item, portion["id"][:]))
            if item != "small" and len(portion) > room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            yield item, sum(portion["id"])

    return run


def test_items_of_any_kind_get_all_examples_once(caplog):
    calls = []
    portions = Portions(runner(2, calls), size=5)
    results = list(portions.of(BATCH, ["small", 3, None]))
    totals = {item: sum(value for key, value in results if key == item) for item, _ in results}
    assert totals == dict.fromkeys(["small", 3, None], sum(range(7)))
    assert calls[:2] == [("small", [0, 1, 2, 3, 4]), (3, [0, 1, 2, 3, 4])]
    assert calls[2] == (3, [0, 1])  # "small" is finished for the first five
    assert portions.failed == [5] and portions.size == 2
    assert "out of memory with 5 examples: going on with 2" in caplog.text


def test_a_smaller_size_stays_for_the_next_batches():
    calls = []
    portions = Portions(runner(2, calls), size=8)
    for _ in range(2):
        list(portions.of(BATCH, ["large"]))
    assert [len(ids) for _, ids in calls].count(7) == 1


def test_one_example_that_does_not_fit_is_an_error():
    with pytest.raises(InputError, match="out of memory with one example"):
        list(Portions(runner(0, []), size=2).of(BATCH, ["large"]))
