"""Qwen3-VL: Qwen2-VL with normed queries and keys, and DeepStack features."""

from typing import Any, ClassVar

from torch import Tensor

from prunescope.models.qwen2_vl import Qwen2VL


class Qwen3VL(Qwen2VL):
    """Qwen3VLModel and Qwen3VLForConditionalGeneration (arXiv 2511.21631), images only.

    Features of early layers of the vision tower are added to the visual tokens after the first
    decoder layers (DeepStack, arXiv 2406.04334).
    """

    name: ClassVar[str] = "qwen3_vl"
    model_types: ClassVar[tuple[str, ...]] = ("qwen3_vl",)

    def take_injections(self, kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[Tensor]]:
        injected = ("visual_pos_masks", "deepstack_visual_embeds")
        others = {name: value for name, value in kwargs.items() if name not in injected}
        return others, list(kwargs.get("deepstack_visual_embeds") or [])
