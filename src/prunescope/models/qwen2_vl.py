"""Qwen2-VL and Qwen2.5-VL: images of any size, rotary embedding of three axes."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import LongTensor, Tensor, nn
from transformers.vision_utils import get_vision_window_index

from prunescope.models.base import Family
from prunescope.models.layout import View


class Qwen2VL(Family):
    """Qwen2VLModel and Qwen2VLForConditionalGeneration (arXiv 2409.12191), images only.

    A visual token is a square of `spatial_merge_size` x `spatial_merge_size` patches.
    """

    name: ClassVar[str] = "qwen2_vl"
    model_types: ClassVar[tuple[str, ...]] = ("qwen2_vl",)
    axes: ClassVar[tuple[str, ...]] = ("temporal", "row", "column")

    def rotary(
        self, decoder: nn.Module, layer: int, hidden: Tensor, positions: LongTensor
    ) -> tuple[Tensor, Tensor]:
        return decoder.rotary_emb(hidden, position_ids=positions)

    def rotary_axes(self, decoder: nn.Module) -> LongTensor:
        # Measured on the model: a step along one axis gives a sine other than 0 in exactly the
        # dimensions that the axis turns. steps: (axes, 1 step, 1 token)
        device = next(decoder.parameters()).device
        steps = torch.eye(len(self.axes), dtype=torch.long, device=device)[..., None]
        _, sin = decoder.rotary_emb(torch.zeros(1, device=device), position_ids=steps)
        return sin[:, 0].abs().argmax(0)

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        side = model.config.vision_config.spatial_merge_size
        return [View(rows // side, columns // side) for _, rows, columns in _patches(inputs)]

    def pixels(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[Tensor] | None:
        pixels = inputs.get("pixel_values")
        if pixels is None:
            return None
        return pixels.split([rows * columns for _, rows, columns in _patches(inputs)])

    def projector(self, model: nn.Module) -> nn.Module:
        return self.base(model).visual.merger

    def features(
        self, model: nn.Module, projector_input: Tensor, inputs: Mapping[str, Any]
    ) -> Tensor:
        # The processor puts the patches that one token merges next to each other.
        merged = model.config.vision_config.spatial_merge_size**2
        return projector_input.unflatten(0, (-1, merged)).flatten(1)


class Qwen25VL(Qwen2VL):
    """Qwen2_5_VLModel and Qwen2_5_VLForConditionalGeneration (arXiv 2502.13923), images only."""

    name: ClassVar[str] = "qwen2_5_vl"
    model_types: ClassVar[tuple[str, ...]] = ("qwen2_5_vl",)

    def features(
        self, model: nn.Module, projector_input: Tensor, inputs: Mapping[str, Any]
    ) -> Tensor:
        # The vision tower sorts tokens by attention window, and undoes that only after its merger.
        vision = model.config.vision_config
        order, _ = get_vision_window_index(
            inputs["image_grid_thw"],
            spatial_merge_size=vision.spatial_merge_size,
            window_size=vision.window_size,
            patch_size=vision.patch_size,
        )
        return super().features(model, projector_input, inputs)[order.argsort()]


def _patches(inputs: Mapping[str, Any]) -> list[list[int]]:
    """(frames, rows, columns) of patches of each image."""
    grids = inputs.get("image_grid_thw")
    return [] if grids is None else grids.tolist()
