"""Reference: the original model in plain torch, on the weights of `tiny_prismatic`."""

import torch
from torch import Tensor
from torch.nn import functional

from helpers import tiny_prismatic as mini

Weights = dict[str, Tensor]


def logits(token_ids: list[int], picture: Tensor) -> Tensor:
    """Logits (seq, rows) of the first token, the image and the other tokens.

    picture: image tokens (729, text dim), from `project` or `project_fused`.
    """
    llm = mini.llm_weights()
    x = _layers(llm, _embedded(token_ids, picture), mini.TINY.depth)
    return _linear(llm, "llm.lm_head", _rms_norm(llm, "llm.model.norm", x))


def scores(token_ids: list[int], picture: Tensor, layer: int) -> Tensor:
    """FEATHER's phi_-R before `layer`: attention (729,) of the last token to the image."""
    llm, before = mini.llm_weights(), layer - 1
    x = _layers(llm, _embedded(token_ids, picture), before)
    normed = _rms_norm(llm, f"llm.model.layers.{before}.input_layernorm", x)
    q, k = (
        _linear(llm, f"llm.model.layers.{before}.self_attn.{part}_proj", normed).unflatten(
            -1, (mini.TINY.heads, -1)
        )
        for part in "qk"
    )
    attended = torch.einsum("hd,nhd->hn", q[-1], k[1 : 1 + mini.TINY.tokens]) / q.shape[-1] ** 0.5
    return attended.softmax(-1).mean(0)


def project(features: Tensor) -> Tensor:
    """The projector of the model with SigLIP alone."""
    weights = mini.projector_weights()
    hidden = functional.gelu(_linear(weights, "projector.0", features))
    return _linear(weights, "projector.2", hidden)


def project_fused(features: Tensor) -> Tensor:
    """The projector of the model with two towers."""
    weights = mini.projector_weights(fused=True)
    hidden = functional.gelu(_linear(weights, "projector.0", features))
    hidden = functional.gelu(_linear(weights, "projector.2", hidden))
    return _linear(weights, "projector.4", hidden)


def siglip_features(pixels: Tensor) -> Tensor:
    """Features (729, dim) of timm's `get_intermediate_layers(n={len(blocks) - 2})`, not normed.

    pixels: (3, 384, 384), normalised for SigLIP.
    """
    weights = mini.timm_weights()
    x = _patches(weights, pixels) + weights["pos_embed"][0]
    return _blocks(weights, x, mini.VISION_DEPTH - 1, mini.VISION_HEADS)


def dino_features(pixels: Tensor) -> Tensor:
    """Features (729, dim) of DINOv2's patches; class token and registers are left out.

    pixels: (3, 384, 384), normalised for DINOv2.
    """
    weights = mini.timm_dino_weights()
    square = weights["pos_embed"].unflatten(1, (37, 37)).permute(0, 3, 1, 2)
    square = functional.interpolate(square, size=(27, 27), mode="bicubic", antialias=True)
    patches = _patches(weights, pixels) + square[0].flatten(1).T
    x = torch.cat([weights["cls_token"][0], weights["reg_token"][0], patches])
    return _blocks(weights, x, mini.DINO_DEPTH - 1, mini.DINO_HEADS)[-mini.TINY.tokens :]


def _embedded(token_ids: list[int], picture: Tensor) -> Tensor:
    words = mini.llm_weights()["llm.model.embed_tokens.weight"][token_ids]
    return torch.cat([words[:1], picture, words[1:]])


def _patches(weights: Weights, pixels: Tensor) -> Tensor:
    kernel, bias = weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"]
    return functional.conv2d(pixels, kernel, bias, mini.TINY.patch).flatten(1).T


def _blocks(weights: Weights, x: Tensor, count: int, heads: int) -> Tensor:
    """The first blocks of a vision tower, with or without LayerScale."""
    for block in (f"blocks.{i}" for i in range(count)):
        qkv = _linear(weights, f"{block}.attn.qkv", _layer_norm(weights, f"{block}.norm1", x))
        attended = _attend(*qkv.chunk(3, -1), heads, causal=False)
        update = _linear(weights, f"{block}.attn.proj", attended)
        x = x + update * weights.get(f"{block}.ls1.gamma", 1)
        hidden = _linear(weights, f"{block}.mlp.fc1", _layer_norm(weights, f"{block}.norm2", x))
        update = _linear(weights, f"{block}.mlp.fc2", functional.gelu(hidden))
        x = x + update * weights.get(f"{block}.ls2.gamma", 1)
    return x


def _layers(weights: Weights, x: Tensor, count: int) -> Tensor:
    """The first layers of Llama-2 on embeddings (seq, dim)."""
    for layer in (f"llm.model.layers.{i}" for i in range(count)):
        normed = _rms_norm(weights, f"{layer}.input_layernorm", x)
        q, k, v = (_linear(weights, f"{layer}.self_attn.{part}_proj", normed) for part in "qkv")
        attended = _attend(_rotate(q), _rotate(k), v, mini.TINY.heads, causal=True)
        x = x + _linear(weights, f"{layer}.self_attn.o_proj", attended)
        normed = _rms_norm(weights, f"{layer}.post_attention_layernorm", x)
        gate, up = (_linear(weights, f"{layer}.mlp.{part}_proj", normed) for part in ("gate", "up"))
        x = x + _linear(weights, f"{layer}.mlp.down_proj", functional.silu(gate) * up)
    return x


def _attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int, causal: bool) -> Tensor:
    """Attention (seq, heads * d) of queries, keys and values of the same shape."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(0, 1) for x in (queries, keys, values))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores[0]).triu(1).bool(), -torch.inf)
    return (scores.softmax(-1) @ v).transpose(0, 1).flatten(1)


def _rotate(x: Tensor) -> Tensor:
    """Rotary position embedding of (seq, heads * 128) from position 0."""
    frequencies = 10000.0 ** (-torch.arange(64) / 64)
    angles = (torch.arange(len(x))[:, None] * frequencies)[:, None]
    left, right = x.unflatten(-1, (-1, 128)).chunk(2, -1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([left * cos - right * sin, right * cos + left * sin], -1).flatten(1)


def _linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    return functional.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))


def _layer_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    scale, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return functional.layer_norm(x, x.shape[-1:], scale, bias, 1e-6)


def _rms_norm(weights: Weights, name: str, x: Tensor) -> Tensor:
    return weights[f"{name}.weight"] * x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
