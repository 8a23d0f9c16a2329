"""What decoder layers must be given for a pruned prompt instead of what the model gives them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

from prunescope.engine import masks
from prunescope.engine.caches import cache_of
from prunescope.engine.prompt import Watch
from prunescope.engine.segments import Segment, rows_of


class Arguments:
    """Masks and rotary embeddings for layers that see segments of a prompt."""

    def __init__(self, watch: Watch, decoder: nn.Module, segments: list[Segment]):
        self.watch, self.decoder, self.segments = watch, decoder, segments
        self.backend = decoder.config._attn_implementation
        self.made: dict[tuple, tuple[Any, Any]] = {}  # in this call: key -> (source, made of it)

    def clear(self) -> None:
        """Before each call of the model."""
        self.made.clear()

    def prefill(
        self, index: int, number: int, hidden: Tensor, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """What layer `index` must be given for segment `number` instead of the whole prompt's."""
        segment = self.segments[number]
        if segment.whole:
            return {}
        mask, rotary = kwargs["attention_mask"], kwargs["position_embeddings"]
        return {
            "attention_mask": self._once("mask", number, mask, self._mask, segment, hidden),
            "position_embeddings": self._once(
                "rotary", number, rotary, self._rotary, index, segment, hidden
            ),
            # only flash attention reads them here, and takes gaps for packed sequences
            "position_ids": None,
        }

    def _once(self, kind: str, number: int, source: Any, make: Callable, *arguments: Any) -> Any:
        """Layers that get the same object from the model share what is made of it."""
        key = (kind, number, id(source))
        if key not in self.made:
            self.made[key] = (source, make(source, *arguments))
        return self.made[key][1]

    def _mask(self, mask: Tensor | None, segment: Segment, hidden: Tensor) -> Tensor | None:
        if mask is not None:
            return masks.pick(mask, segment.columns, segment.valid)
        if not segment.padded:
            return None
        columns, valid = segment.columns, segment.valid
        return masks.causal(valid, columns, columns.shape[1], self.backend, hidden.dtype)

    def _rotary(
        self, rotary: tuple[Tensor, Tensor], index: int, segment: Segment, hidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        if segment.renumbered:
            return self.watch.family.rotary(self.decoder, index, hidden, segment.positions)
        columns = segment.columns
        return tuple(
            part.expand(len(columns), -1, -1)[rows_of(columns), columns] for part in rotary
        )

    def decode(
        self, index: int, number: int, hidden: Tensor, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """What a layer after a stage must be told when tokens are added to its short cache."""
        segment = self.segments[number]
        if segment.whole:
            return {}
        cache, window = cache_of(kwargs), masks.window_of(self.decoder.layers[index])
        mask = self._once("mask", number, window, self._decode_mask, segment, hidden, index, cache)
        step = {"attention_mask": mask, "position_ids": None}
        if segment.shift is not None:
            step["position_embeddings"] = self._once(
                "rotary", number, kwargs["position_embeddings"],
                self._decode_rotary, segment, hidden, index,
            )  # fmt: skip
        return step

    def _decode_mask(
        self, window: int | None, segment: Segment, hidden: Tensor, index: int, cache: Cache
    ) -> Tensor | None:
        new, total = hidden.shape[1], cache.get_seq_length(index) + hidden.shape[1]
        if not segment.padded and not self.watch.gaps and new == 1 and window is None:
            return None
        added = total - segment.valid.shape[1]
        length = self.segments[0].valid.shape[1]
        later = length + torch.arange(added, device=hidden.device).expand(len(hidden), -1)
        columns = torch.cat([segment.columns, later], 1)
        valid = torch.cat([segment.valid, self.watch.later(hidden, length, added)], 1)
        mask = masks.causal(valid, columns, new, self.backend, hidden.dtype, window)
        return mask[..., -cache.get_mask_sizes(new, index)[0] :]

    def _decode_rotary(
        self, rotary: Any, segment: Segment, hidden: Tensor, index: int
    ) -> tuple[Tensor, Tensor]:
        positions = self.watch.positions(hidden) - segment.shift[:, None]
        return self.watch.family.rotary(self.decoder, index, hidden, positions)
