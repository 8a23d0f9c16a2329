"""Rotary embedding of three axes: where the positions are, which dimensions each axis turns."""

import pytest
import torch
from transformers import (
    Qwen2_5_VLTextConfig,
    Qwen2_5_VLTextModel,
    Qwen2VLTextConfig,
    Qwen2VLTextModel,
    Qwen3VLTextConfig,
    Qwen3VLTextModel,
)

from helpers.families import qwen2_5_vl, qwen2_vl, qwen3_vl
from prunescope.errors import InputError
from prunescope.models import family_of, registry

CASES = [module.CASE for module in (qwen2_vl, qwen2_5_vl, qwen3_vl)]
SIZES = {
    "vocab_size": 8, "hidden_size": 128, "intermediate_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 1, "num_key_value_heads": 1,
}  # fmt: skip
# As in the released models, head_dim 128: chunks of the frequencies, or every third of them.
CHUNKS = [0] * 16 + [1] * 24 + [2] * 24
INTERLEAVED = [0, 1, 2] * 20 + [0] * 4
RELEASED = [
    ("qwen2_vl", Qwen2VLTextModel, Qwen2VLTextConfig, [16, 24, 24], CHUNKS),
    ("qwen2_5_vl", Qwen2_5_VLTextModel, Qwen2_5_VLTextConfig, [16, 24, 24], CHUNKS),
    ("qwen3_vl", Qwen3VLTextModel, Qwen3VLTextConfig, [24, 20, 20], INTERLEAVED),
]

case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def positions_of(model, inputs):
    """(3, batch, seq) position ids that the model itself makes."""
    seen, rotary = [], model.model.language_model.rotary_emb
    with (
        rotary.register_forward_pre_hook(lambda module, args: seen.append(args[1])),
        torch.inference_mode(),
    ):
        model(**inputs)
    return seen[0]


@case
def test_positions_of_the_model_are_rows_and_columns(case):
    model, inputs = case.build("sdpa"), case.inputs(0, 1, 2)
    layout = family_of(model).layout(model, inputs)
    positions = positions_of(model, inputs)
    for example, visual in enumerate(layout.visual):
        temporal, row, column = positions[:, example, visual]
        places = layout.places[example, : int(visual.sum())]
        assert torch.equal(row - temporal, places[:, 0])
        assert torch.equal(column - temporal, places[:, 1])
        assert len(temporal.unique()) == len(layout.grids[example])


@pytest.mark.parametrize("name, cls, config, sections, expected", RELEASED)
def test_axes_of_the_released_models(name, cls, config, sections, expected):
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections}
    decoder = cls(config(**SIZES, rope_parameters=rope))
    assert registry()[name]().rotary_axes(decoder).tolist() == expected * 2


@case
def test_an_axis_turns_its_dimensions_only(case):
    model = case.build("sdpa")
    family, decoder = family_of(model), model.model.language_model
    axes = family.rotary_axes(decoder)
    assert axes.unique().tolist() == [0, 1, 2]
    draw = torch.Generator().manual_seed(0)
    positions = torch.randint(0, 50, (3, 2, 7), generator=draw)
    hidden = torch.zeros(2, 7, 1)
    before = family.rotary(decoder, 0, hidden, positions)
    for axis in range(3):
        moved = positions.clone()
        moved[axis] += torch.randint(1, 3, (2, 7), generator=draw)
        after = family.rotary(decoder, 0, hidden, moved)
        for one, other in zip(before, after, strict=True):
            changed = one.ne(other).any(0).any(0)
            assert torch.equal(changed, axes == axis)


@case
def test_videos_are_refused(case):
    model, inputs = case.build("sdpa"), case.inputs(0)
    inputs["input_ids"][0, -1] = model.config.video_token_id
    with pytest.raises(InputError, match="videos are not supported"):
        family_of(model).layout(model, inputs)
