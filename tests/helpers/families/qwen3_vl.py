"""Qwen3-VL: features of two layers of the vision tower for the first two decoder layers."""

from transformers import (
    PreTrainedModel,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLProcessor,
)

from helpers.families import qwen2_vl as qwen
from helpers.families.case import TEXT, Case, ImagesOnly, random_model


class Processor(ImagesOnly, Qwen3VLProcessor):
    """Of Qwen3-VL."""


def build(backend: str) -> PreTrainedModel:
    vision = {
        **qwen.VISION, "depth": 3, "hidden_size": 16, "intermediate_size": 24,
        "out_hidden_size": TEXT["hidden_size"], "deepstack_visual_indexes": [0, 1],
        "num_position_embeddings": 16,
    }  # fmt: skip
    text = {**qwen.text(2, 1, 1), "head_dim": 8}
    config = Qwen3VLConfig(text_config=text, vision_config=vision, **qwen.special())
    return random_model(Qwen3VLForConditionalGeneration, config, backend)


CASE = Case("qwen3_vl", build, lambda: qwen.processor(Processor), qwen.PROMPTS)
