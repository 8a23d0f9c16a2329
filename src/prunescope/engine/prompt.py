"""Reads a prompt from the calls of a running model."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from weakref import WeakSet

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from transformers import StaticCache

from prunescope.engine.caches import cache_of
from prunescope.engine.patched_method import patch_method
from prunescope.engine.segments import Segment
from prunescope.errors import InputError
from prunescope.models import Family, Layout
from prunescope.models.tower import received

_decoders_in_use: WeakSet[nn.Module] = WeakSet()


class PromptReader:
    """Follows the calls of a model: whether one is a prefill, which tokens are visual or padding.

    layout: where the visual tokens are, if the inputs do not say; otherwise the family finds them.
    """

    def __init__(self, model: nn.Module, family: Family, layout: Layout | None, cleanup: ExitStack):
        decoder = family.decoder(model)
        if decoder in _decoders_in_use:
            raise InputError(
                "this model is inside another `prune` or `record_scores`; leave that first"
            )
        _decoders_in_use.add(decoder)
        cleanup.callback(_decoders_in_use.discard, decoder)
        self.prefill = False
        self.model, self.family, self._given_layout = model, family, layout
        self.inputs: Mapping[str, Any] = {}  # keyword arguments of this call
        self._images: Mapping[str, Any] = {}  # `generate` encodes images once, before the prefill
        self._features: Tensor | None = None  # input of the projector
        self._tower: dict[str, Tensor] = {}  # queries and keys of the vision tower's attention
        self.has_gaps = False  # whether tokens after the prompt have padding among them
        self._position_ids: LongTensor | None = None
        for module, hook in ((model, self._see_inputs), (decoder, self._see_decoder)):
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        base = family.base(model)
        if hasattr(base, "get_image_features"):
            patch_method(base, "get_image_features", self._see_images, cleanup)

    def read_features(self, cleanup: ExitStack) -> None:
        """Keep the features of the images from now on, for criteria that need them."""
        projector = self.family.projector(self.model)
        cleanup.callback(projector.register_forward_pre_hook(self._see_features).remove)

    def read_tower(self, cleanup: ExitStack) -> None:
        """Keep queries and keys of the vision tower from now on, for criteria that need them."""
        self.read_features(cleanup)
        attention = self.family.tower(self.model)
        for name in ("q_proj", "k_proj"):
            module = getattr(attention, name)
            cleanup.callback(module.register_forward_hook(self._see_tower(name)).remove)

    def _see_tower(self, name: str) -> Callable:
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            self._tower[name] = output

        return hook

    def _see_inputs(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        self.inputs = {"input_ids": args[0], **kwargs} if args else kwargs
        if kwargs.get("mm_encoder_outputs") is None:  # else `generate` has encoded the images
            self._images, self._features, self._tower = {}, None, {}

    def _see_images(self, method: Callable) -> Callable:
        signature = inspect.signature(method)

        def seen(*args: Any, **kwargs: Any) -> Any:
            self._images = signature.bind(*args, **kwargs).arguments
            return method(*args, **kwargs)

        return seen

    def _see_features(self, module: nn.Module, args: tuple) -> None:
        self._features = args[0]

    def _see_decoder(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        cache, self._position_ids = cache_of(kwargs), kwargs.get("position_ids")
        if isinstance(cache, StaticCache):
            raise InputError("a static KV cache has one length for all layers; use a dynamic one")
        self.prefill = cache is None or cache.get_seq_length() == 0
        if self.prefill:
            inputs = {name: value for name, value in self.inputs.items() if value is not None}
            self.inputs = {**self._images, **inputs}
            self.layout = self._given_layout or self.family.layout(self.model, self.inputs)
            self.has_gaps = False
        else:
            self.has_gaps |= self._adds_padding(args, kwargs)

    def _adds_padding(self, args: tuple, kwargs: dict) -> bool:
        """Whether a continuation by several tokens, such as a further turn, has padding."""
        mask, new = self.inputs.get("attention_mask"), embeddings(args, kwargs).shape[1]
        return mask is not None and new > 1 and not bool(mask[:, -new:].all())

    def valid_after_prompt(self, hidden: Tensor, length: int, added: int) -> BoolTensor:
        """(b, added) False where a token after the prompt is padding.

        hidden: (b, ...) input of the decoder; length: of the prompt.
        """
        mask = self.inputs.get("attention_mask")
        if mask is None or not self.has_gaps:
            return torch.ones(len(hidden), added, dtype=torch.bool, device=hidden.device)
        return mask[:, length : length + added].to(hidden.device, torch.bool)

    def segment(self, hidden: Tensor) -> Segment:
        """The whole prompt as a segment; hidden: its embeddings (b, s, dim)."""
        shape, device = hidden.shape[:2], hidden.device
        # `generate` repeats prompts for beams and samples; a layout from outside does not know.
        times, rest = divmod(shape[0], len(self.layout.visual))
        if self._given_layout and times > 1 and not rest:
            self.layout = self.layout.repeated(times)
        visual, separators = self.layout.visual.to(device), self.layout.separators
        if visual.shape != shape:
            raise InputError(f"layout.visual is {tuple(visual.shape)}, the input {tuple(shape)}")
        mask = self.inputs.get("attention_mask")
        if mask is None:
            mask = torch.ones(shape, device=device)
        if not isinstance(mask, Tensor) or mask.shape != shape:
            raise InputError(f"attention_mask must be a tensor of shape {tuple(shape)}")
        return Segment(
            columns=torch.arange(shape[1], device=device).expand(shape),
            # The n-th visual token of a row gets raster index n - 1, all other tokens -1.
            raster=(visual.long().cumsum(1) - 1).masked_fill(~visual, -1),
            valid=mask.to(device, torch.bool),
            positions=self.positions(hidden),
            separators=None if separators is None else separators.to(device),
        )

    def positions(self, hidden: Tensor) -> LongTensor:
        """(axes, b, s) position ids that the decoder uses for its input `hidden` (b, s, dim)."""
        shape, axes, position_ids = hidden.shape[:2], len(self.family.axes), self._position_ids
        if position_ids is None:
            position_ids = torch.arange(shape[1], device=hidden.device)[None]
        if position_ids.ndim == 2:
            position_ids = position_ids[None]
        # M-RoPE may put the positions of plain text before those of its axes.
        return position_ids[-axes:].expand(axes, *shape)

    def content(self) -> list[bytes]:
        """A digest of each example's input: its prompt without padding, and its pixels.

        Equal bits give equal digests, alone or in a batch.
        """
        tokens = [self.inputs.get(key) for key in ("input_ids", "inputs_embeds")]
        tokens = [values for values in tokens if values is not None]
        pixels = self.family.pixels(self.model, self.inputs)
        mask = self.inputs.get("attention_mask")
        digests = []
        for row in range(len(tokens[0])):
            valid = slice(None) if mask is None else mask[row].bool()
            parts = [values[row][valid] for values in tokens]
            parts += [] if pixels is None else [pixels[view] for view in self.layout.views[row]]
            digest = hashlib.blake2b()
            for part in parts:
                digest.update(part.detach().contiguous().cpu().view(torch.uint8).numpy())
            digests.append(digest.digest())
        return digests

    def features(self, raster: LongTensor) -> Tensor:
        """(b, n, dim) features in the vision tower of the visual tokens `raster` (b, n)."""
        if self._features is None:
            raise InputError("without images in the inputs there are no features of them")
        return self._by_token(self._features, raster)

    def received(self, raster: LongTensor) -> Tensor:
        """(b, n) attention that the patches of the visual tokens `raster` (b, n) receive in the
        vision tower; see `prunescope.models.tower`."""
        if self._features is None:
            raise InputError("without images in the inputs there is no attention to them")
        queries, keys = self._tower["q_proj"], self._tower["k_proj"]
        attention = self.family.tower(self.model)
        by_patch = received(attention, queries, keys, self._features.shape[-2])
        # A token that is made of several patches receives their mean.
        return self._by_token(by_patch[..., None], raster).mean(-1)

    def _by_token(self, patches: Tensor, raster: LongTensor) -> Tensor:
        """(b, n, dim) values of the visual tokens `raster` (b, n).

        patches: values of patches, in the layout of the projector's input.
        """
        rows = self.family.features(self.model, patches, self.inputs)  # (tokens of batch, dim)
        sizes = _view_sizes(self.layout)
        views = rows.split([sizes[view] for view in sorted(sizes)])
        examples = [torch.cat([views[view] for view in row]) for row in self.layout.views]
        return torch.stack(
            [values[index] for values, index in zip(examples, raster.cpu(), strict=True)]
        )


def embeddings(args: tuple, kwargs: Mapping[str, Any]) -> Tensor:
    """(b, s, dim) embeddings that a decoder is called with; token ids become (b, s, 1)."""
    if kwargs.get("inputs_embeds") is not None:
        return kwargs["inputs_embeds"]
    return (args[0] if args else kwargs["input_ids"])[..., None]


def _view_sizes(layout: Layout) -> dict[int, int]:
    """Number of visual tokens by view of the batch."""
    return {
        view: rows * columns
        for views, grids in zip(layout.views, layout.grids, strict=True)
        for view, (rows, columns) in zip(views, grids, strict=True)
    }
