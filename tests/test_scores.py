"""Scores of all layers from one unpruned pass."""

import pytest
import torch

from helpers.families import CASES
from helpers.tiny_llava import GRID, build_inputs, build_llava
from helpers.trials import trial
from prunescope.criteria.attention import Attention
from prunescope.errors import InputError
from prunescope.scores import record_scores, select_topk

SIZE = GRID[0] * GRID[1]


def test_shape_and_normalisation(llava):
    scores = record_scores(llava, build_inputs((3, 7)))
    assert scores.shape == (2, 6, 2, SIZE) and scores.dtype == torch.float32
    assert torch.allclose(scores.sum(-1), torch.ones(2, 6, 2), atol=1e-5)
    assert not torch.allclose(scores[:, :, 0], scores[:, :, 1], atol=1e-2)


def test_the_model_stays_as_it_is(llava):
    inputs = build_inputs()
    logits = llava(**inputs).logits
    record_scores(llava, inputs)
    assert torch.equal(llava(**inputs).logits, logits)
    projection = llava.model.language_model.layers[2].self_attn.k_proj
    assert not projection._forward_hooks


def test_reduced_precision_gives_float32_scores():
    model, inputs = build_llava().to(torch.bfloat16), build_inputs()
    inputs["pixel_values"] = inputs["pixel_values"].to(torch.bfloat16)
    scores = record_scores(model, inputs)
    assert scores.dtype == torch.float32
    assert len(scores[0, 2, 1].unique()) > 0.9 * SIZE  # few ties


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_of_the_mean_key_is_the_score_where_all_keys_are_the_same(case):
    one = trial(case)
    alone = record_scores(one.model, one.inputs, variants=[Attention(keys="mean")])[:, 0, 0]
    visual = one.layout.visual

    def average(module, args, keys):
        by_token = one.family.split_heads(one.decoder.layers[0], keys)  # a view
        for row, columns in enumerate(visual):
            by_token[row, columns] = by_token[row, columns].mean(0)
        return keys

    _, keys = one.family.projections(one.decoder.layers[0])
    with keys.register_forward_hook(average):
        scores = record_scores(one.model, one.inputs)[:, 0]
    torch.testing.assert_close(alone, scores[:, 0], rtol=0, atol=1e-5)
    for row, n in enumerate(one.full):  # the same to all that it sees without RoPE
        assert len(scores[row, 1, :n].mul(1e4).round().unique()) <= 2


def test_of_the_mean_key_without_rope_is_refused():
    with pytest.raises(InputError, match="keys: 'mean' only goes with rope: true"):
        Attention(rope=False, keys="mean")


def test_wrong_count(llava):
    scores = torch.rand(2, 9)
    assert select_topk(scores, 9).all() and not select_topk(scores, 0).any()
    with pytest.raises(InputError, match=r"0\.\.9"):
        select_topk(scores, 10)
