"""Operations that are computed are those that torch counts, for every family."""

import pandas as pd
import pytest
import torch
import yaml

from helpers.families import CASES
from helpers.tiny_llava import build_inputs, build_llava
from prunescope.checkpoints.loaded import Loaded
from prunescope.cost import operations as module
from prunescope.cost.flops import counted_flops, layer_flops, prefill_flops, tower_flops
from prunescope.cost.operations import OperationCounter, operations
from prunescope.cost.timed_decoding import prefill
from prunescope.errors import InputError
from prunescope.evaluation.shared_prefixes import Images
from prunescope.methods import parse_methods
from prunescope.pruning import prune

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
FEW = {name: METHODS[name] for name in ("unpruned", "fastv")}


def test_layer_flops_by_hand():
    class Config:
        hidden_size, intermediate_size = 8, 10
        num_attention_heads, num_key_value_heads, head_dim = 4, 2, 2

    # q, o: 8 x 8; k, v: 8 x 4; three of 8 x 10; 3 tokens. Attention: two products of 3 x 3 by 8.
    assert layer_flops(Config, 3) == 2 * 3 * (2 * 64 + 2 * 32 + 3 * 80) + 2 * 2 * 9 * 8


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_prefill_flops_are_those_that_torch_counts(method):
    loaded, inputs = Loaded.of(build_llava()), build_inputs((7,))
    model, images = loaded.model, Images(loaded)
    with images.shared(), prune(model, method) as trace:
        prefill(model, inputs)
    counts = [36, *(len(stage[0]) for stage in trace.kept)]
    ours = prefill_flops(method, model.config.text_config, counts, 8, tower_flops(images))
    assert ours == pytest.approx(counted_flops(loaded, method, inputs, images)[0], rel=0.01)
    assert model.config._attn_implementation == "sdpa"


def test_operations_give_a_row_per_method(checkpoint, task):
    table = operations(checkpoint, task, METHODS, examples=3)
    assert list(table["method"]) == list(METHODS) and set(table["model"]) == {"tiny"}
    table = table.set_index("method")
    assert (table["visual_tokens"] == 36).all()
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


def test_a_gap_to_what_torch_counts_is_logged(checkpoint, task, monkeypatch, caplog):
    def forgetful(method, *sizes):
        return prefill_flops(method, *sizes) * (0.98 if method.name == "fastv" else 1)

    monkeypatch.setattr(module, "prefill_flops", forgetful)
    operations(checkpoint, task, FEW, examples=2)
    messages = [record.getMessage() for record in caplog.records if record.name == module.__name__]
    assert messages == ["fastv: operations that torch counts differ by +2.0 %"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_operations_of_every_family_are_those_that_torch_counts(case, monkeypatch):
    loaded = Loaded.of(case.build("eager"))
    monkeypatch.setattr(OperationCounter, "_inputs", lambda self, batch: case.inputs(0))
    rows = dict(OperationCounter(loaded, None, FEW).counted(None, list(FEW)))
    assert rows["fastv"]["counted_flops"] < rows["unpruned"]["counted_flops"]
    assert all(abs(row["counted_gap"]) < 0.01 for row in rows.values())


def test_oracles_and_replays_get_what_they_need(checkpoint, task):
    methods = parse_methods(
        {
            "replay": [{"layer": 0, "score": {"replay": {"method": "oracle"}}}],
            "oracle": [{"layer": 2, "keep": 9, "score": {"oracle": {}}}],
        },
        "test",
    )
    table = operations(checkpoint, task, methods, examples=3)
    assert table["mean_tokens"].tolist() == [9, (2 * 36 + 4 * 9) / 6]


def test_prompts_that_do_not_fit_together_are_run_in_portions(checkpoint, task, monkeypatch):
    whole = operations(checkpoint, task, FEW, examples=10)
    room = 4

    def cramped(model, inputs):
        if len(inputs["input_ids"]) > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return prefill(model, inputs)

    monkeypatch.setattr(module, "prefill", cramped)
    portions = operations(checkpoint, task, FEW, examples=10)
    pd.testing.assert_frame_equal(portions, whole)
    room = 0
    with pytest.raises(InputError, match="out of memory with one example"):
        operations(checkpoint, task, FEW, examples=2)
