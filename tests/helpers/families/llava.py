"""LLaVA-1.5 with CLIP, and with a tower whose grid is no square."""

from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    MistralConfig,
    PreTrainedConfig,
    ViTConfig,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from helpers.families.case import TEXT, Case, prompt, random_model, tokenizer

PATCH = 4
TOKENIZER = tokenizer(image_token="<image>")
VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "patch_size": PATCH,
}
PROMPTS = (
    prompt("<image> what is this", (24, 36)),
    prompt("the <image> is left of <image> and a red box is below the two", (30, 24), (24, 24)),
    prompt("where is the dog <image> above or right of the blue box and the sky", (40, 40), seed=1),
)


def build(vision: PreTrainedConfig, text: PreTrainedConfig, backend: str):
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=TOKENIZER.image_token_id,
        tie_word_embeddings=False,
    )
    return random_model(LlavaForConditionalGeneration, config, backend)


def processor(height: int, width: int) -> LlavaProcessor:
    size = {"height": height, "width": width}
    return LlavaProcessor(
        CLIPImageProcessorPil(size=size, crop_size=size),
        TOKENIZER,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


CASE = Case(
    name="llava",
    build=lambda backend: build(
        CLIPVisionConfig(**VISION, image_size=24),
        LlamaConfig(**TEXT, vocab_size=len(TOKENIZER), pad_token_id=0),
        backend,
    ),
    processor=lambda: processor(24, 24),
    prompts=PROMPTS,
)
WIDE = Case(
    name="llava-wide",
    build=lambda backend: build(
        ViTConfig(**VISION, image_size=(20, 28)),
        MistralConfig(**TEXT, vocab_size=len(TOKENIZER), pad_token_id=0, sliding_window=20),
        backend,
    ),
    processor=lambda: processor(20, 28),
    prompts=PROMPTS,
)
