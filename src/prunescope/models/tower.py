"""Vision towers that are built like CLIP, and what their patches attend to."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LIKE_CLIP = ("clip_vision_model", "siglip_vision_model")


def attention_of(tower: nn.Module, feature_layer: int | Sequence[int]) -> nn.Module | None:
    """The attention module of the layer whose output is `hidden_states[feature_layer]` of a
    tower, the last of them if there are several; None if the tower is not built like CLIP."""
    if tower.config.model_type not in LIKE_CLIP:
        return None
    index = feature_layer if isinstance(feature_layer, int) else feature_layer[-1]
    if index == 0:  # the embeddings
        return None
    layers = getattr(tower, "vision_model", tower).encoder.layers
    return layers[index if index < 0 else index - 1].self_attn


def received(attention: nn.Module, queries: Tensor, keys: Tensor, patches: int) -> Tensor:
    """(tiles, patches) float32 attention that each patch gets, mean over heads: from the class
    token, which comes first, if there is one; otherwise from all patches on average.

    queries, keys: (tiles, tokens, dim) as `q_proj` and `k_proj` of the attention put them out.
    Tile by tile, as a map for all patches is large.
    """
    first = queries.shape[1] - patches
    asking = queries[:, :first] if first else queries
    asking, asked = (x.float().unflatten(-1, (-1, attention.head_dim)) for x in (asking, keys))
    with torch.autocast(queries.device.type, enabled=False):
        maps = [
            (q.transpose(0, 1) @ k.permute(1, 2, 0) * attention.scale).softmax(-1).mean((0, 1))
            for q, k in zip(asking, asked, strict=True)
        ]
    return torch.stack(maps)[:, first:]


def received_flops(queries: Tensor, patches: int) -> int:
    """Operations of `received`: a product of matrices for each tile."""
    tiles, tokens, width = queries.shape
    return 2 * tiles * (tokens - patches or tokens) * tokens * width
