"""Configuration of a LLaVA, read off the shapes of its tensors."""

import re

from transformers import (
    Dinov2WithRegistersConfig,
    LlamaConfig,
    LlavaConfig,
    PreTrainedTokenizerFast,
    SiglipVisionConfig,
)

from prunescope.architectures.dinosiglip import DinoSiglipVisionConfig, LlavaDinoSiglipConfig
from prunescope.checkpoints.prismatic.tokenizer import IMAGE, check_rows
from prunescope.checkpoints.prismatic.vision import IMAGE_SIZE, TOWER
from prunescope.checkpoints.prismatic.weights import Tensors, shape_of
from prunescope.errors import InputError

# Facts about these backbones that shapes of tensors do not show.
SIGLIP_HEAD, DINO_HEAD = 72, 64
LLAMA_HEAD, LLAMA_CONTEXT, LLAMA_NORM_EPS = 128, 4096, 1e-5
DECODER = "model.language_model."


def configure(tensors: Tensors, tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    """Configuration of the model with these tensors, named as in LLaVA's state."""
    if any(name.startswith(f"{TOWER}dino.") for name in tensors):
        dino, siglip = _dino(tensors, f"{TOWER}dino."), _siglip(tensors, f"{TOWER}siglip.")
        kind, layer = LlavaDinoSiglipConfig, -1
        vision = DinoSiglipVisionConfig(dino_config=dino, siglip_config=siglip)
    else:
        kind, layer = LlavaConfig, -2  # the last block's input without a norm, as in the original
        vision = _siglip(tensors, TOWER)
    return kind(
        vision_config=vision,
        text_config=_llama(tensors, tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=(IMAGE_SIZE // vision.patch_size) ** 2,
        projector_hidden_act="gelu",
        vision_feature_select_strategy="full",
        vision_feature_layer=layer,
        tie_word_embeddings=False,
    )


def _siglip(tensors: Tensors, tower: str) -> SiglipVisionConfig:
    """Configuration of timm's `vit_so400m_patch14_siglip_384`, on which Prismatic was trained.

    Its GELU is exact; google/siglip has the approximation by tanh.
    """
    width, _, patch, _ = shape_of(tensors, f"{tower}embeddings.patch_embedding.weight", 4)
    return SiglipVisionConfig(
        hidden_size=width,
        intermediate_size=shape_of(tensors, f"{tower}encoder.layers.0.mlp.fc1.weight", 2)[0],
        num_hidden_layers=_depth(tensors, f"{tower}encoder.layers"),
        num_attention_heads=_heads(width, SIGLIP_HEAD, "vision tower"),
        image_size=IMAGE_SIZE,
        patch_size=patch,
        hidden_act="gelu",
        layer_norm_eps=1e-6,
        vision_use_head=False,
    )


def _dino(tensors: Tensors, tower: str) -> Dinov2WithRegistersConfig:
    """Configuration of timm's `vit_large_patch14_reg4_dinov2`."""
    name = f"{tower}embeddings.patch_embeddings.projection.weight"
    width, _, patch, _ = shape_of(tensors, name, 4)
    return Dinov2WithRegistersConfig(
        hidden_size=width,
        mlp_ratio=shape_of(tensors, f"{tower}encoder.layer.0.mlp.fc1.weight", 2)[0] // width,
        num_hidden_layers=_depth(tensors, f"{tower}encoder.layer"),
        num_attention_heads=_heads(width, DINO_HEAD, "DINOv2"),
        num_register_tokens=shape_of(tensors, f"{tower}embeddings.register_tokens", 3)[1],
        image_size=IMAGE_SIZE,
        patch_size=patch,
        hidden_act="gelu",
        layer_norm_eps=1e-6,
    )


def _llama(tensors: Tensors, tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    rows, width = shape_of(tensors, f"{DECODER}embed_tokens.weight", 2)
    check_rows(tokenizer, rows)
    first = f"{DECODER}layers.0."
    keys = shape_of(tensors, f"{first}self_attn.k_proj.weight", 2)[0]
    return LlamaConfig(
        vocab_size=rows,
        hidden_size=width,
        intermediate_size=shape_of(tensors, f"{first}mlp.gate_proj.weight", 2)[0],
        num_hidden_layers=_depth(tensors, f"{DECODER}layers"),
        num_attention_heads=_heads(width, LLAMA_HEAD, "language model"),
        num_key_value_heads=_heads(keys, LLAMA_HEAD, "language model's keys"),
        max_position_embeddings=LLAMA_CONTEXT,
        rms_norm_eps=LLAMA_NORM_EPS,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )


def _depth(tensors: Tensors, layers: str) -> int:
    """Number of layers: one more than the highest layer number in the names."""
    matches = (re.match(rf"{re.escape(layers)}\.(\d+)\.", name) for name in tensors)
    return 1 + max(int(match[1]) for match in matches if match)


def _heads(width: int, size: int, part: str) -> int:
    """Number of heads of `size` in a layer of `width`; InputError names the part of the model."""
    if width % size:
        raise InputError(
            f"weights: width {width} of the {part} is not a multiple of its head size {size}"
        )
    return width // size
