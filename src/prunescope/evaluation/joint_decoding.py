"""Answers with several methods, decoded as one batch.

Each method prunes and caches the prompts by itself; then one `generate` goes on with all of them.
In every layer the caches, of unequal length, are padded on the left to the longest.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from functools import partial
from typing import Any

import torch
from torch import LongTensor, Tensor, nn
from torch.nn import functional
from transformers import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast

from prunescope.engine import masks
from prunescope.engine.caches import CACHE, cache_of
from prunescope.engine.patched_method import shadow
from prunescope.engine.segments import Segment
from prunescope.models import family_of
from prunescope.pruning import Trace


def can_join(model: nn.Module) -> bool:
    """Whether the prompts of several methods can be one batch: no layer forgets old tokens, and
    attention takes a mask for every example."""
    decoder = family_of(model).decoder(model)
    backend = decoder.config._attn_implementation
    return not backend.startswith("flash") and not any(map(masks.window_of, decoder.layers))


class Branch:
    """The prompts of a batch, pruned and cached with one method, and the first `limit` tokens of
    their greedy answers. Made within the method's `prune`."""

    def __init__(self, model: nn.Module, inputs: Mapping[str, Any], trace: Trace, limit: int = 1):
        output = model.generate(
            **inputs, max_new_tokens=limit, do_sample=False,
            return_dict_in_generate=True, output_logits=True,
        )  # fmt: skip
        self.trace, self.cache = trace, cache_of(output)
        self.tokens = output.sequences[:, inputs["input_ids"].shape[1] :]  # (b, at most `limit`)
        self.logits = output.logits[0]  # (b, vocabulary) of the first


def greedy_together(
    model: nn.Module, inputs: Mapping[str, Any], branches: Sequence[Branch], limit: int
) -> list[LongTensor]:
    """By branch the answers (b, at most `limit`) to the prompts, padded after their end, as the
    branches alone would go on. inputs: of each of them. Takes their caches."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    # The words are there for processors of logits; the images are not, so nothing may ask for them.
    ids = ids.where(~family_of(model).placeholders(model, inputs), ids[:, -1:])
    with ExitStack() as cleanup:
        shadow(model, "forward", partial(_Joined, model, branches, cleanup), cleanup)
        tokens = model.generate(
            input_ids=ids.repeat(len(branches), 1), attention_mask=mask.repeat(len(branches), 1),
            max_new_tokens=limit, do_sample=False,
        )  # fmt: skip
    return list(tokens[:, ids.shape[1] :].chunk(len(branches)))


class _Joined:
    """Stands in for the model's forward: the prompts of all branches are there already, and every
    layer goes on with its own part of them."""

    def __init__(
        self, model: nn.Module, branches: Sequence[Branch], cleanup: ExitStack, stock: Any
    ):
        self.branches, self.stock, self.family = branches, stock, family_of(model)
        self.decoder = self.family.decoder(model)
        self.parts = self._parts()
        prompts = [each.trace.segments[0].positions for each in branches]
        self.last = torch.cat([each.amax(0)[:, -1] for each in prompts])
        self.answered = 0
        self.made: dict[tuple, Any] = {}  # in this step, for layers that see the same segments
        for index, layer in enumerate(self.decoder.layers):
            hook = partial(self._before_layer, index)
            cleanup.callback(layer.register_forward_pre_hook(hook, with_kwargs=True).remove)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        cache = cache_of(kwargs)
        if cache.get_seq_length() == 0:
            self._fill(cache)
            logits = torch.cat([each.logits for each in self.branches])[:, None]
            return CausalLMOutputWithPast(logits=logits, **{CACHE: cache})
        self.made.clear()
        self.answered += 1
        position_ids = (self.last + self.answered)[:, None]
        return self.stock(*args, **{**kwargs, "position_ids": position_ids})

    def _parts(self) -> list["_Part"]:
        """By layer; layers that see the same share one."""
        parts, traces = {}, [each.trace for each in self.branches]
        numbers = [
            tuple(trace.segment_of(index) for trace in traces)
            for index in range(len(self.decoder.layers))
        ]
        for key in dict.fromkeys(numbers):
            parts[key] = _Part(
                [trace.segments[number] for trace, number in zip(traces, key, strict=True)]
            )
        return [parts[key] for key in numbers]

    def _fill(self, cache: Cache) -> None:
        parts = [each.cache.layers for each in self.branches]
        for index, layers in enumerate(zip(*parts, strict=True)):
            joined = copy(layers[0])
            joined.keys = _stacked([each.keys for each in layers])
            joined.values = _stacked([each.values for each in layers])
            cache.layers[index : index + 1] = [joined]
            for part in parts:
                part[index] = None  # its memory is free for what comes next

    def _before_layer(
        self, index: int, layer: nn.Module, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[tuple, dict[str, Any]]:
        hidden, part = args[0], self.parts[index]
        mask = self._once(("mask", part), self._mask, part, hidden)
        step = {"attention_mask": mask, "position_ids": None}
        if part.shift is not None:
            # rotary embeddings may differ by layer
            given = id(kwargs["position_embeddings"])
            step["position_embeddings"] = self._once(
                ("rotary", part, given), self._rotary, index, part, hidden
            )
        return args, {**kwargs, **step}

    def _once(self, key: tuple, make: Any, *arguments: Any) -> Any:
        if key not in self.made:
            self.made[key] = make(*arguments)
        return self.made[key]

    def _mask(self, part: "_Part", hidden: Tensor) -> Tensor | None:
        if part.valid is None:
            return None
        valid = functional.pad(part.valid, (0, self.answered), value=True)
        backend = self.decoder.config._attn_implementation
        return masks.causal(valid, valid, 1, backend, hidden.dtype)

    def _rotary(self, index: int, part: "_Part", hidden: Tensor) -> tuple[Tensor, Tensor]:
        positions = (self.last + self.answered - part.shift)[:, None]
        axes = len(self.family.axes)
        return self.family.rotary(
            self.decoder, index, hidden, positions.expand(axes, *positions.shape)
        )


class _Part:
    """What a run of layers sees of the prompts, in the rows of all branches.

    valid: (rows, most) False at padding, None if there is none; shift: (rows,) how far back
    compaction moves what follows, None if it does not.
    """

    def __init__(self, segments: Sequence[Segment]):
        valid = _stacked([each.valid[:, None, :, None] for each in segments])[:, 0, :, 0]
        self.valid = None if valid.all() else valid
        self.shift = None
        if any(each.shift is not None for each in segments):
            none = torch.zeros_like(segments[0].columns[:, 0])
            self.shift = torch.cat([none if s.shift is None else s.shift for s in segments])


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """(b, heads, s, dim) of each branch -> (branches * b, heads, most s, dim), zero on the left."""
    most = max(each.shape[2] for each in parts)
    return torch.cat([functional.pad(each, (0, 0, most - each.shape[2], 0)) for each in parts])
