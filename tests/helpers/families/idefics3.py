"""Idefics3 and SmolVLM, each with Llama."""

from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)
from transformers.image_processing_backends import PilBackend
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

from helpers.families.case import TEXT, Case, prompt, random_model, tokenizer

PATCH, SIZE = 4, 24
TAGS = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
TOKENIZER = tokenizer(
    "<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>", *TAGS
)
PROMPTS = (
    prompt("<image> what is this", (40, 30)),
    prompt("the <image> is left of <image> and a box", (48, 20), (24, 24), seed=1),
    prompt("where is the dog <image> above or right of the blue box", (20, 50), seed=2),
)


def build(
    model: type[PreTrainedModel], config: type[PreTrainedConfig], backend: str
) -> PreTrainedModel:
    vision = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": SIZE,
        "patch_size": PATCH,
    }
    filled = config(
        vision_config=vision,
        text_config=LlamaConfig(**TEXT, vocab_size=len(TOKENIZER), pad_token_id=0),
        image_token_id=TOKENIZER.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    return random_model(model, filled, backend)


def processor(images: type[PilBackend]) -> Idefics3Processor:
    side = SIZE // PATCH // 2
    return Idefics3Processor(
        images(size={"longest_edge": 2 * SIZE}, max_image_size={"longest_edge": SIZE}),
        TOKENIZER,
        image_seq_len=side * side,
    )


CASE = Case(
    name="idefics3",
    build=lambda backend: build(Idefics3ForConditionalGeneration, Idefics3Config, backend),
    processor=lambda: processor(Idefics3ImageProcessorPil),
    prompts=PROMPTS,
)
# SmolVLM's own processor needs a package for numbers in words, for videos only; it writes prompts
# with images as that of Idefics3 does.
SMOLVLM = Case(
    name="smolvlm",
    build=lambda backend: build(SmolVLMForConditionalGeneration, SmolVLMConfig, backend),
    processor=lambda: processor(SmolVLMImageProcessorPil),
    prompts=PROMPTS,
)
