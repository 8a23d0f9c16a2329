"""The interface of model families: what the engine must know of a model."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import BoolTensor, LongTensor, Tensor, nn

from prunescope.errors import InputError
from prunescope.models.layout import Grid, Layout, View, lay_out


class Family(ABC):
    """One family of vision-language models on the stock classes of transformers.

    A subclass has no state. It is in a file of this folder, or an entry point of the group
    `prunescope.models` in another package. It must define how the tokens of an image lie
    (`views`); the defaults of all other methods fit decoders that are built like Llama.
    """

    name: ClassVar[str]
    model_types: ClassVar[tuple[str, ...]]  # values of `config.model_type`
    axes: ClassVar[tuple[str, ...]] = ("sequence",)  # what each axis of position ids counts

    # -- the decoder ---------------------------------------------------------------------------

    def decoder(self, model: nn.Module) -> nn.Module:
        """The text model. It has `layers` and `rotary_emb`, takes `inputs_embeds`, and calls its
        layers with `attention_mask`, `position_ids`, `position_embeddings` and the KV cache."""
        return self.base(model).language_model

    def base(self, model: nn.Module) -> nn.Module:
        """The model without its head; it has `get_image_features`."""
        return getattr(model, "model", model)

    def projections(self, layer: nn.Module) -> tuple[nn.Module, nn.Module]:
        """The modules of a decoder layer whose outputs are its queries and its keys before rotary
        embedding: their norms, if there are any."""
        attention = layer.self_attn
        queries = getattr(attention, "q_norm", attention.q_proj)
        return queries, getattr(attention, "k_norm", attention.k_proj)

    def split_heads(self, layer: nn.Module, projected: Tensor) -> Tensor:
        """Output of a module of `projections` -> (batch, seq, heads, head_dim)."""
        heads = (-1, layer.self_attn.head_dim)
        return projected if projected.ndim == 4 else projected.unflatten(-1, heads)

    def project(self, layer: nn.Module, hidden: Tensor) -> None:
        """Call the modules of `projections` on the input (batch, seq, dim) of a decoder layer, as
        the layer itself will; their hooks see the outputs."""
        attention, normed = layer.self_attn, layer.input_layernorm(hidden)
        pairs = zip((attention.q_proj, attention.k_proj), self.projections(layer), strict=True)
        for projection, norm in pairs:
            projected = projection(normed)
            if norm is not projection:
                norm(self.split_heads(layer, projected))

    def softcap(self, layer: nn.Module) -> float | None:
        """c of a layer whose attention logits x become c * tanh(x / c), None for others."""
        return None

    def rotary(
        self, decoder: nn.Module, layer: int, hidden: Tensor, positions: LongTensor
    ) -> tuple[Tensor, Tensor]:
        """cos and sin, each (batch, seq, head_dim), of position ids (axes, batch, seq) in a decoder
        layer, computed by the model itself."""
        return decoder.rotary_emb(hidden, position_ids=positions[0])

    def rotary_axes(self, decoder: nn.Module) -> LongTensor:
        """(head_dim,) index in `axes` of the axis that turns each dimension of a query."""
        raise InputError(f"{self.name}: its positions have one axis only, `axes` cannot be chosen")

    def take_injections(self, kwargs: dict[str, Any]) -> tuple[dict[str, Any], list[Tensor]]:
        """Split off what the decoder would add to the visual tokens after its first layers.

        Returns the other keyword arguments and, for each of those layers, a tensor (visual tokens
        of the whole batch, dim).
        """
        return kwargs, []

    # -- the images ----------------------------------------------------------------------------

    @abstractmethod
    def views(self, model: nn.Module, inputs: Mapping[str, Any]) -> Sequence[View]:
        """The views of the batch's images, in the order of the prompts.

        inputs: keyword arguments of the model's forward and of its `get_image_features`.
        """

    def grid(self, model: nn.Module) -> Grid | None:
        """(rows, columns) of every image's visual tokens, None if they depend on the image."""
        return None

    def placeholders(self, model: nn.Module, inputs: Mapping[str, Any]) -> BoolTensor:
        """(batch, seq) True at tokens of images, with the separators between them."""
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
        """The module whose input is the features of the vision tower, None if there is none."""
        return None

    def tower(self, model: nn.Module) -> nn.Module | None:
        """The attention module of the vision tower's layer whose output is the input of
        `projector`, patch by patch. It has `q_proj`, `k_proj`, `head_dim` and `scale`, and attends
        from all patches to all. None if there is no such module."""
        return None

    def features(
        self, model: nn.Module, projector_input: Tensor, inputs: Mapping[str, Any]
    ) -> Tensor:
        """(visual tokens of the whole batch, dim) features, in the order of `views` and, in each
        view, of the raster. projector_input: (..., dim) as the model gives it to `projector`."""
        return projector_input.flatten(0, -2)
