"""Bare decoders that are built like Llama; the caller says where the visual tokens are."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import nn

from prunescope.errors import InputError
from prunescope.models.base import Family
from prunescope.models.layout import Layout, View


class Llama(Family):
    """LlamaModel, MistralModel, Qwen2Model and Qwen3Model, with or without their heads; visual
    tokens are part of `inputs_embeds`."""

    name: ClassVar[str] = "llama"
    model_types: ClassVar[tuple[str, ...]] = ("llama", "llama_2d", "mistral", "qwen2", "qwen3")

    def decoder(self, model: nn.Module) -> nn.Module:
        return self.base(model)

    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        return ()

    def layout(self, model: nn.Module, inputs: Mapping[str, Any]) -> Layout:
        raise InputError("a bare decoder does not say where its visual tokens are: give `layout`")


def like_llama(decoder: nn.Module) -> nn.Module:
    """Return a text model; InputError unless it is built like Llama."""
    text_type = decoder.config.model_type
    if text_type not in Llama.model_types:
        raise InputError(
            f"a text model of type {text_type!r} is not supported; "
            f"supported: {list(Llama.model_types)}"
        )
    return decoder
