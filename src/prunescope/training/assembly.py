"""Assembly of the trained parts as a stock LLaVA, in a folder for `from_pretrained`."""

import hashlib
from pathlib import Path

import torch
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedModel,
    SiglipImageProcessorPil,
)

from prunescope.testbed.scenes import PATCH, SIDE
from prunescope.training.reader import Projector
from prunescope.training.vocabulary import ID, build_tokenizer

# Weights are stored in two bytes and used in float32.
STORED, USED = torch.float16, torch.float32


def llava_config(tower: PreTrainedConfig, decoder: LlamaConfig) -> LlavaConfig:
    """Configuration of a LLaVA that takes all 144 features of the tower's last block."""
    return LlavaConfig(
        vision_config=tower,
        text_config=decoder,
        image_token_index=ID["<image>"],
        projector_hidden_act="gelu",
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        tie_word_embeddings=False,
    )


def assemble(
    tower: PreTrainedModel, projector: Projector, decoder: LlamaForCausalLM
) -> LlavaForConditionalGeneration:
    """One model with the weights of the three parts, rounded to the precision of storage."""
    model = LlavaForConditionalGeneration(llava_config(tower.config, decoder.config))
    model.model.vision_tower.load_state_dict(tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(projector.state_dict())
    model.model.language_model.load_state_dict(decoder.model.state_dict())
    model.lm_head.load_state_dict(decoder.lm_head.state_dict())
    return model.to(STORED).to(USED).eval()


def build_processor() -> LlavaProcessor:
    """Processor that resizes images to 96 x 96, in [-1, 1], and turns "<image>" into 144 tokens."""
    images = SiglipImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=build_tokenizer(),
        patch_size=PATCH,
        vision_feature_select_strategy="full",
        image_token="<image>",
    )


def save(model: LlavaForConditionalGeneration, folder: Path) -> str:
    """Write model, processor and `weights.sha256`; returns the SHA-256 of the weights."""
    model.generation_config = GenerationConfig(
        do_sample=False,
        bos_token_id=ID["<bos>"],
        eos_token_id=ID["<eos>"],
        pad_token_id=ID["<pad>"],
    )
    model.to(STORED).save_pretrained(folder)
    model.to(USED).config.dtype = USED
    for part in (model.config.text_config, model.config.vision_config):
        part.dtype = USED
    # Saving the weights wrote a configuration with their dtype; this one says float32.
    model.config.save_pretrained(folder)
    build_processor().save_pretrained(folder)
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "weights.sha256").write_text(f"{weights}  model.safetensors\n")
    return weights
