"""Decodes the answers of several methods as one batch.

Each method prunes and caches the prompts by itself. Then one `generate` continues all of them. In
every layer the caches, which differ in length, are padded on the left to the longest.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from functools import partial
from typing import Any

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from torch.nn import functional
from transformers import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast

from prunescope.checkpoints.loaded import Loaded
from prunescope.engine import masks
from prunescope.engine.caches import CACHE, cache_of
from prunescope.engine.patched_method import patch_method
from prunescope.engine.segments import Segment
from prunescope.pruning import Trace


def can_join(loaded: Loaded) -> bool:
    """Whether the prompts of several methods can form one batch: no layer forgets old tokens, and
    attention takes a mask for every example."""
    decoder = loaded.decoder
    backend = decoder.config._attn_implementation
    return not backend.startswith("flash") and not any(map(masks.window_of, decoder.layers))


class Branch:
    """The prompts of a batch, pruned and cached with one method, and the first tokens of their
    greedy answers.

    Make it within the method's `prune`. limit: how many tokens at most.
    """

    def __init__(self, model: nn.Module, inputs: Mapping[str, Any], trace: Trace, limit: int = 1):
        output = model.generate(
            **inputs, max_new_tokens=limit, do_sample=False,
            return_dict_in_generate=True, output_logits=True,
        )  # fmt: skip
        self.trace, self.cache = trace, cache_of(output)
        self.tokens = output.sequences[:, inputs["input_ids"].shape[1] :]  # (b, at most `limit`)
        self.logits = output.logits[0]  # (b, vocabulary) of the first token


def greedy_together(
    loaded: Loaded, inputs: Mapping[str, Any], branches: Sequence[Branch], limit: int
) -> list[LongTensor]:
    """The answers of each branch, (b, at most `limit`) tokens, padded after their end.

    Equal to what each branch alone would answer. inputs: prompts that all branches began with. The
    branches lose their caches.
    """
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    # Processors of logits may read the words. Without pixels nothing may look for images, so the
    # last token of the prompt replaces the tokens of images.
    ids = ids.where(~loaded.family.placeholders(loaded.model, inputs), ids[:, -1:])
    with ExitStack() as cleanup:
        joined = partial(_Joined, loaded, branches, cleanup)
        patch_method(loaded.model, "forward", joined, cleanup)
        tokens = loaded.model.generate(
            input_ids=ids.repeat(len(branches), 1), attention_mask=mask.repeat(len(branches), 1),
            max_new_tokens=limit, do_sample=False,
        )  # fmt: skip
    return list(tokens[:, ids.shape[1] :].chunk(len(branches)))


class _Joined:
    """Stands in for the model's forward. The prompts of all branches are cached already; each layer
    continues with its own part of them."""

    def __init__(
        self, loaded: Loaded, branches: Sequence[Branch], cleanup: ExitStack, stock: Callable
    ):
        self.branches, self.stock = branches, stock
        self.family, self.decoder = loaded.family, loaded.decoder
        self.parts = self._parts()
        # (rows,) the last position of each prompt, the largest on any axis
        prompts = [branch.trace.segments[0].positions for branch in branches]
        self.last = torch.cat([positions.amax(0)[:, -1] for positions in prompts])
        self.steps = 0  # tokens decoded after the first
        self.made: dict[tuple, Any] = {}  # in this step, for layers that see the same segments
        for index, layer in enumerate(self.decoder.layers):
            hook = partial(self._before_layer, index)
            cleanup.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        cache = cache_of(kwargs)
        if cache.get_seq_length() == 0:  # the prefill, which the branches have computed
            self._fill(cache)
            logits = torch.cat([branch.logits for branch in self.branches])[:, None]
            return CausalLMOutputWithPast(logits=logits, **{CACHE: cache})
        self.made.clear()
        self.steps += 1
        position_ids = (self.last + self.steps)[:, None]
        return self.stock(*args, **{**kwargs, "position_ids": position_ids})

    def _parts(self) -> list["_Part"]:
        """The part that each layer sees. Layers that see the same segments share one."""
        traces = [branch.trace for branch in self.branches]
        numbers = [
            tuple(trace.segment_of(index) for trace in traces)
            for index in range(len(self.decoder.layers))
        ]
        parts = {
            key: _Part([trace.segments[n] for trace, n in zip(traces, key, strict=True)])
            for key in dict.fromkeys(numbers)
        }
        return [parts[key] for key in numbers]

    def _fill(self, cache: Cache) -> None:
        """Move the branches' caches into one."""
        caches = [branch.cache.layers for branch in self.branches]
        for index, layers in enumerate(zip(*caches, strict=True)):
            joined = copy(layers[0])
            joined.keys = _stacked([layer.keys for layer in layers])
            joined.values = _stacked([layer.values for layer in layers])
            cache.layers[index : index + 1] = [joined]
            for branch_layers in caches:
                branch_layers[index] = None  # frees its memory for the layers that follow

    def _before_layer(
        self, index: int, layer: nn.Module, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[tuple, dict[str, Any]]:
        hidden, part = args[0], self.parts[index]
        mask = self._once(("mask", part), self._mask, part, hidden)
        step = {"attention_mask": mask, "position_ids": None}
        if part.shift is not None:
            # Layers may have different rotary embeddings, so the object is part of the key.
            stock = id(kwargs["position_embeddings"])
            step["position_embeddings"] = self._once(
                ("rotary", part, stock), self._rotary, index, part, hidden
            )
        return args, {**kwargs, **step}

    def _once(self, key: tuple, make: Callable, *arguments: Any) -> Any:
        if key not in self.made:
            self.made[key] = make(*arguments)
        return self.made[key]

    def _mask(self, part: "_Part", hidden: Tensor) -> Tensor | None:
        if part.valid is None:
            return None
        valid = functional.pad(part.valid, (0, self.steps), value=True)
        backend = self.decoder.config._attn_implementation
        return masks.causal(valid, valid, 1, backend, hidden.dtype)

    def _rotary(self, index: int, part: "_Part", hidden: Tensor) -> tuple[Tensor, Tensor]:
        positions = (self.last + self.steps - part.shift)[:, None]
        axes = len(self.family.axes)
        return self.family.rotary(
            self.decoder, index, hidden, positions.expand(axes, *positions.shape)
        )


class _Part:
    """The prompts as one run of layers sees them, in the rows of all branches.

    valid: (rows, longest) False at padding; None if there is no padding. shift: (rows,) how far
    back compaction moves the tokens that follow; None if it moves none.
    """

    def __init__(self, segments: Sequence[Segment]):
        valid = _stacked_rows([segment.valid for segment in segments])
        self.valid = None if valid.all() else valid
        self.shift = None
        if any(segment.shift is not None for segment in segments):
            zero = torch.zeros_like(segments[0].columns[:, 0])
            shifts = [segment.shift for segment in segments]
            self.shift = torch.cat([zero if shift is None else shift for shift in shifts])


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """(b, heads, s, dim) of each branch -> (branches * b, heads, longest s, dim), zero on the
    left."""
    longest = max(part.shape[2] for part in parts)
    pads = [(0, 0, longest - part.shape[2], 0) for part in parts]
    return torch.cat([functional.pad(part, pad) for part, pad in zip(parts, pads, strict=True)])


def _stacked_rows(parts: Sequence[BoolTensor]) -> BoolTensor:
    """(b, s) of each branch -> (branches * b, longest s), False on the left."""
    longest = max(part.shape[1] for part in parts)
    return torch.cat([functional.pad(part, (longest - part.shape[1], 0)) for part in parts])
