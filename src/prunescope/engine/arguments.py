"""Masks and rotary embeddings of pruned prompts, instead of the model's."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache

from prunescope.engine import masks
from prunescope.engine.caches import cache_of
from prunescope.engine.prompt import PromptReader
from prunescope.engine.segments import Segment, rows_of


class LayerArguments:
    """Makes the keyword arguments of decoder layers that see a segment of a prompt."""

    def __init__(self, reader: PromptReader, decoder: nn.Module, segments: list[Segment]):
        self.reader, self.decoder, self.segments = reader, decoder, segments
        self.backend = decoder.config._attn_implementation
        # Results of this call: key -> (the model's own argument, the result). The argument is held
        # so that its id, which is in the key, is not given to another object.
        self.shared: dict[tuple, tuple[Any, Any]] = {}

    def clear(self) -> None:
        """Forget earlier results. Called before each forward of the model."""
        self.shared.clear()

    def prefill(
        self, index: int, number: int, hidden: Tensor, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Arguments that differ from `kwargs` when layer `index` sees segment `number` with the
        input `hidden` (b, s, dim)."""
        segment = self.segments[number]
        if segment.whole:
            return {}
        mask, rotary = kwargs["attention_mask"], kwargs["position_embeddings"]
        return {
            "attention_mask": self._share("mask", number, mask, self._mask, segment, hidden),
            "position_embeddings": self._share(
                "rotary", number, rotary, self._rotary, index, segment, hidden
            ),
            # Only flash attention reads position ids here; it takes gaps for packed sequences.
            "position_ids": None,
        }

    def _share(self, kind: str, number: int, source: Any, make: Callable, *arguments: Any) -> Any:
        """`make(source, *arguments)`, computed once for all layers that get the same object
        `source` from the model and see the same segment."""
        key = (kind, number, id(source))
        if key not in self.shared:
            self.shared[key] = (source, make(source, *arguments))
        return self.shared[key][1]

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
            return self.reader.family.rotary(self.decoder, index, hidden, segment.positions)
        columns = segment.columns
        return tuple(
            part.expand(len(columns), -1, -1)[rows_of(columns), columns] for part in rotary
        )

    def decode(
        self, index: int, number: int, hidden: Tensor, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Arguments that differ from `kwargs` when layer `index` gets tokens `hidden` (b, new, dim)
        after the prompt, with segment `number` in its cache."""
        segment = self.segments[number]
        if segment.whole:
            return {}
        cache, window = cache_of(kwargs), masks.window_of(self.decoder.layers[index])
        mask = self._share("mask", number, window, self._decode_mask, segment, hidden, index, cache)
        changes = {"attention_mask": mask, "position_ids": None}
        if segment.shift is not None:
            changes["position_embeddings"] = self._share(
                "rotary", number, kwargs["position_embeddings"],
                self._decode_rotary, segment, hidden, index,
            )  # fmt: skip
        return changes

    def _decode_mask(
        self, window: int | None, segment: Segment, hidden: Tensor, index: int, cache: Cache
    ) -> Tensor | None:
        new, total = hidden.shape[1], cache.get_seq_length(index) + hidden.shape[1]
        if not segment.padded and not self.reader.has_gaps and new == 1 and window is None:
            return None
        # Keys are the remaining tokens of the prompt, then the `added` ones after it. Windows count
        # columns of the whole prompt, so the added keys start at its length.
        added = total - segment.valid.shape[1]
        length = self.segments[0].valid.shape[1]
        later = length + torch.arange(added, device=hidden.device).expand(len(hidden), -1)
        columns = torch.cat([segment.columns, later], 1)
        valid_later = self.reader.valid_after_prompt(hidden, length, added)
        valid = torch.cat([segment.valid, valid_later], 1)
        mask = masks.causal(valid, columns, new, self.backend, hidden.dtype, window)
        return mask[..., -cache.get_mask_sizes(new, index)[0] :]

    def _decode_rotary(
        self, rotary: Any, segment: Segment, hidden: Tensor, index: int
    ) -> tuple[Tensor, Tensor]:
        positions = self.reader.positions(hidden) - segment.shift[:, None]
        return self.reader.family.rotary(self.decoder, index, hidden, positions)
