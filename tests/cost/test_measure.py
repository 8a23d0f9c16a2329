from pathlib import Path

import pytest
import torch
import yaml

from helpers.families import CASES
from helpers.testbed_model import random_examples, save_model
from helpers.tiny_llava import build_inputs, build_llava
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.cost.flops import counted_flops, layer_flops, prefill_flops, tower_flops
from prunescope.cost.measure import TIMES, _counted, measure
from prunescope.cost.timed_decoding import prefill
from prunescope.errors import InputError
from prunescope.evaluation.shared_prefixes import Images
from prunescope.methods import parse_methods
from prunescope.pruning import prune
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import SOURCES

ROOT = Path(__file__).parents[2]
METHODS = parse_methods(
    yaml.safe_load("""
unpruned: []
fastv: [{layer: 1, remove: 0.75, score: {attention: {rope: true}}}]
row: [{layer: 3, remove: 0.5, score: {attention: {query: all-mean, softmax: row}}}]
own: [{layer: 3, remove: 0.5, score: {attention: {rope: true, projections: own}}}]
tower: [{layer: 1, remove: 0.75, score: {tower-attention: {}}}]
feather:
  - {layer: 2, remove: 0.7, score: {attention: {rope: false}}, always: {uniform: {stride: 3}}}
  - {layer: 4, remove: 0.5, power: 2, score: {attention: {rope: false}}}
"""),
    "test",
)


def test_layer_flops_by_hand():
    class Config:
        hidden_size, intermediate_size = 8, 10
        num_attention_heads, num_key_value_heads, head_dim = 4, 2, 2

    # q, o: 8 x 8; k, v: 8 x 4; three of 8 x 10; 3 tokens. Attention: two products of 3 x 3 by 8.
    assert layer_flops(Config, 3) == 2 * 3 * (2 * 64 + 2 * 32 + 3 * 80) + 2 * 2 * 9 * 8


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_prefill_flops_are_those_that_torch_counts(method):
    model, inputs = build_llava(), build_inputs((7,))
    images = Images(model)
    with images.shared(), prune(model, method) as trace:
        prefill(model, inputs)
    counts = [36, *(len(stage[0]) for stage in trace.kept)]
    ours = prefill_flops(method, model.config.text_config, counts, 8, tower_flops(images))
    assert ours == pytest.approx(counted_flops(model, method, inputs, images)[0], rel=0.01)
    assert model.config._attn_implementation == "sdpa"


def test_measure_gives_a_row_per_method(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(10))
    task = read_task(ROOT / "data" / "tasks" / "locate.yaml")
    checkpoint = Checkpoint("tiny", save_model(tmp_path))
    table = measure(checkpoint, task, METHODS, batch_size=3, repeats=3, warmup=1, steps=2)
    table = table.set_index("method")
    assert list(table.index) == list(METHODS)
    assert (table["batch_size"] == 3).all() and (table["visual_tokens"] == 36).all()
    assert table.loc["unpruned", "kept_share"] == 1
    assert table.loc["fastv", "mean_tokens"] == (36 + 5 * 9) / 6
    # Two questions of 8 and one of 7 tokens, 8 floats in each of 2 heads, keys and values.
    text = (2 * 8 + 7) / 3
    assert table.loc["unpruned", "kv_bytes"] == pytest.approx(128 * 6 * (36 + text))
    assert table.loc["fastv", "kv_bytes"] == pytest.approx(128 * ((36 + 5 * 9) + 6 * text))
    assert table["prefill_flops"].idxmax() == "unpruned"
    assert (table["counted_gap"].abs() < 0.01).all()
    # The first prompt is a little shorter than the others.
    assert table["counted_flops"].values == pytest.approx(table["prefill_flops"].values, rel=0.05)
    assert (table["peak_bytes"] > 2**20).all()
    parts = table["vision_ms"] + table["prefill_ms"]
    assert (table["answer_ms"] > 0.9 * parts).all()
    for name in TIMES:
        assert (table[f"{name}_q25"] > 0).all()
        assert (table[f"{name}_q25"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_q75"]).all()


def test_operations_that_torch_counts_otherwise_are_warned_of(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(10))
    task = read_task(ROOT / "data" / "tasks" / "locate.yaml")
    checkpoint = Checkpoint("tiny", save_model(tmp_path))

    def forgetful(method, *sizes):
        return prefill_flops(method, *sizes) * (0.98 if method.name == "fastv" else 1)

    monkeypatch.setattr(measure, "prefill_flops", forgetful)
    methods = {name: METHODS[name] for name in ("unpruned", "fastv")}
    measure(checkpoint, task, methods, batch_size=2, repeats=1, warmup=0, steps=1)
    [said] = [
        each.getMessage() for each in caplog.records if each.name == "prunescope.cost.measure"
    ]
    assert said == "fastv: operations as torch counts them differ by +2.0 %"


@pytest.mark.parametrize("case", CASES, ids=lambda each: each.name)
def test_operations_of_every_family_are_those_that_torch_counts(case):
    model, inputs = case.build("eager"), case.inputs(0)
    methods = {name: METHODS[name] for name in ("unpruned", "fastv")}
    found = _counted(model, inputs, methods, {name: {} for name in methods})
    assert found["fastv"]["counted_flops"] < found["unpruned"]["counted_flops"]
    assert all(abs(each["counted_gap"]) < 0.01 for each in found.values())


def test_oracles_and_replays_are_told(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(10))
    task = read_task(ROOT / "data" / "tasks" / "locate.yaml")
    checkpoint = Checkpoint("tiny", save_model(tmp_path))
    methods = parse_methods(
        {
            "replay": [{"layer": 0, "score": {"replay": {"method": "oracle"}}}],
            "oracle": [{"layer": 2, "keep": 9, "score": {"oracle": {}}}],
        },
        "test",
    )
    table = measure(checkpoint, task, methods, batch_size=3, repeats=1, warmup=0, steps=1)
    assert table["mean_tokens"].tolist() == [9, (2 * 36 + 4 * 9) / 6]


def test_half_a_batch_is_timed_where_a_whole_one_does_not_fit(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(10))
    task = read_task(ROOT / "data" / "tasks" / "locate.yaml")
    checkpoint = Checkpoint("tiny", save_model(tmp_path))
    methods, room = {"fastv": METHODS["fastv"]}, 4

    def cramped(model, inputs):
        if len(inputs["input_ids"]) > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return prefill(model, inputs)

    monkeypatch.setattr(measure, "prefill", cramped)
    sizes = dict(repeats=1, warmup=0, steps=1)
    [row] = measure(checkpoint, task, methods, batch_size=10, **sizes).to_dict("records")
    assert row["batch_size"] == 2 and row["visual_tokens"] == 36
    room = 0
    with pytest.raises(InputError, match="out of memory with one example"):
        measure(checkpoint, task, methods, batch_size=2, **sizes)
