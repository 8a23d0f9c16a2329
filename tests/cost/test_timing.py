"""Times of every method on one batch, which the methods take turns on."""

import pytest
import torch

from prunescope.cost import timing
from prunescope.cost.timed_decoding import prefill
from prunescope.cost.timing import TIMES, Stopwatch, measure_times
from prunescope.errors import InputError
from prunescope.methods import parse_methods

METHODS = parse_methods(
    {
        "unpruned": [],
        "replay": [{"layer": 0, "score": {"replay": {"method": "fastv"}}}],
        "fastv": [{"layer": 1, "remove": 0.75, "score": {"attention": {"rope": True}}}],
    },
    "test",
)


def test_every_method_has_percentiles_of_its_laps(checkpoint, task, monkeypatch):
    turns, lap = [], Stopwatch.lap
    monkeypatch.setattr(Stopwatch, "lap", lambda *args: turns.append(args[1].name) or lap(*args))
    table = measure_times(checkpoint, task, METHODS, batch_size=3, repeats=3, warmup=1, steps=2)
    assert turns[:12] == 4 * list(METHODS)  # in turns, and then once for the memory
    assert list(table["method"]) == list(METHODS) and (table["batch_size"] == 3).all()
    assert (table["peak_bytes"] > 2**20).all()
    assert (table["answer_ms_min"] > table["vision_ms_min"] + table["prefill_ms_min"]).all()
    for name in TIMES:
        assert (table[f"{name}_min"] > 0).all()
        for low, high in (("_min", "_q25"), ("_q25", ""), ("", "_q75")):
            assert (table[name + low] <= table[name + high]).all()


def test_half_a_batch_is_timed_where_a_whole_one_does_not_fit(checkpoint, task, monkeypatch):
    methods, room = {"fastv": METHODS["fastv"]}, 4

    def cramped(model, inputs):
        if len(inputs["input_ids"]) > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return prefill(model, inputs)

    monkeypatch.setattr(timing, "prefill", cramped)
    counts = dict(repeats=1, warmup=0, steps=1)
    table = measure_times(checkpoint, task, methods, batch_size=10, **counts)
    assert table["batch_size"].tolist() == [2]
    room = 0
    with pytest.raises(InputError, match="out of memory with one example"):
        measure_times(checkpoint, task, methods, batch_size=2, **counts)
