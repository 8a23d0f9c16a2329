"""PaliGemma 1 and 2: a linear projector, Gemma or Gemma 2, bidirectional attention in prompts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from prunescope.errors import InputError
from prunescope.models.base import Family
from prunescope.models.layout import Grid, Layout, View
from prunescope.models.tower import attention_of


class PaliGemma(Family):
    """PaliGemmaModel and PaliGemmaForConditionalGeneration (arXiv 2407.07726, 2412.03555)."""

    name: ClassVar[str] = "paligemma"
    model_types: ClassVar[tuple[str, ...]] = ("paligemma",)

    def grid(self, model: nn.Module) -> Grid:
        vision = model.config.vision_config
        side = vision.image_size // vision.patch_size
        return side, side

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        return [View(*self.grid(model)) for _ in self.pixels(model, inputs) or ()]

    def layout(self, model: nn.Module, inputs: Mapping[str, Any]) -> Layout:
        if inputs.get("token_type_ids") is None:
            raise InputError(
                "PaliGemma needs the `token_type_ids` of its processor: without them, whether "
                "prompts attend in both directions depends on padding and attention backend"
            )
        return super().layout(model, inputs)

    def softcap(self, layer: nn.Module) -> float | None:
        return getattr(layer.self_attn, "attn_logit_softcapping", None)  # Gemma 2

    def projector(self, model: nn.Module) -> nn.Module:
        return self.base(model).multi_modal_projector

    def tower(self, model: nn.Module) -> nn.Module | None:
        return attention_of(self.base(model).vision_tower, feature_layer=-1)
