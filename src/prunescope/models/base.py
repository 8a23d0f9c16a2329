"""What the engine needs to know of a model family."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.errors import InputError
from prunescope.models.layout import Grid, Layout, View, lay_out


class Family(ABC):
    """One family of vision-language models on the stock classes of transformers.

    A subclass lives in a file of this folder (or an entry point of the group
    `prunescope.models`) and has no state. It must say where the decoder is and how the tokens of
    an image lie (`views`); the other defaults fit decoders that are built like Llama.
    """

    name: ClassVar[str]
    model_types: ClassVar[tuple[str, ...]]  # values of `config.model_type` that it serves
    axes: ClassVar[tuple[str, ...]] = ("sequence",)  # of the position ids: what each one counts

    # -- the decoder ---------------------------------------------------------------------------

    def decoder(self, model: nn.Module) -> nn.Module:
        """The text model: has `layers` and `rotary_emb`, gets `inputs_embeds`, calls the layers
        with `attention_mask`, `position_ids`, `position_embeddings` and the KV cache."""
        return self.base(model).language_model

    def base(self, model: nn.Module) -> nn.Module:
        """The model without its head, which has `get_image_features`."""
        return getattr(model, "model", model)

    def projections(self, layer: nn.Module) -> tuple[nn.Module, nn.Module]:
        """The modules of a decoder layer that put out its queries and its keys before rotary:
        their norms, if there are any."""
        attention = layer.self_attn
        queries = getattr(attention, "q_norm", attention.q_proj)
        return queries, getattr(attention, "k_norm", attention.k_proj)

    def split_heads(self, layer: nn.Module, projected: Tensor) -> Tensor:
        """What a module of `projections` put out -> (batch, seq, heads, head_dim)."""
        heads = (-1, layer.self_attn.head_dim)
        return projected if projected.ndim == 4 else projected.unflatten(-1, heads)

    def project(self, layer: nn.Module, hidden: Tensor) -> None:
        """Call the modules of `projections` on the input (batch, seq, dim) of a decoder layer as
        the layer will; their hooks see what they put out."""
        attention, normed = layer.self_attn, layer.input_layernorm(hidden)
        pairs = zip((attention.q_proj, attention.k_proj), self.projections(layer), strict=True)
        for projection, norm in pairs:
            projected = projection(normed)
            if norm is not projection:
                norm(self.split_heads(layer, projected))

    def softcap(self, layer: nn.Module) -> float | None:
        """c where the layer's attention logits x become c * tanh(x / c)."""
        return None

    def rotary(
        self, decoder: nn.Module, layer: int, hidden: Tensor, positions: LongTensor
    ) -> tuple[Tensor, Tensor]:
        """cos and sin, each (batch, seq, head_dim), as the model makes them for a decoder layer
        from position ids (axes, batch, seq)."""
        return decoder.rotary_emb(hidden, position_ids=positions[0])

    def rotary_axes(self, decoder: nn.Module) -> LongTensor:
        """(head_dim,) which of `axes` turns each dimension of a query."""
        raise InputError(f"{self.name}: its positions have one axis only, `axes` cannot be chosen")

    def take_injections(self, kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[Tensor]]:
        """Take from the decoder's keyword arguments what it would add to the visual tokens after
        its first layers: the other arguments, and for each of those layers (visual tokens of the
        whole batch, dim)."""
        return kwargs, []

    # -- the images ----------------------------------------------------------------------------

    @abstractmethod
    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        """How the tokens of the batch's images lie, in the order of the prompts.

        inputs: keyword arguments of the model's forward and of its `get_image_features`.
        """

    def grid(self, model: nn.Module) -> Grid | None:
        """(rows, columns) of every image's visual tokens, None if that depends on the image."""
        return None

    def placeholders(self, model: nn.Module, inputs: Mapping[str, Any]) -> BoolTensor:
        """(batch, seq) where the prompt has the tokens of images, separators between them too."""
        input_ids, config = inputs.get("input_ids"), model.config
        if input_ids is None:
            raise InputError("without `input_ids` the visual tokens are unknown: give `layout`")
        video = getattr(config, "video_token_id", None)
        if video is not None and (input_ids == video).any():
            raise InputError("videos are not supported, only images (`pixel_values`)")
        return input_ids == config.image_token_id

    def layout(self, model: nn.Module, inputs: Mapping[str, Any]) -> Layout:
        """The layout of a prefill; `inputs` as for `views`."""
        return lay_out(self.placeholders(model, inputs), self.views(model, inputs))

    def pixels(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[Tensor] | None:
        """The pixels of each view, in the order of `views`; None if they are unknown."""
        pixels = inputs.get("pixel_values")
        return None if pixels is None else pixels.flatten(0, -4).unbind()

    def projector(self, model: nn.Module) -> nn.Module | None:
        """The module whose input holds the features of the vision tower, None if none does."""
        return None

    def tower(self, model: nn.Module) -> nn.Module | None:
        """The attention module of the vision tower's layer whose output is the input of
        `projector`, patch by patch: has `q_proj`, `k_proj`, `head_dim` and `scale`, attends from
        all patches to all. None if there is no such module."""
        return None

    def features(self, model: nn.Module, seen: Tensor, inputs: Mapping[str, Any]) -> Tensor:
        """(visual tokens of the whole batch, dim) features, in the order of `views` and, in each,
        of the raster. seen: the input of `projector`."""
        return seen.flatten(0, -2)
