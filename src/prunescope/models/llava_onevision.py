"""LLaVA-OneVision: LLaVA-NeXT with smaller mosaics, and tiles only where there is one image."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from prunescope.models.llava_next import LlavaNext


class LlavaOnevision(LlavaNext):
    """LlavaOnevisionModel and LlavaOnevisionForConditionalGeneration (arXiv 2408.03326), images
    only.

    The model shrinks a mosaic of more than `anyres_max` tiles by interpolation. In a prompt with
    several images, each image is one tile, which one `image_newline` follows.
    """

    name: ClassVar[str] = "llava_onevision"
    model_types: ClassVar[tuple[str, ...]] = ("llava_onevision",)

    def tiles(self, model: nn.Module, inputs: Mapping[str, Any]) -> list[int]:
        tiles, numbers = super().tiles(model, inputs), inputs.get("batch_num_images")
        if numbers is None:
            return tiles
        is_single = [number == 1 for number in map(int, numbers) for _ in range(number)]
        return [count if single else 1 for count, single in zip(tiles, is_single, strict=True)]

    def packing(self, model: nn.Module) -> dict[str, Any]:
        return {"vision_aspect_ratio": model.config.vision_aspect_ratio}
