"""LLaVA with the two towers and the projector of Prismatic's fused models."""

from transformers import (
    Dinov2WithRegistersConfig,
    LlamaConfig,
    LlavaProcessor,
    SiglipImageProcessorPil,
    SiglipVisionConfig,
)

from helpers.families.case import TEXT, Case, random_model
from helpers.families.llava import PATCH, PROMPTS, TOKENIZER
from prunescope.architectures.dinosiglip import (
    DinoSiglipVisionConfig,
    LlavaDinoSiglipConfig,
    LlavaDinoSiglipForConditionalGeneration,
)

SIZE = 24
TOWER = {"num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": PATCH, "image_size": SIZE}


def build(backend: str):
    config = LlavaDinoSiglipConfig(
        vision_config=DinoSiglipVisionConfig(
            dino_config=Dinov2WithRegistersConfig(**TOWER, hidden_size=32, mlp_ratio=2),
            siglip_config=SiglipVisionConfig(**TOWER, hidden_size=24, intermediate_size=40),
        ),
        text_config=LlamaConfig(**TEXT, vocab_size=len(TOKENIZER), pad_token_id=0),
        image_token_index=TOKENIZER.image_token_id,
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )
    return random_model(LlavaDinoSiglipForConditionalGeneration, config, backend)


def processor() -> LlavaProcessor:
    return LlavaProcessor(
        SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE}),
        TOKENIZER,
        patch_size=PATCH,
        vision_feature_select_strategy="full",
    )


CASE = Case(name="llava-dinosiglip", build=build, processor=processor, prompts=PROMPTS)
