"""The arithmetic of FEATHER's published runs is used on request only."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from helpers.testbed_model import save_model
from helpers.tiny_llava import build_inputs, build_llava
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.feather_numerics import RoundedRotary, round_rotary
from prunescope.criteria.attention import Attention
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.pruning import prune

HEADS_OF_128 = LlamaConfig(hidden_size=128, num_attention_heads=1, num_hidden_layers=1)


def test_rounded_angles_are_those_of_autocast():
    rotary, positions = LlamaRotaryEmbedding(HEADS_OF_128), torch.arange(800)[None]
    cos, sin = RoundedRotary(rotary)(torch.zeros(1, dtype=torch.bfloat16), positions)
    with torch.autocast("cpu", torch.bfloat16):
        angles = (rotary.inv_freq[None, :, None] @ positions[:, None].float()).transpose(1, 2)
    assert torch.equal(cos, angles.repeat(1, 1, 2).cos())
    assert torch.equal(sin, angles.repeat(1, 1, 2).sin())


def test_729_image_tokens_have_438_rotations():
    rotary, positions = LlamaRotaryEmbedding(HEADS_OF_128), torch.arange(1, 730)[None]
    rounded = torch.cat(RoundedRotary(rotary)(torch.zeros(1), positions), -1)[0]
    exact = torch.cat(rotary(torch.zeros(1), positions), -1)[0]
    assert (len(rounded.unique(dim=0)), len(exact.unique(dim=0))) == (438, 729)


def test_only_the_rotary_changes():
    model, rounded = build_llava(), build_llava()
    round_rotary(rounded)
    assert model.state_dict().keys() == rounded.state_dict().keys()
    inputs = build_inputs()
    with torch.no_grad():
        gap = (model(**inputs).logits - rounded(**inputs).logits).abs().max()
    assert 0 < gap < 1


def test_other_rotations_are_refused():
    linear = {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}
    config = LlamaConfig(
        hidden_size=32, num_attention_heads=2, num_hidden_layers=1, rope_parameters=linear
    )
    with pytest.raises(InputError, match="numerics: LlamaModel does not have the plain RoPE"):
        round_rotary(LlamaForCausalLM(config))


def kept(model, arithmetic):
    method = Method([Stage(2, Attention(arithmetic=arithmetic), keep=0.3)], "one")
    with prune(model, method) as trace, torch.no_grad():
        model(**build_inputs((5, 9)))
    return torch.stack(list(trace.kept[0]))


def test_in_float32_the_arithmetic_of_the_model_is_the_same():
    model = build_llava()
    assert torch.equal(kept(model, "float32"), kept(model, "model"))


def test_in_bfloat16_the_arithmetic_of_the_model_rounds_scores(monkeypatch):
    seen, score = [], Attention.score
    monkeypatch.setattr(Attention, "score", lambda *args: seen.append(score(*args)) or seen[-1])
    model = build_llava().bfloat16()
    for arithmetic in ("float32", "model"):
        method = Method([Stage(2, Attention(arithmetic=arithmetic), keep=0.3)], "one")
        inputs = build_inputs()
        inputs["pixel_values"] = inputs["pixel_values"].bfloat16()
        with prune(model, method), torch.no_grad():
            model(**inputs)
    exact, rounded = seen
    assert rounded.dtype == torch.float32
    assert torch.equal(rounded, rounded.bfloat16().float())
    assert not torch.equal(exact, exact.bfloat16().float())
    torch.testing.assert_close(exact, rounded, rtol=0.05, atol=1e-3)


def test_a_checkpoint_is_loaded_with_its_numerics(tmp_path):
    folder = save_model(tmp_path)
    exact, rounded = (Checkpoint("tiny", folder, numerics=name) for name in ("exact", "feather"))
    models = [checkpoint.load().model for checkpoint in (exact, rounded)]
    rotaries = [model.model.language_model.rotary_emb for model in models]
    assert [type(rotary) for rotary in rotaries] == [LlamaRotaryEmbedding, RoundedRotary]
    assert exact.to_dict() != rounded.to_dict()
    with pytest.raises(InputError, match="numerics: 'paper' is not one of"):
        Checkpoint("tiny", folder, numerics="paper")
