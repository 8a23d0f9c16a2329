"""Branches that share computation give what each gives alone, in every family."""

from collections import Counter

import pytest
import torch

from helpers.families import CASES
from helpers.joined import METHODS, SAME, check_joined
from helpers.tiny_llava import build_inputs, build_llava, greedy
from prunescope.checkpoints.loaded import Loaded
from prunescope.cost.timed_decoding import continued, prefill
from prunescope.criteria.attention import Attention
from prunescope.evaluation.shared_prefixes import Images, Tree
from prunescope.methods import parse_methods
from prunescope.pruning import prune
from prunescope.testing.trial import generate

case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@torch.inference_mode()
@case
def test_every_branch_is_what_prune_and_generate_give_alone(case):
    model, inputs = case.build("sdpa"), case.inputs(*range(len(case.prompts)))
    tree, different = Tree(Loaded.of(model), METHODS.values()), set()
    for method in tree.methods:
        with tree.prune(method) as shared:
            tokens, logits = generate(model, inputs)
        with prune(model, method) as alone:
            assert_equal((tokens, logits), generate(model, inputs))
        assert kept(shared) == kept(alone) and shared.kv_lengths == alone.kv_lengths
        different.add(logits.numpy().tobytes())
    assert not tree.runs
    assert len(different) == len(METHODS) - len(SAME)


@pytest.mark.parametrize("backend", ["sdpa", "eager"])
@case
def test_branches_that_are_decoded_together_go_on_as_each_does_alone(case, backend):
    check_joined(case.build(backend), case.inputs(*range(len(case.prompts))))


@torch.inference_mode()
def test_nothing_is_computed_twice(monkeypatch):
    model, inputs = build_llava(), build_inputs((5, 7))
    decoder, methods = model.model.language_model, METHODS.values()
    calls = Counter()
    for index, layer in enumerate(decoder.layers):
        layer.mlp.register_forward_hook(lambda *args, index=index: calls.update([index]))
    model.model.vision_tower.register_forward_hook(lambda *args: calls.update(["tower"]))
    scored, score = [], Attention.score
    monkeypatch.setattr(Attention, "score", lambda *args: scored.append(1) or score(*args))
    tree = Tree(Loaded.of(model), methods)
    for method in tree.methods:
        with tree.prune(method):
            greedy(model, inputs, 1)
    branches = ["", "first", "fastv", "compact", "ensemble", "shuffled", "reversed", "transposed"]
    late = ["fastv", "compact", "ensemble", "shuffled", "reversed"]
    assert calls == {
        "tower": 1,
        0: 4,  # "first", "reversed" and "transposed" begin here
        1: 5,  # and "shuffled"
        2: 7,
        3: len(branches),
        4: len(branches) + len(late),
        5: len(branches) + len(late) + 1,  # "then-later"
    }
    assert len(scored) == 3 + len(late) + 1  # first, fastv, compact


@pytest.mark.parametrize("seeing", ["knn", "tower-attention"])
@torch.inference_mode()
def test_images_that_are_shared_are_those_of_the_batch(monkeypatch, seeing):
    """Holds for criteria that see the features or the attention of the tower, too."""
    model, inputs = build_llava(), build_inputs((5, 7))
    stages = [{"layer": 1, "keep": 9, "score": {seeing: {}}}]
    method = parse_methods({seeing: stages}, "test")[seeing]
    with prune(model, method) as alone:
        tokens = greedy(model, inputs, 2)
    images = Images(Loaded.of(model))
    for _ in range(2):
        with images.shared(), prune(model, method) as shared:
            assert torch.equal(greedy(model, inputs, 2), tokens)
        assert kept(shared) == kept(alone)
        monkeypatch.setattr(model.model.vision_tower, "forward", None)


@torch.inference_mode()
@case
def test_the_parts_of_an_answer_are_those_of_generate(case):
    model, inputs = case.build("sdpa"), case.inputs(*range(len(case.prompts)))
    model.generation_config.eos_token_id = None
    for name in ("unpruned", "compact"):
        with prune(model, METHODS[name]):
            token, cache = prefill(model, inputs)
            rest = continued(model, inputs["attention_mask"], token, cache, 2)
        with prune(model, METHODS[name]):
            assert torch.equal(greedy(model, inputs, 3), torch.cat([token, rest], 1))


def kept(trace):
    return [[example.tolist() for example in stage] for stage in trace.kept]


def assert_equal(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
