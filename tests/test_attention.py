"""Scores of all layers from one unpruned pass."""

import pytest
import torch
from conftest import GRID, IMAGE_TOKEN, build_inputs, build_llava

from prunescope.attention import record_scores, select_topk
from prunescope.criteria.attention import Attention
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.pruning import prune

SIZE = GRID[0] * GRID[1]


def test_shape_and_normalisation(llava):
    scores = record_scores(llava, build_inputs((3, 7)))
    assert scores.shape == (2, 6, 2, SIZE) and scores.dtype == torch.float32
    assert torch.allclose(scores.sum(-1), torch.ones(2, 6, 2), atol=1e-5)
    assert not torch.allclose(scores[:, :, 0], scores[:, :, 1], atol=1e-2)


def test_equal_to_the_attention_weights_of_the_model():
    """Restricted to the image and normalised per head, these are the model's own weights."""
    model, inputs = build_llava(backend="eager"), build_inputs((3, 7))
    scores = record_scores(model, inputs)
    with torch.inference_mode():
        attentions = model(**inputs, output_attentions=True).attentions
    for layer, weights in enumerate(attentions):
        for row in range(2):
            visual = inputs["input_ids"][row] == IMAGE_TOKEN
            last = weights[row, :, -1, visual]  # (heads, n)
            expected = (last / last.sum(-1, keepdim=True)).mean(0)
            assert torch.allclose(scores[row, layer, 0], expected, atol=1e-6)


@pytest.mark.parametrize("layer", [1, 3, 6 - 1])
@pytest.mark.parametrize("query", ["last", "text-mean", "all-mean"])
@pytest.mark.parametrize("heads", ["mean", "max"])
def test_whole_row_equals_the_attention_weights_of_the_model(layer, query, heads):
    """In `prune` too: FastV's definition is a slice of what eager attention puts out."""
    model, inputs = build_llava(backend="eager"), build_inputs((3, 7))
    with torch.inference_mode():
        weights = model(**inputs, output_attentions=True).attentions[layer - 1]
    criterion = Attention(query=query, softmax="row", heads=heads)
    with prune(model, Method("m", (Stage(layer, 9, criterion),))) as trace:
        model(**inputs)
    for row in range(2):
        visual = inputs["input_ids"][row] == IMAGE_TOKEN
        valid = inputs["attention_mask"][row].bool()
        asking = {"last": valid.cumsum(0) == valid.sum(), "text-mean": valid & ~visual,
                  "all-mean": valid}[query]  # fmt: skip
        asked = weights[row][:, asking][:, :, visual]
        received = (asked.mean(0) if heads == "mean" else asked.amax(0)).mean(0)
        assert trace.kept[0][row].tolist() == received.topk(9).indices.sort().values.tolist()


@pytest.mark.parametrize("rope", [True, False])
@pytest.mark.parametrize("layer", [1, 4])
def test_topk_is_what_prune_keeps(llava, rope, layer):
    inputs, stage = build_inputs((3, 7)), Stage(layer, 0.3, Attention(rope=rope))
    scores = record_scores(llava, inputs)[:, layer - 1, 0 if rope else 1]
    with prune(llava, Method("m", (stage,))) as trace:
        llava(**inputs)
    kept = select_topk(scores, stage.count(SIZE))
    assert [row.nonzero()[:, 0].tolist() for row in kept] == [x.tolist() for x in trace.kept[0]]


def test_a_batch_equals_one_by_one(llava):
    inputs = build_inputs((3, 7))
    together = record_scores(llava, inputs)
    for row in range(2):
        valid = inputs["attention_mask"][row].bool()
        alone = record_scores(llava, {
            "input_ids": inputs["input_ids"][row, valid][None],
            "pixel_values": inputs["pixel_values"][row][None],
        })  # fmt: skip
        assert torch.allclose(together[row], alone[0], atol=1e-5)


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


def test_wrong_count(llava):
    scores = torch.rand(2, 9)
    assert select_topk(scores, 9).all() and not select_topk(scores, 0).any()
    with pytest.raises(InputError, match=r"0\.\.9"):
        select_topk(scores, 10)
