"""Reading from a running model what its prompt looks like."""

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
from prunescope.engine.patched_method import shadow
from prunescope.engine.segments import Segment
from prunescope.errors import InputError
from prunescope.models import Family, Layout
from prunescope.models.tower import received

_watched: WeakSet[nn.Module] = WeakSet()  # decoders


class Watch:
    """Follows the calls of a model: is it a prefill, which tokens are visual, which valid."""

    def __init__(self, model: nn.Module, family: Family, layout: Layout | None, cleanup: ExitStack):
        decoder = family.decoder(model)
        if decoder in _watched:
            raise InputError(
                "this model is inside another `prune` or `record_scores`; leave that first"
            )
        _watched.add(decoder)
        cleanup.callback(_watched.discard, decoder)
        self.prefill = False
        self.model, self.family, self._given = model, family, layout
        self.inputs: Mapping[str, Any] = {}  # of this call, by name
        self._images: Mapping[str, Any] = {}  # `generate` encodes them once, before the prefill
        self._features: Tensor | None = None
        self._tower: dict[str, Tensor] = {}  # queries and keys of the vision tower's attention
        self.gaps = False  # whether tokens after the prompt have padding among them
        self._position_ids: LongTensor | None = None
        for module, hook in ((model, self._see_inputs), (decoder, self._see_text)):
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        base = family.base(model)
        if hasattr(base, "get_image_features"):
            shadow(base, "get_image_features", self._see_images, cleanup)

    def watch_features(self, cleanup: ExitStack) -> None:
        """Keep what the vision tower makes of the images, for criteria that need it."""
        projector = self.family.projector(self.model)
        cleanup.callback(projector.register_forward_pre_hook(self._see_features).remove)

    def watch_tower(self, cleanup: ExitStack) -> None:
        """Keep what the patches attend to each other by, for criteria that need it."""
        self.watch_features(cleanup)
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
        if kwargs.get("mm_encoder_outputs") is None:  # not encoded before, by `generate`
            self._images, self._features, self._tower = {}, None, {}

    def _see_images(self, method: Callable) -> Callable:
        signature = inspect.signature(method)

        def seen(*args: Any, **kwargs: Any) -> Any:
            self._images = signature.bind(*args, **kwargs).arguments
            return method(*args, **kwargs)

        return seen

    def _see_features(self, module: nn.Module, args: tuple) -> None:
        self._features = args[0]

    def _see_text(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        cache, self._position_ids = cache_of(kwargs), kwargs.get("position_ids")
        if isinstance(cache, StaticCache):
            raise InputError("a static KV cache has one length for all layers; use a dynamic one")
        self.prefill = cache is None or cache.get_seq_length() == 0
        if self.prefill:
            given = {name: value for name, value in self.inputs.items() if value is not None}
            self.inputs = {**self._images, **given}
            self.layout = self._given or self.family.layout(self.model, self.inputs)
            self.gaps = False
        else:
            self.gaps |= self._adds_padding(args, kwargs)

    def _adds_padding(self, args: tuple, kwargs: dict) -> bool:
        """Whether a continuation by several tokens, such as a further turn, has padding."""
        mask, new = self.inputs.get("attention_mask"), embeddings(args, kwargs).shape[1]
        return mask is not None and new > 1 and not bool(mask[:, -new:].all())

    def later(self, hidden: Tensor, length: int, added: int) -> BoolTensor:
        """(b, added) which of the tokens after the prompt's `length` are no padding."""
        mask = self.inputs.get("attention_mask")
        if mask is None or not self.gaps:
            return torch.ones(len(hidden), added, dtype=torch.bool, device=hidden.device)
        return mask[:, length : length + added].to(hidden.device, torch.bool)

    def segment(self, hidden: Tensor) -> Segment:
        """The whole prompt, of which `hidden` (b, s, dim) are the embeddings."""
        shape, device = hidden.shape[:2], hidden.device
        times, rest = divmod(shape[0], len(self.layout.visual))
        if self._given and times > 1 and not rest:
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
            raster=(visual.long().cumsum(1) - 1).masked_fill(~visual, -1),
            valid=mask.to(device, torch.bool),
            positions=self.positions(hidden),
            separators=None if separators is None else separators.to(device),
        )

    def positions(self, hidden: Tensor) -> LongTensor:
        """(axes, b, s) position ids that the decoder has for `hidden` (b, s, dim)."""
        shape, axes, position_ids = hidden.shape[:2], len(self.family.axes), self._position_ids
        if position_ids is None:
            position_ids = torch.arange(shape[1], device=hidden.device)[None]
        if position_ids.ndim == 2:
            position_ids = position_ids[None]
        # M-RoPE may have the positions of plain text before those of its axes
        return position_ids[-axes:].expand(axes, *shape)

    def content(self) -> list[bytes]:
        """A digest of each example's own input: prompt without padding, and pixels.

        Equal bits give equal digests, alone or in a batch.
        """
        tokens = [self.inputs.get(key) for key in ("input_ids", "inputs_embeds")]
        tokens = [each for each in tokens if each is not None]
        pixels = self.family.pixels(self.model, self.inputs)
        mask = self.inputs.get("attention_mask")
        digests = []
        for row in range(len(tokens[0])):
            valid = slice(None) if mask is None else mask[row].bool()
            parts = [each[row][valid] for each in tokens]
            parts += [] if pixels is None else [pixels[each] for each in self.layout.views[row]]
            digest = hashlib.blake2b()
            for part in parts:
                digest.update(part.detach().contiguous().cpu().view(torch.uint8).numpy())
            digests.append(digest.digest())
        return digests

    def features(self, raster: LongTensor) -> Tensor:
        """(b, n, dim) features of the vision tower of the visual tokens `raster` (b, n)."""
        if self._features is None:
            raise InputError("without images in the inputs there are no features of them")
        return self._of_tokens(self._features, raster)

    def received(self, raster: LongTensor) -> Tensor:
        """(b, n) attention that the patch of each visual token `raster` (b, n) gets in the vision
        tower, as of `prunescope.models.tower`."""
        if self._features is None:
            raise InputError("without images in the inputs there is no attention to them")
        projected, attention = self._tower, self.family.tower(self.model)
        patches = self._features.shape[-2]
        each = received(attention, projected["q_proj"], projected["k_proj"], patches)
        return self._of_tokens(each[..., None], raster).mean(-1)

    def _of_tokens(self, patches: Tensor, raster: LongTensor) -> Tensor:
        """(b, n, dim) of the visual tokens `raster`; patches: like the input of the projector."""
        rows = self.family.features(self.model, patches, self.inputs)
        sizes = _view_sizes(self.layout)
        views = rows.split([sizes[number] for number in sorted(sizes)])
        examples = [torch.cat([views[each] for each in row]) for row in self.layout.views]
        return torch.stack(
            [each[index] for each, index in zip(examples, raster.cpu(), strict=True)]
        )


def embeddings(args: tuple, kwargs: Mapping[str, Any]) -> Tensor:
    """(b, s, ...) what a decoder is called with: embeddings, or ids as (b, s, 1)."""
    if kwargs.get("inputs_embeds") is not None:
        return kwargs["inputs_embeds"]
    return (args[0] if args else kwargs["input_ids"])[..., None]


def _view_sizes(layout: Layout) -> dict[int, int]:
    """How many visual tokens each view of the batch has."""
    return {
        number: rows * columns
        for numbers, grids in zip(layout.views, layout.grids, strict=True)
        for number, (rows, columns) in zip(numbers, grids, strict=True)
    }
