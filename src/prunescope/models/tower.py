"""Attention in vision towers that are built like CLIP."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LIKE_CLIP = ("clip_vision_model", "siglip_vision_model")


def attention_of(tower: nn.Module, feature_layer: int | Sequence[int]) -> nn.Module | None:
    """The attention module of the layer whose output is a tower's `hidden_states[feature_layer]`.

    Of several feature layers, the last one counts. None if the tower is not built like CLIP.
    """
    if tower.config.model_type not in LIKE_CLIP:
        return None
    index = feature_layer if isinstance(feature_layer, int) else feature_layer[-1]
    if index == 0:  # the embeddings, before any layer
        return None
    layers = getattr(tower, "vision_model", tower).encoder.layers
    return layers[index if index < 0 else index - 1].self_attn


def received(attention: nn.Module, queries: Tensor, keys: Tensor, patches: int) -> Tensor:
    """(tiles, patches) float32 attention that each patch receives, mean over heads.

    It comes from the class token, the first of the tokens, if the tower has one; otherwise it is
    the mean over all patches. queries, keys: (tiles, tokens, dim), outputs of `q_proj` and `k_proj`
    of the attention module.
    """
    first = queries.shape[1] - patches  # 1 with a class token, else 0
    queries = queries[:, :first] if first else queries
    queries, keys = (x.float().unflatten(-1, (-1, attention.head_dim)) for x in (queries, keys))
    # Tile by tile, since the attention maps of all patches are large.
    with torch.autocast(queries.device.type, enabled=False):
        maps = [
            (q.transpose(0, 1) @ k.permute(1, 2, 0) * attention.scale).softmax(-1).mean((0, 1))
            for q, k in zip(queries, keys, strict=True)
        ]
    return torch.stack(maps)[:, first:]


def received_flops(queries: Tensor, patches: int) -> int:
    """Operations of `received`, one product of matrices for each tile; same arguments."""
    tiles, tokens, width = queries.shape
    return 2 * tiles * (tokens - patches or tokens) * tokens * width
