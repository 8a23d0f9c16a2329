"""InternVL with its own vision tower: on Qwen2, and on Qwen3 as version 3.5."""

from functools import partial

from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLProcessor,
    InternVLVisionConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

from helpers.families.case import TEXT, Case, ImagesOnly, prompt, random_model, tokenizer

PATCH, SIZE = 4, 16
TOKENIZER = tokenizer(
    context_image_token="<IMG_CONTEXT>",
    start_image_token="<img>",
    end_image_token="</img>",
    video_token="<video>",
)


class Processor(ImagesOnly, InternVLProcessor):
    """Of InternVL."""


def build(text: type[PreTrainedConfig], backend: str) -> InternVLForConditionalGeneration:
    vision = InternVLVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIZE,
        patch_size=PATCH,
    )
    config = InternVLConfig(
        vision_config=vision,
        text_config=text(**TEXT, head_dim=8, vocab_size=len(TOKENIZER), pad_token_id=0),
        image_token_id=TOKENIZER.context_image_token_id,
        tie_word_embeddings=False,
    )
    return random_model(InternVLForConditionalGeneration, config, backend)


def processor() -> Processor:
    return Processor(
        GotOcr2ImageProcessorPil(size={"height": SIZE, "width": SIZE}, max_patches=6),
        TOKENIZER,
        image_seq_length=(SIZE // PATCH // 2) ** 2,
    )


PROMPTS = (
    prompt("<IMG_CONTEXT> what is this", (20, 30)),
    prompt("the <IMG_CONTEXT> is left of <IMG_CONTEXT> and a box", (30, 15), (16, 16), seed=1),
    prompt("where is the dog <IMG_CONTEXT> above or right of the box", (15, 60), seed=2),
)
QWEN2 = Case("internvl", partial(build, Qwen2Config), processor, PROMPTS)
QWEN3 = Case("internvl-qwen3", partial(build, Qwen3Config), processor, PROMPTS)
