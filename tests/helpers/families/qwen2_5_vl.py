"""Qwen2.5-VL: attention windows of 2 x 2 visual tokens in the vision tower."""

from transformers import (
    PreTrainedModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
)

from helpers.families import qwen2_vl as qwen
from helpers.families.case import TEXT, Case, ImagesOnly, random_model


class Processor(ImagesOnly, Qwen2_5_VLProcessor):
    """Of Qwen2.5-VL."""


def build(backend: str) -> PreTrainedModel:
    vision = {
        **qwen.VISION, "hidden_size": 16, "intermediate_size": 24, "window_size": 16,
        "out_hidden_size": TEXT["hidden_size"], "fullatt_block_indexes": [1],
    }  # fmt: skip
    text = qwen.text(2, 1, 1)
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, **qwen.special())
    return random_model(Qwen2_5_VLForConditionalGeneration, config, backend)


CASE = Case("qwen2_5_vl", build, lambda: qwen.processor(Processor), qwen.PROMPTS)
