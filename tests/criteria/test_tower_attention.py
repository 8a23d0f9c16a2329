"""Attention that visual tokens get in the vision tower, against what the tower itself puts out."""

import pytest
import torch

from helpers.families import CASES
from helpers.tiny_llava import build_inputs, build_llava
from prunescope.criteria.tower_attention import TowerAttention
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.models import family_of
from prunescope.pruning import prune
from prunescope.testing.selections import look
from prunescope.testing.trial import prefill

CLIP = next(case for case in CASES if case.name == "llava")
VIT = next(case for case in CASES if case.name == "llava-wide")
METHOD = Method([Stage(0, TowerAttention(), keep=9)], "m")


def attention_maps(model, pixels):
    """By layer (images, heads, tokens, tokens)."""
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        return model.model.vision_tower(pixels, output_attentions=True).attentions


@pytest.mark.parametrize(("chosen", "index"), [(-1, -1), (-2, -2), (1, 0), ([-1, 1], 0)])
def test_class_token_attends_in_the_layer_of_the_features(chosen, index):
    model, inputs = CLIP.build("sdpa"), CLIP.inputs(0)
    model.config.vision_feature_layer = chosen
    tower = family_of(model).tower(model)
    assert tower is model.model.vision_tower.encoder.layers[index].self_attn
    if isinstance(chosen, int):
        seen = look(model, inputs, 1, "received").received
        maps = attention_maps(model, inputs["pixel_values"])[index]
        torch.testing.assert_close(seen, maps[:, :, 0, 1:].mean(1))


def test_without_a_class_token_all_patches_attend(backend):
    model, inputs = build_llava(backend=backend), build_inputs((5, 7))
    seen = look(model, inputs, 0, "received").received
    maps = attention_maps(model, inputs["pixel_values"])[-1]
    torch.testing.assert_close(seen, maps.mean((1, 2)))
    torch.testing.assert_close(seen.sum(1), torch.ones(2))


def test_the_tokens_that_get_most_are_kept():
    model, inputs = build_llava(), build_inputs((5, 7))
    with prune(model, METHOD) as trace:
        prefill(model, inputs)
    order = attention_maps(model, inputs["pixel_values"])[-1].mean((1, 2)).argsort(descending=True)
    for row, kept in enumerate(trace.kept[0]):
        assert kept.tolist() == sorted(order[row, :9].tolist())


def test_other_towers_are_refused():
    model = VIT.build("sdpa")
    message = "tower-attention needs the attention of a vision tower like CLIP or SigLIP; Llava"
    with pytest.raises(InputError, match=message), prune(model, METHOD):
        pass
    model = CLIP.build("sdpa")
    model.config.vision_feature_layer = 0  # before all layers
    with pytest.raises(InputError, match="needs the attention"), prune(model, METHOD):
        pass
