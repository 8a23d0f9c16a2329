"""Processor of Prismatic's Llama-2 models: their prompts and images, and greedy decoding."""

from pathlib import Path

from transformers import (
    GenerationConfig,
    LlavaConfig,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    SiglipImageProcessorPil,
)

from prunescope.checkpoints.prismatic.tokenizer import IMAGE

CHAT_TEMPLATE = Path(__file__).with_name("chat_template.jinja")
MAX_NEW_TOKENS = 128  # in FEATHER's evaluation


def build_processor(tokenizer: PreTrainedTokenizerFast, config: LlavaConfig) -> LlavaProcessor:
    """Processor that stretches images to squares (`resize-naive`), bicubic, in [-1, 1]."""
    side = config.vision_config.image_size
    image_processor = SiglipImageProcessorPil(
        size={"height": side, "width": side}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return LlavaProcessor(
        image_processor=image_processor,
        tokenizer=tokenizer,
        patch_size=config.vision_config.patch_size,
        vision_feature_select_strategy="full",
        image_token=IMAGE,
        chat_template=CHAT_TEMPLATE.read_text(),
    )


def greedy_decoding(tokenizer: PreTrainedTokenizerFast) -> GenerationConfig:
    """Settings of greedy decoding, as in FEATHER's evaluation."""
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=MAX_NEW_TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
