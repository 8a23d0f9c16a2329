"""The hooks that carry out a method on a model."""

from collections.abc import Callable, Mapping
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
from prunescope.engine.arguments import LayerArguments
from prunescope.engine.caches import cache_of
from prunescope.engine.projections import ProjectionRecorder
from prunescope.engine.prompt import PromptReader, embeddings
from prunescope.engine.segments import rows_of, select_from
from prunescope.engine.trace import Trace
from prunescope.errors import InputError
from prunescope.methods import Method, check_grid

# Needs whose field in `Selection` has another name.
FIELDS = {"previous": "projected", "own": "projected"}


class Engine:
    """The hooks of one `prune`, and the state that they share.

    side_information: boxes and kept tokens by example, for criteria that need them.
    """

    def __init__(
        self,
        reader: PromptReader,
        decoder: nn.Module,
        method: Method,
        side_information: Mapping[str, Any],
        cleanup: ExitStack,
    ):
        self.reader, self.family, self.decoder = reader, reader.family, decoder
        self.method, self.side_information = method, side_information
        self.axes = self.family.rotary_axes(decoder) if len(self.family.axes) > 1 else None
        # Whether a position id says where a token is in the image, not its turn in the sequence.
        self.positions_are_places = len(self.family.axes) > 1 or getattr(
            decoder.config, "positions_are_places", False
        )
        layers = method.layers(len(decoder.layers))
        self.trace = Trace(layers, len(decoder.layers))
        self.stages = dict(zip(layers, method.stages, strict=True))
        self.injected: dict[int, Tensor] = {}  # layer -> (b, s, dim) to add to its input
        self.cache: ReferenceType[Cache] | None = None  # cache of the latest prefill
        self.arguments = LayerArguments(reader, decoder, self.trace.segments)
        hooks = [(reader.model, self._before_model), (decoder, self._before_decoder)]
        hooks += [(layer, self._before_layer(i)) for i, layer in enumerate(decoder.layers)]
        for module, hook in hooks:
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        # Registered last, so that these see the arguments that the hooks above give to layers.
        self.recorders = {
            layer: ProjectionRecorder(self.family, decoder.layers[layer - 1], self.axes, cleanup)
            for layer, stage in self.stages.items()
            if "previous" in stage.needs()
        }
        if any("features" in stage.needs() for stage in method.stages):
            reader.read_features(cleanup)
        if any("received" in stage.needs() for stage in method.stages):
            reader.read_tower(cleanup)

    def _before_model(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Add position ids to tokens after the prompt: they continue from the prompt's last.

        The model would count from the length of the cache of layer 0, which may be pruned.
        """
        cache = cache_of(kwargs)
        continues = cache is not None and cache.get_seq_length() > 0
        if not continues or not self.trace.segments or kwargs.get("position_ids") is not None:
            return args, kwargs
        prompt = self.trace.segments[0].positions.amax(0)
        new = torch.arange(embeddings(args, kwargs).shape[1], device=prompt.device)
        position_ids = prompt[:, -1:] + 1 + self._tokens_after_prompt(cache) + new
        return args, {**kwargs, "position_ids": position_ids}

    def _before_decoder(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Start a new trace in a prefill; check that other calls continue the latest one."""
        self.arguments.clear()
        hidden = embeddings(args, kwargs)
        if not self.reader.prefill:
            self._check_continues(cache_of(kwargs), hidden)
            return args, kwargs
        if self.reader.inputs.get("labels") is not None:
            raise InputError("labels: a pruned prompt has no loss; call without them")
        kwargs, injections = self.family.take_injections(kwargs)
        for grid in set(chain(*self.reader.layout.grids)):
            check_grid(self.method, grid)
        self.trace.segments[:] = [self.reader.segment(hidden)]
        self.injected = {
            layer: self._at_visual_columns(rows, hidden) for layer, rows in enumerate(injections, 1)
        }
        return args, kwargs

    def _check_continues(self, cache: Cache, hidden: Tensor) -> None:
        """Raise InputError unless the tokens go on where the latest prefill's cache ends."""
        if self.cache is None or self.cache() is not cache:
            raise InputError(
                "this KV cache was filled outside of this `prune`, or before its latest prefill"
            )
        prompt, mask = self.trace.segments[0], self.reader.inputs.get("attention_mask")
        later = self._tokens_after_prompt(cache) + hidden.shape[1]
        if mask is not None:
            repeats_prompt = mask.shape[1] < prompt.valid.shape[1] + later
        else:  # a single token cannot hold a prompt
            last = prompt.positions.amax() + later
            positions = self.reader.positions(hidden)
            repeats_prompt = hidden.shape[1] > 1 and bool(positions.amax() < last)
        if repeats_prompt:
            raise InputError(
                "the prompt comes again after its own KV cache: `generate` takes the length of the "
                "cache at layer 0 for that of the prompt, and cannot continue one that is pruned "
                "there"
            )

    def _tokens_after_prompt(self, cache: Cache) -> int:
        """How many tokens the cache holds after the prompt."""
        prompt = self.trace.segments[self.trace.segment_of(0)].valid.shape[1]
        return cache.get_seq_length() - prompt

    def _at_visual_columns(self, rows: Tensor, hidden: Tensor) -> Tensor:
        """(visual tokens of the batch, dim) rows -> (b, s, dim), zero at text."""
        visual = self.reader.layout.visual.to(hidden.device)
        result = torch.zeros_like(hidden)
        result[visual] = rows.to(hidden)
        return result

    def _before_layer(self, index: int) -> Callable:
        def hook(layer: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            hidden, *rest = args
            if not self.reader.prefill:
                segment = self.trace.segment_of(index)
                return args, {**kwargs, **self.arguments.decode(index, segment, hidden, kwargs)}
            cache = cache_of(kwargs)
            self.cache = None if cache is None else ref(cache)
            hidden = self._with_injection(index, hidden)
            if index in self.stages:
                hidden = self._run_stage(index, hidden, kwargs)
            segment = len(self.trace.segments) - 1
            changes = self.arguments.prefill(index, segment, hidden, kwargs)
            return (hidden, *rest), {**kwargs, **changes}

        return hook

    def _with_injection(self, index: int, hidden: Tensor) -> Tensor:
        """The input of a layer, plus what the family adds there to the tokens that are left."""
        if (injection := self.injected.pop(index, None)) is None:
            return hidden
        columns = self.trace.segments[-1].columns  # (b, s) in the whole prompt
        return hidden + injection[rows_of(columns), columns]

    def _run_stage(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Tensor:
        """Carry out the stage before layer `index`: its input (b, s, dim) -> (b, fewer, dim)."""
        stage = self.stages[index]
        hidden = self._in_scan_order(stage.scan, hidden)
        number, segment = len(self.trace.segments) - 1, self.trace.segments[-1]
        layer_kwargs = {**kwargs, **self.arguments.prefill(index, number, hidden, kwargs)}
        keep = self._tokens_to_keep(index, hidden, layer_kwargs)
        if stage.positions == "original" and torch.equal(keep, segment.valid):
            self.trace.segments.append(segment)
            return hidden
        # (b, width) the columns that stay. A stable sort of 0 (dropped) and 1 (kept) moves kept
        # tokens to the right in their order; dropped ones at the left pad shorter examples.
        width = int(keep.sum(1).max())
        order = keep.byte().argsort(dim=1, stable=True)[:, keep.shape[1] - width :]
        pruned_segment = segments.take(segment, order, keep)
        if stage.positions == "compact":
            pruned_segment = segments.compact(pruned_segment, prompt=self.trace.segments[0])
        elif stage.positions == "shuffled":
            pruned_segment = segments.shuffled(pruned_segment, self.reader.content())
        self.trace.segments.append(pruned_segment)
        return hidden[rows_of(order), order]

    def _in_scan_order(self, scan: str, hidden: Tensor) -> Tensor:
        """The input of layer 0, with visual tokens in the order in which the model is to read."""
        if scan == "raster":
            return hidden
        prompt = self.trace.segments[-1]
        order = segments.scan_order(prompt, scan, self.reader.layout)
        self.trace.segments[-1] = segments.scanned(prompt, order, self.positions_are_places)
        rows = rows_of(order)
        self.injected = {layer: added[rows, order] for layer, added in self.injected.items()}
        return hidden[rows, order]

    def _tokens_to_keep(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> BoolTensor:
        """(b, s) True at text and at the visual tokens that the stage keeps."""
        stage, segment = self.stages[index], self.trace.segments[-1]
        self._check_finite(index, hidden, segment.valid)
        selection = select_from(segment, hidden, self.reader.layout)
        selection = replace(selection, **self._optional_fields(index, selection, kwargs))
        counts = None
        if stage.keep is not None:
            remaining = selection.present.sum(1).tolist()
            total = (self.trace.segments[0].raster >= 0).sum(1).tolist()
            counts = torch.tensor(list(map(stage.count, remaining, total)), device=hidden.device)
        chosen = stage.score.select(selection, counts)  # (b, n)
        if stage.always is not None:
            chosen = chosen | stage.always.select(selection, None)
        text = segment.valid & (segment.raster < 0)
        return text | torch.zeros_like(text).scatter(1, selection.visual, chosen)

    def _check_finite(self, index: int, hidden: Tensor, valid: BoolTensor) -> None:
        """Raise InputError if a token's input of layer `index` is not finite."""
        broken = (~hidden.isfinite().all(-1) & valid).any(1)
        if broken.any():
            raise InputError(
                f"the input of decoder layer {index} holds NaN or infinite numbers, "
                f"in examples {broken.nonzero()[:, 0].tolist()} of the batch"
            )

    def _optional_fields(
        self, index: int, selection: Selection, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Fields that are computed only for stages that need them."""
        makers = {
            "previous": lambda: self.recorders[index].take(),
            "own": lambda: self._project(index, selection.hidden, kwargs),
            "content": self.reader.content,
            "features": lambda: self.reader.features(selection.raster),
            "received": lambda: self.reader.received(selection.raster),
            "boxes": lambda: self._by_example("boxes", selection).to(selection.hidden.device),
            "kept": lambda: self._by_example("kept", selection),
        }
        needs = self.stages[index].needs() & makers.keys()
        return {FIELDS.get(need, need): makers[need]() for need in needs}

    def _project(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Projected:
        """Queries and keys that layer `index` would compute if nothing were dropped before it."""
        layer = self.decoder.layers[index]
        with ExitStack() as cleanup:
            recorder = ProjectionRecorder(self.family, layer, self.axes, cleanup)
            recorder.see_arguments(kwargs)
            self.family.project(layer, hidden)
        return recorder.take()

    def _by_example(self, name: str, selection: Selection) -> Any:
        """Side information of each row; `generate` repeats examples for its beams and samples."""
        values, batch = self.side_information[name], len(selection.raster)
        if batch % len(values):
            raise InputError(f"{name} of {len(values)} examples for a batch of {batch}")
        repeated = [value for value in values for _ in range(batch // len(values))]
        return torch.stack(repeated) if isinstance(values, Tensor) else repeated
