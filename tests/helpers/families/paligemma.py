"""PaliGemma: Gemma as text model."""

from transformers import (
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PaliGemmaProcessor,
    PreTrainedModel,
)
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from helpers.families.case import TEXT, Case, prompt, random_model, tokenizer

IMAGE, SIZE, PATCH = "<image>", 20, 4
PROMPTS = (
    prompt(f"{IMAGE} what is left of the blue box", (24, 40)),
    prompt(f"{IMAGE} the sky above a cat", (48, 16), seed=1),
    prompt(f"{IMAGE}{IMAGE} dog and red cat in the box below", (16, 24), (32, 40), seed=2),
    prompt(f"{IMAGE} where is the green cat", (40, 56), seed=3),
)
VISION = {
    "model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 48,
    "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": SIZE, "patch_size": PATCH,
    "vision_use_head": False,
}  # fmt: skip


class Processor(PaliGemmaProcessor):
    """Without labels, which the model wants to be as long as its logits."""

    def __call__(self, *args, **kwargs):
        batch = super().__call__(*args, **kwargs)
        batch.pop("labels", None)
        return batch


def words():
    return tokenizer(image_token=IMAGE)


def processor() -> Processor:
    images = SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    images.image_seq_length = (SIZE // PATCH) ** 2
    return Processor(images, words())


def build(backend: str, **text) -> PreTrainedModel:
    """text: of the text model; without: Gemma."""
    known = words()
    sizes = {
        **TEXT, "model_type": "gemma", "vocab_size": len(known), "head_dim": 16,
        "bos_token_id": 1, "eos_token_id": None, "pad_token_id": 0,
    }  # fmt: skip
    config = PaliGemmaConfig(
        text_config={**sizes, **text}, vision_config=VISION, projection_dim=TEXT["hidden_size"],
        image_token_index=known.image_token_id, initializer_range=0.15, tie_word_embeddings=False,
    )  # fmt: skip
    return random_model(PaliGemmaForConditionalGeneration, config, backend)


CASE = Case("paligemma", build, processor, PROMPTS)
