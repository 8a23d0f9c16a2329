"""Gemma 3: pooled patches, normed queries and keys, sliding windows."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import LongTensor, Tensor, nn

from prunescope.models.base import Family
from prunescope.models.layout import Grid, View


class Gemma3(Family):
    """Gemma3Model and Gemma3ForConditionalGeneration (arXiv 2503.19786).

    The whole image is a view, and so is each crop where the processor pans and scans.
    """

    name: ClassVar[str] = "gemma3"
    model_types: ClassVar[tuple[str, ...]] = ("gemma3",)

    def split_heads(self, layer: nn.Module, projected: Tensor) -> Tensor:
        return projected.transpose(1, 2)

    def project(self, layer: nn.Module, hidden: Tensor) -> None:
        attention, normed = layer.self_attn, layer.input_layernorm(hidden)
        heads = (-1, attention.head_dim)
        attention.q_norm(attention.q_proj(normed).unflatten(-1, heads).transpose(1, 2))
        attention.k_norm(attention.k_proj(normed).unflatten(-1, heads).transpose(1, 2))

    def rotary(
        self, decoder: nn.Module, layer: int, hidden: Tensor, positions: LongTensor
    ) -> tuple[Tensor, Tensor]:
        kind = decoder.config.layer_types[layer]  # sliding and full layers differ in frequencies
        return decoder.rotary_emb(hidden, position_ids=positions[0], layer_type=kind)

    def grid(self, model: nn.Module) -> Grid:
        side = self.base(model).multi_modal_projector.tokens_per_side
        return side, side

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        return [View(*self.grid(model)) for _ in self.pixels(model, inputs) or ()]

    def projector(self, model: nn.Module) -> nn.Module:
        # The projection is a parameter and no module; the norm before it gets the pooled features.
        return self.base(model).multi_modal_projector.mm_soft_emb_norm
