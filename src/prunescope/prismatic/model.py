"""A stock LLaVA that computes what a Prismatic VLM computes."""

import json
import re
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
    SiglipVisionConfig,
)

from prunescope.errors import InputError
from prunescope.prismatic.tokenizer import IMAGE, check_rows

# What the checkpoint's config.json may say. Others differ in more than their sizes: in the
# projector (fused-gelu-mlp), the towers (DINOv2 + SigLIP), the prompts or the resizing.
SUPPORTED = {
    "arch_specifier": ("no-align+gelu-mlp", "gelu-mlp"),
    "vision_backbone_id": ("siglip-vit-so400m-384px",),
    "llm_backbone_id": ("llama2-7b-pure", "llama2-13b-pure"),
    "image_resize_strategy": ("resize-naive",),
}
# What the tensors do not tell of these backbones.
IMAGE_SIZE, VISION_HEAD = 384, 72
LLAMA_HEAD, LLAMA_CONTEXT, LLAMA_NORM_EPS = 128, 4096, 1e-5

TOWER, DECODER = "model.vision_tower", "model.language_model"


def check_supported(path: Path) -> None:
    """Raise InputError if the config.json of a checkpoint names parts that are not supported."""
    try:
        settings = dict(json.loads(path.read_text())["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected a JSON file with `model`: {error!r}") from None
    for key, allowed in SUPPORTED.items():
        if settings.get(key) not in allowed:
            raise InputError(
                f"{path}: model.{key}: {settings.get(key)!r} is not supported; "
                f"supported: {list(allowed)}"
            )


def configure(tensors: dict[str, Tensor], tokenizer: PreTrainedTokenizerFast) -> LlavaConfig:
    """The configuration of the model with these tensors, by the names of LLaVA's state."""
    vision = _vision_config(tensors)
    return LlavaConfig(
        vision_config=vision,
        text_config=_text_config(tensors, tokenizer),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        image_seq_length=(IMAGE_SIZE // vision.patch_size) ** 2,
        projector_hidden_act="gelu",
        vision_feature_select_strategy="full",
        vision_feature_layer=-2,  # the input of the last block, as the original has it, no norm
        tie_word_embeddings=False,
    )


def assemble(
    config: LlavaConfig, tensors: dict[str, Tensor], dtype: torch.dtype | None = None
) -> LlavaForConditionalGeneration:
    """The model with these tensors, not copied unless their dtype changes.

    dtype: None: that of the token embeddings. InputError names tensors that are missing,
    unexpected or of another shape.
    """
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(config)
    _check(tensors, {name: t.shape for name, t in model.state_dict().items()})
    dtype = dtype or tensors[f"{DECODER}.embed_tokens.weight"].dtype
    model.load_state_dict({name: t.to(dtype) for name, t in tensors.items()}, assign=True)
    return model.eval()


def _vision_config(tensors: dict[str, Tensor]) -> SiglipVisionConfig:
    """timm's `vit_so400m_patch14_siglip_384`, whose GELU is exact (that of google/siglip is the
    approximation by tanh): Prismatic's projector and Llama were trained on it."""
    width, _, patch, _ = _shape(tensors, f"{TOWER}.embeddings.patch_embedding.weight", 4)
    return SiglipVisionConfig(
        hidden_size=width,
        intermediate_size=_shape(tensors, f"{TOWER}.encoder.layers.0.mlp.fc1.weight", 2)[0],
        num_hidden_layers=_depth(tensors, f"{TOWER}.encoder.layers"),
        num_attention_heads=_heads(width, VISION_HEAD, "vision tower"),
        image_size=IMAGE_SIZE,
        patch_size=patch,
        hidden_act="gelu",
        layer_norm_eps=1e-6,
        vision_use_head=False,
    )


def _text_config(tensors: dict[str, Tensor], tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    rows, width = _shape(tensors, f"{DECODER}.embed_tokens.weight", 2)
    check_rows(tokenizer, rows)
    first = f"{DECODER}.layers.0"
    keys = _shape(tensors, f"{first}.self_attn.k_proj.weight", 2)[0]
    return LlamaConfig(
        vocab_size=rows,
        hidden_size=width,
        intermediate_size=_shape(tensors, f"{first}.mlp.gate_proj.weight", 2)[0],
        num_hidden_layers=_depth(tensors, f"{DECODER}.layers"),
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


def _shape(tensors: dict[str, Tensor], name: str, axes: int) -> torch.Size:
    if name not in tensors:
        raise InputError(f"weights: {name} is missing")
    if tensors[name].ndim != axes:
        raise InputError(f"weights: {name} has {tensors[name].ndim} axes, not {axes}")
    return tensors[name].shape


def _depth(tensors: dict[str, Tensor], layers: str) -> int:
    """One more than the highest number of a layer."""
    found = (re.match(rf"{re.escape(layers)}\.(\d+)\.", name) for name in tensors)
    return 1 + max(int(match[1]) for match in found if match)


def _heads(width: int, size: int, what: str) -> int:
    if width % size:
        raise InputError(f"weights: width {width} of the {what} is no multiple of {size}, its head")
    return width // size


def _check(given: dict[str, Tensor], needed: dict[str, torch.Size]) -> None:
    shapes = [
        f"{name} {tuple(given[name].shape)}, not {tuple(shape)}"
        for name, shape in needed.items()
        if name in given and given[name].shape != shape
    ]
    wrong = {
        "missing": sorted(set(needed) - set(given)),
        "unexpected": sorted(set(given) - set(needed)),
        "of another shape": shapes,
    }
    if any(wrong.values()):
        found = "; ".join(f"{what}: {', '.join(names)}" for what, names in wrong.items() if names)
        raise InputError(f"weights: {found}")
