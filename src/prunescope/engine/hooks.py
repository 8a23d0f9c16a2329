"""The hooks that carry out a method on a model."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import BoolTensor, Tensor, nn
from transformers import Cache

from prunescope.criteria import Projected, Selection
from prunescope.engine import segments
from prunescope.engine.arguments import Arguments
from prunescope.engine.caches import cache_of
from prunescope.engine.projections import Taps
from prunescope.engine.prompt import Watch, embeddings
from prunescope.engine.segments import rows_of, select_from
from prunescope.engine.trace import Trace
from prunescope.errors import InputError
from prunescope.methods import Method, check_grid

FIELDS = {"previous": "projected", "own": "projected"}  # where a need is met by another name


class Engine:
    """The hooks of one `prune` and the state between them."""

    def __init__(
        self,
        watch: Watch,
        decoder: nn.Module,
        method: Method,
        told: dict[str, Any],
        cleanup: ExitStack,
    ):
        self.watch, self.family, self.decoder = watch, watch.family, decoder
        self.method, self.told = method, told
        self.axes = self.family.rotary_axes(decoder) if len(self.family.axes) > 1 else None
        # whether position ids are places in the image, not turns in the sequence
        self.places = len(self.family.axes) > 1 or getattr(
            decoder.config, "positions_are_places", False
        )
        layers = method.layers(len(decoder.layers))
        self.trace = Trace(layers, len(decoder.layers))
        self.stages = dict(zip(layers, method.stages, strict=True))
        self.injected: dict[int, Tensor] = {}  # before layer i, added to the prompt (b, s, dim)
        self.cache: ReferenceType[Cache] | None = None  # of the latest prefill
        self.arguments = Arguments(watch, decoder, self.trace.segments)
        hooks = [(watch.model, self._before_model), (decoder, self._before_decoder)]
        hooks += [(layer, self._before_layer(i)) for i, layer in enumerate(decoder.layers)]
        for module, hook in hooks:
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        # These come last, to see what layers get from the hooks above.
        self.taps = {
            layer: Taps(self.family, decoder.layers[layer - 1], self.axes, cleanup)
            for layer, stage in self.stages.items()
            if "previous" in stage.needs()
        }
        if any("features" in stage.needs() for stage in method.stages):
            watch.watch_features(cleanup)
        if any("received" in stage.needs() for stage in method.stages):
            watch.watch_tower(cleanup)

    def _before_model(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Count positions on from the prompt. The model would count from the cache of layer 0,
        which may itself be pruned."""
        cache = cache_of(kwargs)
        begun = cache is not None and cache.get_seq_length() > 0
        if not begun or not self.trace.segments or kwargs.get("position_ids") is not None:
            return args, kwargs
        prompt = self.trace.segments[0].positions.amax(0)
        new = torch.arange(embeddings(args, kwargs).shape[1], device=prompt.device)
        position_ids = prompt[:, -1:] + 1 + self._answered(cache) + new
        return args, {**kwargs, "position_ids": position_ids}

    def _before_decoder(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        self.arguments.clear()
        if self.watch.prefill:
            if self.watch.inputs.get("labels") is not None:
                raise InputError("labels: a pruned prompt has no loss; call without them")
            kwargs, added = self.family.take_injections(kwargs)
            for grid in set(chain(*self.watch.layout.grids)):
                check_grid(self.method, grid)
            hidden = embeddings(args, kwargs)
            self.trace.segments[:] = [self.watch.segment(hidden)]
            self.injected = {i: self._spread(each, hidden) for i, each in enumerate(added, 1)}
        else:
            self._check_continues(cache_of(kwargs), embeddings(args, kwargs))
        return args, kwargs

    def _check_continues(self, cache: Cache, hidden: Tensor) -> None:
        """Raise InputError unless the tokens go on where the latest prefill's cache ends."""
        if self.cache is None or self.cache() is not cache:
            raise InputError(
                "this KV cache was filled outside of this `prune`, or before its latest prefill"
            )
        prompt, mask = self.trace.segments[0], self.watch.inputs.get("attention_mask")
        later = self._answered(cache) + hidden.shape[1]
        if mask is not None:
            again = mask.shape[1] < prompt.valid.shape[1] + later
        else:  # one token alone has no place for a prompt
            last = prompt.positions.amax() + later
            again = hidden.shape[1] > 1 and bool(self.watch.positions(hidden).amax() < last)
        if again:
            raise InputError(
                "the prompt is there again after its own KV cache: `generate` cannot go on from a "
                "cache that is cut at layer 0, as it takes its length for that of the prompt"
            )

    def _answered(self, cache: Cache) -> int:
        """How many tokens have come after the prompt."""
        prompt = self.trace.segments[self.trace.segment_of(0)].valid.shape[1]
        return cache.get_seq_length() - prompt

    def _spread(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """(visual tokens, dim) -> (b, s, dim), zero at text."""
        visual = self.watch.layout.visual.to(hidden.device)
        spread = torch.zeros_like(hidden)
        spread[visual] = rows.to(hidden)
        return spread

    def _before_layer(self, index: int) -> Callable:
        def hook(layer: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            hidden, *rest = args
            if not self.watch.prefill:
                number = self.trace.segment_of(index)
                return args, {**kwargs, **self.arguments.decode(index, number, hidden, kwargs)}
            number, cache = len(self.trace.segments) - 1, cache_of(kwargs)
            self.cache = None if cache is None else ref(cache)
            if (added := self.injected.pop(index, None)) is not None:
                columns = self.trace.segments[number].columns
                hidden = hidden + added[rows_of(columns), columns]
            if index in self.stages:
                hidden = self._in_scan_order(self.stages[index].scan, hidden)
                seen = {**kwargs, **self.arguments.prefill(index, number, hidden, kwargs)}
                hidden = self._cut(index, hidden, seen)
                number += 1
            return (hidden, *rest), {
                **kwargs,
                **self.arguments.prefill(index, number, hidden, kwargs),
            }

        return hook

    def _in_scan_order(self, scan: str, hidden: Tensor) -> Tensor:
        """The input of layer 0 with its visual tokens in the order in which they are to be read."""
        if scan == "raster":
            return hidden
        prompt = self.trace.segments[-1]
        order = segments.scan_order(prompt, scan, self.watch.layout)
        self.trace.segments[-1] = segments.scanned(prompt, order, self.places)
        rows = rows_of(order)
        self.injected = {index: each[rows, order] for index, each in self.injected.items()}
        return hidden[rows, order]

    def _cut(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Tensor:
        """Carry out the stage at layer `index` on its input (b, s, dim); what stays of it."""
        stage, before = self.stages[index], self.trace.segments[-1]
        keep = self._tokens_to_keep(index, hidden, kwargs)
        if stage.positions == "original" and torch.equal(keep, before.valid):
            self.trace.segments.append(before)
            return hidden
        # Stable, so that the order stays; what is dropped goes first and pads shorter examples.
        most = int(keep.sum(1).max())
        order = keep.byte().argsort(dim=1, stable=True)[:, keep.shape[1] - most :]
        after = segments.take(before, order, keep)
        if stage.positions == "compact":
            after = segments.compact(after, whole=self.trace.segments[0])
        elif stage.positions == "shuffled":
            after = segments.shuffled(after, self.watch.content())
        self.trace.segments.append(after)
        return hidden[rows_of(order), order]

    def _tokens_to_keep(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> BoolTensor:
        """(b, s) all text and the visual tokens that the stage keeps."""
        stage, before = self.stages[index], self.trace.segments[-1]
        self._check_finite(index, hidden, before.valid)
        selection = select_from(before, hidden, self.watch.layout)
        selection = replace(selection, **self._asked_for(index, selection, kwargs))
        counts = None
        if stage.keep is not None:
            left = selection.present.sum(1).tolist()
            begun = (self.trace.segments[0].raster >= 0).sum(1).tolist()
            counts = torch.tensor(list(map(stage.count, left, begun)), device=hidden.device)
        chosen = stage.score.select(selection, counts)
        if stage.always is not None:
            chosen = chosen | stage.always.select(selection, None)
        keep = before.valid & (before.raster < 0)
        return keep | torch.zeros_like(keep).scatter(1, selection.visual, chosen)

    def _check_finite(self, index: int, hidden: Tensor, valid: BoolTensor) -> None:
        broken = (~hidden.isfinite().all(-1) & valid).any(1)
        if broken.any():
            raise InputError(
                f"the input of decoder layer {index} holds NaN or infinite numbers, "
                f"in examples {broken.nonzero()[:, 0].tolist()} of the batch"
            )

    def _asked_for(
        self, index: int, selection: Selection, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """What the criteria of the stage need beyond what every selection has."""
        made = {
            "previous": lambda: self.taps[index].take(),
            "own": lambda: self._project(index, selection.hidden, kwargs),
            "content": self.watch.content,
            "features": lambda: self.watch.features(selection.raster),
            "received": lambda: self.watch.received(selection.raster),
            "boxes": lambda: self._told("boxes", selection).to(selection.hidden.device),
            "kept": lambda: self._told("kept", selection),
        }
        needs = self.stages[index].needs() & made.keys()
        return {FIELDS.get(need, need): made[need]() for need in needs}

    def _project(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Projected:
        """What layer `index` will compute its attention from if nothing is dropped."""
        layer = self.decoder.layers[index]
        with ExitStack() as cleanup:
            taps = Taps(self.family, layer, self.axes, cleanup)
            taps.see_arguments(kwargs)
            self.family.project(layer, hidden)
        return taps.take()

    def _told(self, name: str, selection: Selection) -> Any:
        """For each example; `generate` repeats examples for its beams and samples."""
        told, batch = self.told[name], len(selection.raster)
        if batch % len(told):
            raise InputError(f"{name} of {len(told)} examples for a batch of {batch}")
        repeated = [each for each in told for _ in range(batch // len(told))]
        return torch.stack(repeated) if isinstance(told, Tensor) else repeated
