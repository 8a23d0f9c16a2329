"""Gemma 3: 2 x 2 patches pooled to a visual token, sliding windows shorter than an image."""

from torch import nn
from transformers import (
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    Gemma3Processor,
    PreTrainedModel,
)
from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

from helpers.families.case import TEXT, Case, prompt, random_model, tokenizer

IMAGE, SIZE, TOKENS = "<start_of_image>", 32, 16
PROMPTS = (
    prompt(f"{IMAGE} what is left of the blue box", (24, 40)),
    prompt(f"the sky above {IMAGE} a cat", (48, 16), seed=1),
    prompt(f"{IMAGE} dog and {IMAGE} red cat in the box below", (16, 24), (32, 40), seed=2),
    prompt(f"where is the green cat {IMAGE}", (40, 56), seed=3),
)


def words():
    return tokenizer(boi_token=IMAGE, eoi_token="<end_of_image>", image_token="<image_soft_token>")


def processor() -> Gemma3Processor:
    images = Gemma3ImageProcessorPil(size={"height": SIZE, "width": SIZE})
    return Gemma3Processor(images, words(), image_seq_length=TOKENS)


def build(backend: str) -> PreTrainedModel:
    known = words()
    vision = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 2, "image_size": SIZE, "patch_size": 4, "vision_use_head": False,
    }  # fmt: skip
    text = {
        **TEXT, "vocab_size": len(known), "head_dim": 16, "query_pre_attn_scalar": 8,
        "sliding_window": 12, "layer_types": [*["sliding_attention"] * 2, "full_attention"] * 2,
        "bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0,
    }  # fmt: skip
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=TOKENS,
        boi_token_index=known.boi_token_id, eoi_token_index=known.eoi_token_id,
        image_token_index=known.image_token_id, initializer_range=0.15, tie_word_embeddings=False,
    )  # fmt: skip
    model = random_model(Gemma3ForConditionalGeneration, config, backend)
    # It begins as zero, and so would all visual tokens.
    nn.init.normal_(model.model.multi_modal_projector.mm_input_projection_weight, std=0.15)
    return model


CASE = Case("gemma3", build, processor, PROMPTS)
