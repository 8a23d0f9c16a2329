"""Reading from a running model what its prompt looks like."""

import hashlib
import inspect
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from typing import Any
from weakref import WeakSet

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from transformers import StaticCache

from prunescope.criteria import Projected, Selection
from prunescope.errors import InputError
from prunescope.models import Family, Layout

_watched: WeakSet[nn.Module] = WeakSet()  # decoders


@dataclass(frozen=True)
class Segment:
    """The tokens of a prompt that a run of decoder layers sees: b examples, s columns."""

    columns: LongTensor  # (b, s) their columns in the whole prompt
    raster: LongTensor  # (b, s) index among the example's visual tokens, -1 elsewhere
    valid: BoolTensor  # (b, s) False: padding
    positions: LongTensor  # (axes, b, s) position ids
    whole: bool = True  # all tokens as the model has them; the fields below are for others
    padded: bool = False  # whether any row of `valid` has padding
    renumbered: bool = False  # whether positions are not the model's own
    shift: LongTensor | None = None  # (b,) how far back compaction moves what follows

    def visual(self) -> tuple[LongTensor, BoolTensor, LongTensor]:
        """(b, n) columns of the visual tokens, which of them are present, raster indices."""
        is_visual = self.raster >= 0
        most = int(is_visual.sum(1).max())
        columns = (~is_visual).byte().argsort(dim=1, stable=True)[:, :most]
        raster = self.raster.gather(1, columns)
        return columns, raster >= 0, raster.clamp(min=0)


def shadow(
    module: nn.Module, name: str, wrap: Callable[[Callable], Callable], cleanup: ExitStack
) -> None:
    """Let `wrap(method)` stand in for a method of this one module, until the cleanup."""
    before = vars(module).get(name)
    method = getattr(module, name)
    setattr(module, name, wraps(method)(wrap(method)))
    restore = (delattr, module, name) if before is None else (setattr, module, name, before)
    cleanup.callback(*restore)


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
        self._images: Mapping[str, Any] = {}  # `generate` encodes images before the prefill
        self._features: Tensor | None = None
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

    def _see_inputs(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        self.inputs = {"input_ids": args[0], **kwargs} if args else kwargs

    def _see_images(self, method: Callable) -> Callable:
        signature = inspect.signature(method)

        def seen(*args: Any, **kwargs: Any) -> Any:
            self._images = signature.bind(*args, **kwargs).arguments
            return method(*args, **kwargs)

        return seen

    def _see_features(self, module: nn.Module, args: tuple) -> None:
        self._features = args[0]

    def _see_text(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        cache, self._position_ids = kwargs.get("past_key_values"), kwargs.get("position_ids")
        if isinstance(cache, StaticCache):
            raise InputError("a static KV cache has one length for all layers; use a dynamic one")
        self.prefill = cache is None or cache.get_seq_length() == 0
        if self.prefill:
            given = {name: value for name, value in self.inputs.items() if value is not None}
            self.inputs = {**self._images, **given}
            self.layout = self._given or self.family.layout(self.model, self.inputs)
        else:
            self._features = None
        self._images = {}

    def segment(self, hidden: Tensor) -> Segment:
        """The whole prompt, of which `hidden` (b, s, dim) are the embeddings."""
        shape, device = hidden.shape[:2], hidden.device
        visual = self.layout.visual.to(device)
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
        rows = self.family.features(self.model, self._features, self.inputs)
        sizes = _view_sizes(self.layout)
        views = rows.split([sizes[number] for number in sorted(sizes)])
        examples = [torch.cat([views[each] for each in row]) for row in self.layout.views]
        return torch.stack(
            [each[index] for each, index in zip(examples, raster.cpu(), strict=True)]
        )


def _view_sizes(layout: Layout) -> dict[int, int]:
    """How many visual tokens each view of the batch has."""
    return {
        number: rows * columns
        for numbers, grids in zip(layout.views, layout.grids, strict=True)
        for number, (rows, columns) in zip(numbers, grids, strict=True)
    }


class Taps:
    """Keeps what a decoder layer computes its attention from."""

    def __init__(self, family: Family, decoder: nn.Module, index: int, cleanup: ExitStack):
        self._family, self._layer = family, decoder.layers[index]
        self._axes = family.rotary_axes(decoder) if len(family.axes) > 1 else None
        self._seen: dict[str, Any] = {}
        hook = self._layer.register_forward_pre_hook(self._see_layer, with_kwargs=True)
        cleanup.callback(hook.remove)
        for name, module in zip(("queries", "keys"), family.projections(self._layer), strict=True):
            cleanup.callback(module.register_forward_hook(self._keep(name)).remove)

    def _see_layer(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        self.see_arguments(kwargs)

    def see_arguments(self, kwargs: Mapping[str, Any]) -> None:
        """The keyword arguments that the layer is, or will be, called with."""
        self._seen |= {"rotary": kwargs["position_embeddings"], "mask": kwargs["attention_mask"]}

    def _keep(self, name: str) -> Callable:
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            self._seen[name] = self._family.split_heads(self._layer, output)

        return hook

    def take(self) -> Projected:
        """Of the latest call, which is forgotten."""
        seen, self._seen = self._seen, {}
        attention = self._layer.self_attn
        softcap = getattr(attention, "attn_logit_softcapping", None)
        return Projected(**seen, scale=attention.scaling, softcap=softcap, axes=self._axes)


def select_from(segment: Segment, hidden: Tensor, layout: Layout, **fields: Any) -> Selection:
    """What criteria see of a segment; `fields` are those that only some of them need."""
    columns, present, raster = segment.visual()
    places = layout.places.to(raster.device).gather(1, raster[..., None].expand(-1, -1, 5))
    return Selection(
        hidden=hidden,
        valid=segment.valid,
        positions=segment.positions,
        visual=columns,
        present=present,
        raster=raster,
        place=places[..., :2],
        shape=places[..., 2:4],
        view=places[..., 4],
        **fields,
    )
