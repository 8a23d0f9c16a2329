"""LLaVA-1.5: a vision tower, a projector and a decoder like Llama; one token per patch."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from prunescope.models.base import Family
from prunescope.models.layout import Grid, View
from prunescope.models.llama import like_llama
from prunescope.models.tower import attention_of


class Llava(Family):
    """LlavaModel and LlavaForConditionalGeneration (arXiv 2304.08485, 2310.03744).

    The vision tower, such as CLIP or SigLIP, must have a fixed grid of patches. If it has a class
    token, the model must drop it: `vision_feature_select_strategy: "default"`.
    """

    name: ClassVar[str] = "llava"
    model_types: ClassVar[tuple[str, ...]] = ("llava", "llava_dinosiglip")

    def decoder(self, model: nn.Module) -> nn.Module:
        return like_llama(super().decoder(model))

    def grid(self, model: nn.Module) -> Grid:
        vision = model.config.vision_config
        size, patch = vision.image_size, vision.patch_size
        height, width = (size, size) if isinstance(size, int) else size
        return height // patch, width // patch

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        return [View(*self.grid(model)) for _ in self.pixels(model, inputs) or ()]

    def projector(self, model: nn.Module) -> nn.Module:
        return self.base(model).multi_modal_projector

    def tower(self, model: nn.Module) -> nn.Module | None:
        return attention_of(self.base(model).vision_tower, model.config.vision_feature_layer)
