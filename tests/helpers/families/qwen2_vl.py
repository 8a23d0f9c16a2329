"""Qwen2-VL: 8 x 8 pixels to a visual token."""

from transformers import (
    PreTrainedModel,
    ProcessorMixin,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen2VLProcessor,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from helpers.families.case import TEXT, Case, ImagesOnly, prompt, random_model, tokenizer

IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
VISION = {
    "depth": 2, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2, "initializer_range": 0.15,
}  # fmt: skip
PROMPTS = (
    prompt(f"{IMAGE} what is left of the blue box", (26, 38)),
    prompt(f"the sky above {IMAGE} a cat", (48, 16), seed=1),
    prompt(f"{IMAGE} dog and {IMAGE} red cat in the box below", (16, 24), (32, 40), seed=2),
    prompt(f"where is the green cat {IMAGE}", (40, 56), seed=3),
)


class Processor(ImagesOnly, Qwen2VLProcessor):
    """Of Qwen2-VL."""


def words():
    return tokenizer(
        "<|vision_start|>", "<|vision_end|>",
        image_token="<|image_pad|>", video_token="<|video_pad|>",
    )  # fmt: skip


def processor(cls: type[ProcessorMixin] = Processor) -> ProcessorMixin:
    images = Qwen2VLImageProcessorPil(patch_size=4, merge_size=2, min_pixels=64, max_pixels=4096)
    return cls(images, words())


def special() -> dict[str, int]:
    """The ids of special tokens in a configuration."""
    known = words()
    start, end = known.convert_tokens_to_ids(["<|vision_start|>", "<|vision_end|>"])
    return {
        "image_token_id": known.image_token_id, "video_token_id": known.video_token_id,
        "vision_start_token_id": start, "vision_end_token_id": end, "tie_word_embeddings": False,
    }  # fmt: skip


def text(*sections: int) -> dict:
    """Sizes of a text model; sections: rotary frequencies of each axis."""
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": list(sections)}
    ids = {"bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0}
    return {**TEXT, **ids, "vocab_size": len(words()), "rope_parameters": rope}


def build(backend: str) -> PreTrainedModel:
    vision = {**VISION, "embed_dim": 16, "hidden_size": TEXT["hidden_size"]}
    config = Qwen2VLConfig(text_config=text(2, 1, 1), vision_config=vision, **special())
    return random_model(Qwen2VLForConditionalGeneration, config, backend)


CASE = Case("qwen2_vl", build, processor, PROMPTS)
