"""Idefics3 and SmolVLM: tiles, pixel shuffle, a decoder like Llama."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from prunescope.models.base import Family
from prunescope.models.internvl import square
from prunescope.models.layout import View
from prunescope.models.llama import like_llama


class Idefics3(Family):
    """Idefics3Model, SmolVLMModel and their ForConditionalGeneration (arXiv 2408.12637,
    2504.05299).

    Each tile is a view, and so is the whole image that follows the tiles, and a frame of a video.
    """

    name: ClassVar[str] = "idefics3"
    model_types: ClassVar[tuple[str, ...]] = ("idefics3", "smolvlm")

    def decoder(self, model: nn.Module) -> nn.Module:
        return like_llama(self.base(model).text_model)

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        side = model.config.vision_config.patch_size * model.config.scale_factor
        return [square(tile, side) for tile in self.pixels(model, inputs) or ()]

    def pixels(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[Tensor] | None:
        tiles = super().pixels(model, inputs)
        if tiles is None:
            return None
        # Examples with fewer tiles are filled up with zeros, which the model leaves out.
        real = inputs["pixel_values"].flatten(0, 1).flatten(1).any(1)
        return [tiles[index] for index in real.nonzero()[:, 0].tolist()]

    def projector(self, model: nn.Module) -> nn.Module:
        return self.base(model).connector.modality_projection
