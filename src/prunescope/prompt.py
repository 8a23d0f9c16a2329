"""Reading from a running model what its prompt looks like."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from transformers import StaticCache

from prunescope.criteria import Selection
from prunescope.errors import InputError
from prunescope.models import Family, Layout


@dataclass(frozen=True)
class Segment:
    """The tokens of a prompt that a run of decoder layers sees: b examples, s columns."""

    raster: LongTensor  # (b, s) raster index of a visual token, -1 elsewhere
    valid: BoolTensor  # (b, s) False: padding
    positions: LongTensor  # (b, s) position ids
    rotary: tuple[Tensor, Tensor]  # cos, sin, each (b or 1, s, head_dim)
    mask: Tensor | None  # as the attention backend wants it
    padded: bool = False  # whether any row of `valid` has padding; unknown for a whole prompt
    shift: LongTensor | None = None  # (b,) how far back compaction moves what follows

    def visual(self) -> tuple[LongTensor, BoolTensor, LongTensor]:
        """(b, n) columns of the visual tokens, which of them are present, raster indices."""
        is_visual = self.raster >= 0
        most = int(is_visual.sum(1).max())
        columns = (~is_visual).byte().argsort(dim=1, stable=True)[:, :most]
        raster = self.raster.gather(1, columns)
        return columns, raster >= 0, raster.clamp(min=0)


class Watch:
    """Follows the calls of a model: is it a prefill, which tokens are visual, which valid."""

    def __init__(
        self,
        model: nn.Module,
        family: Family,
        layout: Layout | None,
        cleanup: ExitStack,
    ):
        self.prefill = False
        self._model, self._family, self._given = model, family, layout
        self._inputs: Mapping[str, Any] = {}
        self._pixels: Tensor | None = None
        hooks = [(model, self._see_inputs), (family.decoder(model), self._see_text)]
        if (tower := family.vision(model)) is not None:
            hooks.append((tower, self._see_pixels))
        for module, hook in hooks:
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)

    def _see_inputs(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        self._inputs = {"input_ids": args[0], **kwargs} if args else kwargs

    def _see_pixels(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        # `generate` may run the vision tower by itself and leave the pixels out of the inputs
        self._pixels = args[0] if args else kwargs["pixel_values"]

    def _see_text(self, module: nn.Module, args: tuple, kwargs: dict) -> None:
        cache = kwargs.get("past_key_values")
        if isinstance(cache, StaticCache):
            raise InputError("a static KV cache has one length for all layers; use a dynamic one")
        self.prefill = cache is None or cache.get_seq_length() == 0
        if not self.prefill:
            self._pixels = None
        else:
            self.attention_mask = kwargs.get("attention_mask")
            self.layout = self._given or self._family.layout(self._model, self._inputs)

    def segment(self, hidden: Tensor, kwargs: Mapping[str, Any]) -> Segment:
        """The whole prompt, from the input (b, s, dim) and keyword arguments of a layer."""
        shape, device = hidden.shape[:2], hidden.device
        visual = self.layout.visual.to(device)
        if visual.shape != shape:
            raise InputError(f"layout.visual is {tuple(visual.shape)}, the input {tuple(shape)}")
        mask = self.attention_mask
        if mask is None:
            mask = torch.ones(shape, device=device)
        if mask.shape != shape:
            raise InputError(f"attention_mask is {tuple(mask.shape)}, expected {tuple(shape)}")
        return Segment(
            raster=(visual.long().cumsum(1) - 1).masked_fill(~visual, -1),
            valid=mask.to(device, torch.bool),
            positions=kwargs["position_ids"].expand(shape),
            rotary=kwargs["position_embeddings"],
            mask=kwargs["attention_mask"],
        )

    def content(self) -> list[bytes]:
        """A digest of each example's own input: prompt without padding, and pixels.

        One image per prompt. Equal bits give equal digests, alone or in a batch.
        """
        tokens = [self._inputs.get(key) for key in ("input_ids", "inputs_embeds")]
        tokens = [each for each in tokens if each is not None]
        pixels = self._inputs.get("pixel_values", self._pixels)
        mask = self.attention_mask
        digests = []
        for row in range(len(tokens[0])):
            valid = slice(None) if mask is None else mask[row].bool()
            parts = [each[row][valid] for each in tokens]
            parts += [] if pixels is None else [pixels[row]]
            digest = hashlib.blake2b()
            for part in parts:
                digest.update(part.detach().contiguous().cpu().view(torch.uint8).numpy())
            digests.append(digest.digest())
        return digests


class Taps:
    """Keeps the queries and keys that a decoder layer computes anyway, before rotary."""

    def __init__(self, family: Family, layer: nn.Module, cleanup: ExitStack):
        self._family, self._layer = family, layer
        self._seen: dict[str, Tensor] = {}
        for name, module in zip(("queries", "keys"), family.projections(layer), strict=True):
            cleanup.callback(module.register_forward_hook(self._keep(name)).remove)

    def _keep(self, name: str):
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            self._seen[name] = output

        return hook

    def take(self) -> dict[str, Tensor]:
        """queries (b, s, heads, d) and keys (b, s, key heads, d) of the latest call."""
        seen, self._seen = self._seen, {}
        return {name: self._family.split_heads(self._layer, out) for name, out in seen.items()}


def select_from(
    segment: Segment, hidden: Tensor, grid: tuple[int, int], **fields: Any
) -> Selection:
    """What criteria see of a segment; `fields` are those that only some of them need."""
    columns, present, raster = segment.visual()
    return Selection(
        hidden=hidden,
        valid=segment.valid,
        positions=segment.positions,
        visual=columns,
        present=present,
        raster=raster,
        grid=grid,
        rotary=segment.rotary,
        **fields,
    )
