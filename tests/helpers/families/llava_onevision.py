"""LLaVA-OneVision with SigLIP and Qwen2."""

from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionProcessor,
    Qwen2Config,
    SiglipVisionConfig,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from helpers.families.case import TEXT, Case, ImagesOnly, prompt, random_model, tokenizer

PATCH, SIZE = 4, 16
PINPOINTS = [[16, 32], [32, 16], [32, 32], [16, 48], [48, 48]]
ANYRES = "anyres_max_4"  # 48 x 48 has 9 tiles and is shrunk
TOKENIZER = tokenizer(image_token="<image>", video_token="<video>")


class Processor(ImagesOnly, LlavaOnevisionProcessor):
    """Of LlavaOnevision."""


def build(backend: str) -> LlavaOnevisionForConditionalGeneration:
    vision = SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIZE,
        patch_size=PATCH,
        vision_use_head=False,
    )
    config = LlavaOnevisionConfig(
        vision_config=vision,
        text_config=Qwen2Config(**TEXT, vocab_size=len(TOKENIZER), pad_token_id=0),
        image_token_index=TOKENIZER.image_token_id,
        video_token_index=TOKENIZER.video_token_id,
        image_grid_pinpoints=PINPOINTS,
        vision_aspect_ratio=ANYRES,
        tie_word_embeddings=False,
    )
    return random_model(LlavaOnevisionForConditionalGeneration, config, backend)


def processor() -> Processor:
    return Processor(
        LlavaOnevisionImageProcessorPil(
            size={"height": SIZE, "width": SIZE}, image_grid_pinpoints=PINPOINTS
        ),
        TOKENIZER,
        num_image_tokens=(SIZE // PATCH) ** 2,
        vision_feature_select_strategy="full",
        vision_aspect_ratio=ANYRES,
    )


CASE = Case(
    name="llava_onevision",
    build=build,
    processor=processor,
    prompts=(
        prompt("<image> what is this", (20, 50)),
        prompt("the <image> is left of <image> and a box is below", (40, 21), (32, 32), seed=1),
        prompt("where is the dog <image> above or right of the blue box", (60, 50), seed=2),
    ),
)
