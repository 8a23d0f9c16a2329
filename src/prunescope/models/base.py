"""What the engine needs to know of a model family."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import BoolTensor, Tensor, nn

from prunescope.errors import InputError


@dataclass(frozen=True)
class Layout:
    """Where the visual tokens are: visual (batch, seq), grid (rows, columns) in raster order."""

    visual: BoolTensor
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        rows, columns = self.grid
        counts = self.visual.sum(1).tolist()
        for example, count in enumerate(counts):
            if count != rows * columns:
                raise InputError(
                    f"example {example} of the batch has {count} visual tokens; "
                    f"a grid of {rows} x {columns} needs {rows * columns}"
                )


class Family(ABC):
    """One family of models on the stock classes of transformers.

    A subclass lives in a file of this folder (or an entry point of the group
    `prunescope.models`) and has no state. The defaults fit decoders that are built like Llama.
    """

    name: ClassVar[str]
    model_types: ClassVar[tuple[str, ...]]  # values of `config.model_type` that it serves

    @abstractmethod
    def decoder(self, model: nn.Module) -> nn.Module:
        """The text model: has `layers` and `rotary_emb`, gets `inputs_embeds`, calls the layers
        with `attention_mask`, `position_ids`, `position_embeddings` and `past_key_values`."""

    @abstractmethod
    def grid(self, model: nn.Module) -> tuple[int, int] | None:
        """(rows, columns) of the visual tokens of an example, None if only a layout tells."""

    @abstractmethod
    def layout(self, model: nn.Module, inputs: Mapping[str, Any]) -> Layout:
        """The layout of a prefill from the keyword arguments of the model's forward."""

    def vision(self, model: nn.Module) -> nn.Module | None:
        """The vision tower, called with `pixel_values`; None if there is none."""
        return None

    def projections(self, layer: nn.Module) -> tuple[nn.Module, nn.Module]:
        """The modules of a decoder layer that put out its queries and its keys before rotary."""
        return layer.self_attn.q_proj, layer.self_attn.k_proj

    def split_heads(self, layer: nn.Module, projected: Tensor) -> Tensor:
        """Output of a projection -> (batch, seq, heads, head_dim)."""
        return projected.unflatten(-1, (-1, layer.self_attn.head_dim))
