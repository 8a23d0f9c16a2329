"""InternVL: tiles, pixel shuffle, a decoder like Llama."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from prunescope.errors import InputError
from prunescope.models.base import Family
from prunescope.models.layout import View
from prunescope.models.llama import like_llama


class InternVL(Family):
    """InternVLModel and InternVLForConditionalGeneration of transformers (arXiv 2412.05271,
    2504.10479).

    Each tile is a view, and so is the thumbnail that follows the tiles, and a frame of a video.
    """

    name: ClassVar[str] = "internvl"
    model_types: ClassVar[tuple[str, ...]] = ("internvl",)

    def decoder(self, model: nn.Module) -> nn.Module:
        return like_llama(super().decoder(model))

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        config = model.config
        side = config.vision_config.patch_size[0] * int(1 / config.downsample_ratio)
        return [square(tile, side) for tile in self.pixels(model, inputs) or ()]

    def projector(self, model: nn.Module) -> nn.Module:
        return self.base(model).multi_modal_projector


def square(tile: Tensor, side: int) -> View:
    """The view of a tile (channels, height, width) with one token per `side` x `side` pixels.

    InputError unless the tile is square: the pixel shuffle of the stock models takes the square
    root of the number of patches, and would mix up the rows of other tiles.
    """
    height, width = tile.shape[-2:]
    if height != width:
        raise InputError(f"a tile has {height} x {width} pixels; the model takes square ones only")
    return View(height // side, width // side)
