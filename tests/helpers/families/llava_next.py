"""LLaVA-NeXT with CLIP and Mistral."""

from transformers import (
    CLIPVisionConfig,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextProcessor,
    MistralConfig,
)
from transformers.models.llava_next.image_processing_pil_llava_next import (
    LlavaNextImageProcessorPil,
)

from helpers.families.case import TEXT, Case, prompt, random_model, tokenizer

PATCH, SIZE = 4, 16
PINPOINTS = [[16, 32], [32, 16], [32, 32], [16, 48], [48, 16]]
TOKENIZER = tokenizer(image_token="<image>")


def build(backend: str) -> LlavaNextForConditionalGeneration:
    vision = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=SIZE,
        patch_size=PATCH,
    )
    text = MistralConfig(**TEXT, vocab_size=len(TOKENIZER), pad_token_id=0, sliding_window=None)
    config = LlavaNextConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=TOKENIZER.image_token_id,
        image_grid_pinpoints=PINPOINTS,
        tie_word_embeddings=False,
    )
    return random_model(LlavaNextForConditionalGeneration, config, backend)


def processor() -> LlavaNextProcessor:
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": SIZE},
        crop_size={"height": SIZE, "width": SIZE},
        image_grid_pinpoints=PINPOINTS,
    )
    return LlavaNextProcessor(
        images,
        TOKENIZER,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )


CASE = Case(
    name="llava_next",
    build=build,
    processor=processor,
    prompts=(
        prompt("<image> what is this", (20, 50)),  # rows that only pad are taken away
        prompt("the <image> is left of <image> and a box is below", (40, 21), (32, 32), seed=1),
        prompt("where is the dog <image> above or right of the blue box", (16, 33), seed=2),
    ),
)
