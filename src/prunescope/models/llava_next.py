"""LLaVA-NeXT: the whole image, then its tiles as one mosaic with line ends."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import BoolTensor, Tensor, nn
from transformers.models.llava_next.modeling_llava_next import image_size_to_num_patches

from prunescope.models.base import Family
from prunescope.models.layout import View
from prunescope.models.llama import like_llama
from prunescope.models.tower import attention_of


class LlavaNext(Family):
    """LlavaNextModel and LlavaNextForConditionalGeneration (LLaVA-1.6, Liu et al. 2024).

    An image has two views: all of it as one tile, and the mosaic of its tiles without their
    padding. The `image_newline` after each row of the mosaic is a separator.
    """

    name: ClassVar[str] = "llava_next"
    model_types: ClassVar[tuple[str, ...]] = ("llava_next",)

    def decoder(self, model: nn.Module) -> nn.Module:
        return like_llama(super().decoder(model))

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        tiles, side = self.tiles(model, inputs), self._side(model)
        if not tiles:
            return []
        # The model packs zeros, and ones for line ends; this shows where each token comes from.
        zeros = torch.zeros(sum(tiles), side * side, 1)
        packed = self._pack(model, zeros, inputs, newline=torch.ones(1))
        return [view for image in packed for view in _views(image[:, 0] == 0, side)]

    def pixels(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[Tensor] | None:
        pixels, tiles = inputs.get("pixel_values"), self.tiles(model, inputs)
        if pixels is None:
            return None
        if pixels.ndim == 4:
            images = pixels.split(tiles)
        else:  # (images, tiles, ...), filled up to the image with the most tiles
            images = [image[:count] for image, count in zip(pixels, tiles, strict=True)]
        return [view for image in images for view in (image[:1], image[1:]) if len(view)]

    def projector(self, model: nn.Module) -> nn.Module:
        return self.base(model).multi_modal_projector

    def tower(self, model: nn.Module) -> nn.Module | None:
        return attention_of(self.base(model).vision_tower, model.config.vision_feature_layer)

    def features(
        self, model: nn.Module, projector_input: Tensor, inputs: Mapping[str, Any]
    ) -> Tensor:
        return torch.cat(self._pack(model, projector_input, inputs, newline=None))

    def tiles(self, model: nn.Module, inputs: Mapping[str, Any]) -> list[int]:
        """Number of tiles of each image; the first of them is the whole image."""
        sizes = inputs.get("image_sizes")
        if sizes is None:
            return []
        pinpoints, side = model.config.image_grid_pinpoints, model.config.vision_config.image_size
        return [image_size_to_num_patches(size, pinpoints, side) for size in sizes]

    def packing(self, model: nn.Module) -> dict[str, Any]:
        """Keyword arguments of the model's `pack_image_features` that differ between models."""
        return {"vision_feature_select_strategy": model.config.vision_feature_select_strategy}

    def _pack(
        self, model: nn.Module, tiles: Tensor, inputs: Mapping[str, Any], newline: Tensor | None
    ) -> list[Tensor]:
        """Tokens (tiles of all images, side * side, dim) -> (tokens, dim) for each image."""
        images = tiles.split(self.tiles(model, inputs))
        packed, _ = self.base(model).pack_image_features(
            images, inputs["image_sizes"], image_newline=newline, **self.packing(model)
        )
        return packed

    def _side(self, model: nn.Module) -> int:
        vision = model.config.vision_config
        return vision.image_size // vision.patch_size


def _views(visual: BoolTensor, side: int) -> list[View]:
    """The views of one image; visual: (n,) True at its visual tokens, False at line ends."""
    area = side * side
    if len(visual) == area + 1:  # no mosaic, and a single line end
        return [View(side, side, visual)]
    mosaic = visual[area:]
    rows = int((~mosaic).sum())
    return [View(side, side), View(rows, int(mosaic.sum()) // rows, mosaic)]
