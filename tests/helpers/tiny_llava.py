"""A tiny LLaVA and a bare decoder with random weights, and prompts for them."""

import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    SiglipVisionConfig,
)

IMAGE_TOKEN, PAD_TOKEN, GRID = 60, 61, (6, 6)


def build_llava(seed: int = 0, backend: str = "sdpa", depth: int = 6):
    """LLaVA with a SigLIP tower, 6 x 6 visual tokens and grouped-query attention."""
    torch.manual_seed(seed)
    vision = SiglipVisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        image_size=24, patch_size=4, vision_use_head=False,
    )  # fmt: skip
    text = build_config(depth)
    config = LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=IMAGE_TOKEN,
        vision_feature_select_strategy="full", vision_feature_layer=-1,
        tie_word_embeddings=False,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config).eval()
    model.set_attn_implementation(backend)
    model.generation_config.pad_token_id = PAD_TOKEN
    return model


def build_llama(seed: int = 0, backend: str = "sdpa", depth: int = 6):
    """A bare decoder with grouped-query attention."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM(build_config(depth)).eval()
    model.set_attn_implementation(backend)
    return model


def build_config(depth: int) -> LlamaConfig:
    # Larger weights than the default, so that attention is far from uniform.
    return LlamaConfig(
        vocab_size=64, hidden_size=48, intermediate_size=64, num_hidden_layers=depth,
        num_attention_heads=6, num_key_value_heads=2, initializer_range=0.15,
        max_position_embeddings=256, bos_token_id=1, eos_token_id=None, pad_token_id=PAD_TOKEN,
        tie_word_embeddings=False,
    )  # fmt: skip


def build_inputs(lengths=(5,), seed: int = 0) -> dict[str, torch.Tensor]:
    """Prompts with an image each and `lengths` tokens after it, padded on the left."""
    draw = torch.Generator().manual_seed(seed)
    size, longest = GRID[0] * GRID[1], max(lengths)
    rows = [
        [PAD_TOKEN] * (longest - n)
        + [1]
        + [IMAGE_TOKEN] * size
        + torch.randint(2, 60, (n,), generator=draw).tolist()
        for n in lengths
    ]
    input_ids = torch.tensor(rows)
    return {
        "input_ids": input_ids,
        "attention_mask": (input_ids != PAD_TOKEN).long(),
        "pixel_values": torch.randn(len(lengths), 3, 24, 24, generator=draw),
    }


def row_of(inputs, row: int) -> dict[str, torch.Tensor]:
    """One example of a batch without its padding."""
    valid = inputs["attention_mask"][row].bool()
    return {
        "input_ids": inputs["input_ids"][row, valid][None],
        "attention_mask": inputs["attention_mask"][row, valid][None],
        "pixel_values": inputs["pixel_values"][row][None],
    }


def greedy(model, inputs, limit: int) -> torch.LongTensor:
    """Answers (b, at most `limit`), as the stock `generate` gives them."""
    tokens = model.generate(**inputs, max_new_tokens=limit, do_sample=False)
    return tokens[:, inputs["input_ids"].shape[1] :]
