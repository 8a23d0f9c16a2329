"""LLaVA: vision tower, projector, Llama decoder; one token per patch."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from prunescope.errors import InputError
from prunescope.models.base import Family, Layout
from prunescope.models.llama import Llama


class Llava(Family):
    """LlavaModel and LlavaForConditionalGeneration (arXiv 2304.08485), one image per prompt."""

    name: ClassVar[str] = "llava"
    model_types: ClassVar[tuple[str, ...]] = ("llava",)

    def decoder(self, model: nn.Module) -> nn.Module:
        text_type = model.config.text_config.model_type
        if text_type not in Llama.model_types:
            raise InputError(
                f"LLaVA with a text model of type {text_type!r} is not supported; "
                f"supported: {list(Llama.model_types)}"
            )
        return getattr(model, "model", model).language_model

    def vision(self, model: nn.Module) -> nn.Module:
        return getattr(model, "model", model).vision_tower

    def grid(self, model: nn.Module) -> tuple[int, int]:
        vision = model.config.vision_config
        size, patch = vision.image_size, vision.patch_size
        height, width = (size, size) if isinstance(size, int) else size
        return height // patch, width // patch

    def layout(self, model: nn.Module, inputs: Mapping[str, Any]) -> Layout:
        input_ids = inputs.get("input_ids")
        if input_ids is None:
            raise InputError("without `input_ids` the visual tokens are unknown: give `layout`")
        return Layout(input_ids == model.config.image_token_id, self.grid(model))
