"""Bare Llama decoders: the caller says where the visual tokens are."""

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from prunescope.errors import InputError
from prunescope.models.base import Family, Layout


class Llama(Family):
    """LlamaModel and LlamaForCausalLM, with visual tokens in `inputs_embeds`."""

    name: ClassVar[str] = "llama"
    model_types: ClassVar[tuple[str, ...]] = ("llama",)

    def decoder(self, model: nn.Module) -> nn.Module:
        return getattr(model, "model", model)

    def grid(self, model: nn.Module) -> None:
        return None

    def layout(self, model: nn.Module, inputs: Mapping[str, Any]) -> Layout:
        raise InputError("a bare decoder does not say where its visual tokens are: give `layout`")
