"""Carry out a method on a stock model: hooks go in, tokens are dropped, hooks come out."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from itertools import chain
from typing import Any

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from torch.nn import functional
from transformers import Cache

from prunescope import masks
from prunescope.criteria import Projected, Selection
from prunescope.errors import InputError
from prunescope.methods import Method, check, check_grid
from prunescope.models import Family, Layout, family_of
from prunescope.positions import closed_up, permuted
from prunescope.prompt import Segment, Taps, Watch, select_from

__all__ = ["Layout", "Trace", "prune"]

FIELDS = {"previous": "projected", "own": "projected"}  # where a need is met by another name


class Trace:
    """What happened in the latest prefill."""

    def __init__(self, layers: list[int], depth: int):
        self.layers, self.depth = layers, depth
        self.segments: list[Segment] = []  # before the first stage, after it, ...

    def segment_of(self, layer: int) -> int:
        """Which segment decoder layer `layer` sees."""
        return sum(start <= layer for start in self.layers)

    @property
    def kept(self) -> list[list[LongTensor]]:
        """Per stage and example: sorted raster indices of the visual tokens left, counted over
        all images of the example."""
        return [[row[row >= 0].cpu() for row in each.raster] for each in self.segments[1:]]

    @property
    def kv_lengths(self) -> list[list[int]]:
        """Per decoder layer and example: tokens in the KV cache when decoding starts (of which a
        layer with a sliding window keeps the last)."""
        lengths = [each.valid.sum(1).tolist() for each in self.segments]
        return [lengths[self.segment_of(layer)] for layer in range(self.depth)]


class prune(AbstractContextManager[Trace]):
    """Within the `with`, every prefill of the model drops visual tokens as the method says.

    For `generate` and plain calls; eager, sdpa and flash attention; any batch, padded on the
    left; dynamic KV caches. A forward pass without a cache, or with an empty one, is a prefill;
    others continue it. Layers from a stage on compute and cache the remaining tokens only, and
    examples with fewer of them are padded on the left: read outputs from the right. A prompt may
    have several images; a stage's budget is of all visual tokens of an example. The hooks are
    gone afterwards, also after an exception.

    layout: where the visual tokens are, for inputs that do not tell (`inputs_embeds`, a bare
    decoder). boxes (batch, 4), the true boxes x1 y1 x2 y2 in [0, 1], and kept, raster indices by
    example: for criteria that need to be told. Raises InputError for a model, method or input
    that does not fit.
    """

    def __init__(
        self,
        model: nn.Module,
        method: Method,
        layout: Layout | None = None,
        *,
        boxes: Tensor | None = None,
        kept: Sequence[LongTensor] | None = None,
    ):
        self.model, self.method, self.layout = model, method, layout
        self.told = {name: x for name, x in (("boxes", boxes), ("kept", kept)) if x is not None}
        self._cleanup: ExitStack | None = None

    def __enter__(self) -> Trace:
        if self._cleanup is not None:
            raise InputError("a `prune` serves one `with`; make another")
        family = family_of(self.model)
        decoder = family.decoder(self.model)
        _check(self.method, self.model, family, decoder, self.told)
        with ExitStack() as cleanup:
            watch = Watch(self.model, family, self.layout, cleanup)
            trace = _Engine(watch, decoder, self.method, self.told, cleanup).trace
            self._cleanup = cleanup.pop_all()
        return trace

    def __exit__(self, *exception: Any) -> None:
        self._cleanup.close()


def _check(
    method: Method, model: nn.Module, family: Family, decoder: nn.Module, told: dict[str, Any]
) -> None:
    check(method, len(decoder.layers), family.grid(model))
    masks.check_backend(decoder.config._attn_implementation)
    masks.check_windows(decoder.config._attn_implementation, decoder.layers)
    lacking = {
        "boxes": "boxes" not in told and "the true boxes: prune(..., boxes=...)",
        "kept": "kept" not in told and "the tokens to replay: prune(..., kept=...)",
        "features": family.projector(model) is None and "features of a vision tower",
        "axes": len(family.axes) == 1 and "positions of several axes",
    }
    for criterion in method.criteria():
        for need in sorted(criterion.needs):
            if what := lacking.get(need):
                raise InputError(
                    f"method {method.name!r}: {criterion.name} needs {what}, "
                    f"which {type(model).__name__} was not given or does not have"
                )


class _Engine:
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
        self.backend = decoder.config._attn_implementation
        layers = method.layers(len(decoder.layers))
        self.trace = Trace(layers, len(decoder.layers))
        self.stages = dict(zip(layers, method.stages, strict=True))
        self.injected: list[Tensor] = []  # after layer i, what it adds to the prompt (b, s, dim)
        self.made: dict[tuple, tuple[Any, Any]] = {}  # in this call: key -> (source, made of it)
        hooks = {watch.model: self._before_model, decoder: self._before_decoder}
        hooks |= {layer: self._before_layer(i) for i, layer in enumerate(decoder.layers)}
        for module, hook in hooks.items():
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        # These come last, to see what layers get from the hooks above.
        self.taps = {
            (need, layer): Taps(self.family, decoder, layer - (need == "previous"), cleanup)
            for layer, stage in self.stages.items()
            for need in stage.needs() & FIELDS.keys()
        }
        if any("features" in stage.needs() for stage in method.stages):
            watch.watch_features(cleanup)

    def _before_model(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Count positions on from the prompt. The model would count from the cache of layer 0,
        which may itself be pruned."""
        cache = kwargs.get("past_key_values")
        begun = cache is not None and cache.get_seq_length() > 0
        if not begun or not self.trace.segments or kwargs.get("position_ids") is not None:
            return args, kwargs
        tokens = next(
            each
            for each in (*args, kwargs.get("input_ids"), kwargs.get("inputs_embeds"))
            if each is not None
        )
        prompt = self.trace.segments[0]
        seen = cache.get_seq_length() - self.trace.segments[self.trace.segment_of(0)].valid.shape[1]
        new = torch.arange(tokens.shape[1], device=prompt.valid.device)
        return args, {**kwargs, "position_ids": prompt.positions.amax(0)[:, -1:] + 1 + seen + new}

    def _before_decoder(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        segments = self.trace.segments
        self.made.clear()
        if self.watch.prefill:
            if self.watch.inputs.get("labels") is not None:
                raise InputError("labels: a pruned prompt has no loss; call without them")
            kwargs, added = self.family.take_injections(kwargs)
            for grid in set(chain(*self.watch.layout.grids)):
                check_grid(self.method, grid)
            hidden = self._embeddings(module, args, kwargs)
            segments[:] = [self.watch.segment(hidden)]
            self.injected = [self._spread(each, hidden) for each in added]
        elif not segments:
            raise InputError("the KV cache was filled outside of this `prune`")
        else:
            self.injected = []
        return args, kwargs

    def _embeddings(self, decoder: nn.Module, args: tuple, kwargs: dict) -> Tensor:
        if kwargs.get("inputs_embeds") is not None:
            return kwargs["inputs_embeds"]
        input_ids = args[0] if args else kwargs["input_ids"]
        return input_ids[..., None]  # only its shape and device count

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
                return args, {**kwargs, **self._decode_step(index, hidden, kwargs)}
            number = len(self.trace.segments) - 1
            if 0 < index <= len(self.injected):
                columns = self.trace.segments[number].columns
                hidden = hidden + self.injected[index - 1][_rows(columns), columns]
            if index in self.stages:
                seen = {**kwargs, **self._arguments(index, number, hidden, kwargs)}
                hidden = self._cut(index, hidden, seen)
                number += 1
            return (hidden, *rest), {**kwargs, **self._arguments(index, number, hidden, kwargs)}

        return hook

    def _arguments(
        self, index: int, number: int, hidden: Tensor, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """What layer `index` must be given for segment `number` instead of the whole prompt's."""
        segment = self.trace.segments[number]
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
            return self.family.rotary(self.decoder, index, hidden, segment.positions)
        columns = segment.columns
        return tuple(part.expand(len(columns), -1, -1)[_rows(columns), columns] for part in rotary)

    def _cut(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Tensor:
        """Carry out the stage at layer `index` on its input (b, s, dim); what stays of it."""
        stage, before = self.stages[index], self.trace.segments[-1]
        keep = self._tokens_to_keep(index, hidden, kwargs)
        if stage.positions == "original" and torch.equal(keep, before.valid):
            self.trace.segments.append(before)
            return hidden
        # Stable, so that the order stays; what is dropped goes first and pads shorter examples.
        order = keep.byte().argsort(dim=1, stable=True)[:, -int(keep.sum(1).max()) :]
        self.trace.segments.append(self._renumber(stage.positions, _take(before, order, keep)))
        return hidden[_rows(order), order]

    def _renumber(self, policy: str, after: Segment) -> Segment:
        whole = self.trace.segments[0]
        if policy == "compact":
            positions = closed_up(after.positions, after.valid)
            shift = whole.positions.amax((0, 2)) - positions.amax((0, 2))
            return replace(after, positions=positions, shift=shift, renumbered=True)
        if policy == "shuffled":
            positions = permuted(after.positions, after.raster >= 0, self.watch.content())
            return replace(after, positions=positions, renumbered=True)
        return after

    def _tokens_to_keep(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> BoolTensor:
        """(b, s) all text and the visual tokens that the stage keeps."""
        stage, before = self.stages[index], self.trace.segments[-1]
        self._check_finite(index, hidden, before.valid)
        selection = select_from(before, hidden, self.watch.layout)
        selection = replace(selection, **self._asked_for(index, selection, kwargs))
        counts = None
        if stage.keep is not None:
            counts = [stage.count(n) for n in selection.present.sum(1).tolist()]
            counts = torch.tensor(counts, device=hidden.device)
        chosen = stage.criterion.select(selection, counts)
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
            "previous": lambda: self.taps["previous", index].take(),
            "own": lambda: self._project(index, selection.hidden, kwargs),
            "content": self.watch.content,
            "features": lambda: self.watch.features(selection.raster),
            "boxes": lambda: self._told("boxes", selection).to(selection.hidden.device),
            "kept": lambda: self._told("kept", selection),
        }
        needs = self.stages[index].needs() & made.keys()
        return {FIELDS.get(need, need): made[need]() for need in needs}

    def _project(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> Projected:
        """What layer `index` will compute its attention from if nothing is dropped."""
        taps = self.taps["own", index]
        taps.see_arguments(kwargs)
        self.family.project(self.decoder.layers[index], hidden)
        return taps.take()

    def _told(self, name: str, selection: Selection) -> Any:
        """For each example; `generate` repeats examples for its beams and samples."""
        told, batch = self.told[name], len(selection.raster)
        if batch % len(told):
            raise InputError(f"{name} of {len(told)} examples for a batch of {batch}")
        repeated = [each for each in told for _ in range(batch // len(told))]
        return torch.stack(repeated) if isinstance(told, Tensor) else repeated

    def _decode_step(self, index: int, hidden: Tensor, kwargs: dict[str, Any]) -> dict[str, Any]:
        """What a layer after a stage must be told when tokens are added to its short cache."""
        number = self.trace.segment_of(index)
        segment = self.trace.segments[number]
        if segment.whole:
            return {}
        cache, window = kwargs["past_key_values"], masks.window_of(self.decoder.layers[index])
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
        if not segment.padded and new == 1 and window is None:
            return None
        added = total - segment.valid.shape[1]
        length = self.trace.segments[0].valid.shape[1]
        later = length + torch.arange(added, device=hidden.device).expand(len(hidden), -1)
        columns = torch.cat([segment.columns, later], 1)
        valid = functional.pad(segment.valid, (0, added), value=True)
        mask = masks.causal(valid, columns, new, self.backend, hidden.dtype, window)
        return mask[..., -cache.get_mask_sizes(new, index)[0] :]

    def _decode_rotary(
        self, rotary: Any, segment: Segment, hidden: Tensor, index: int
    ) -> tuple[Tensor, Tensor]:
        positions = self.watch.positions(hidden) - segment.shift[:, None]
        return self.family.rotary(self.decoder, index, hidden, positions)


def _take(before: Segment, order: LongTensor, keep: BoolTensor) -> Segment:
    """The columns `order` (b, s) of a segment; those not in `keep` become padding."""
    rows, valid = _rows(order), keep.gather(1, order)
    return replace(
        before,
        columns=before.columns[rows, order],
        raster=before.raster[rows, order].masked_fill(~valid, -1),
        valid=valid,
        positions=before.positions[:, rows, order],
        whole=False,
        padded=not bool(valid.all()),
    )


def _rows(order: LongTensor) -> LongTensor:
    return torch.arange(len(order), device=order.device)[:, None]
