"""Carry out a method on a stock model: hooks go in, tokens are dropped, hooks come out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from weakref import WeakSet

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from torch.nn import functional

from prunescope import masks
from prunescope.criteria import Selection
from prunescope.errors import InputError
from prunescope.methods import Method, check
from prunescope.models import Family, Layout, family_of
from prunescope.prompt import Segment, Taps, Watch, select_from

__all__ = ["Layout", "Trace", "prune"]

_inside: WeakSet[nn.Module] = WeakSet()  # decoders that are being pruned


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
        """Per stage and example: sorted raster indices of the visual tokens left."""
        return [[row[row >= 0].cpu() for row in each.raster] for each in self.segments[1:]]

    @property
    def kv_lengths(self) -> list[list[int]]:
        """Per decoder layer and example: tokens in the KV cache when decoding starts."""
        lengths = [each.valid.sum(1).tolist() for each in self.segments]
        return [lengths[self.segment_of(layer)] for layer in range(self.depth)]


@contextmanager
def prune(model: nn.Module, method: Method, layout: Layout | None = None) -> Iterator[Trace]:
    """Within the `with`, every prefill of the model drops visual tokens as the method says.

    For `generate` and plain calls; eager, sdpa and flash attention; any batch, padded on the
    left; dynamic KV caches. A forward pass without a cache, or with an empty one, is a prefill;
    others continue it. Layers from a stage on compute and cache the remaining tokens only, and
    examples with fewer of them are padded on the left: read outputs from the right. Nothing is
    patched, and the hooks are gone afterwards, also after an exception.

    layout: where the visual tokens are, for inputs that do not tell (`inputs_embeds`, a bare
    decoder). Raises InputError for a model, method or input that does not fit.
    """
    family = family_of(model)
    decoder = family.decoder(model)
    check(method, len(decoder.layers), layout.grid if layout else family.grid(model))
    masks.check_backend(decoder.config._attn_implementation)
    if decoder in _inside:
        raise InputError("this model is inside another `prune`; leave that first")
    with ExitStack() as cleanup:
        _inside.add(decoder)
        cleanup.callback(_inside.discard, decoder)
        watch = Watch(model, family, layout, cleanup)
        yield _Engine(watch, family, decoder, method, cleanup).trace


class _Engine:
    """The hooks of one `prune` and the state between them."""

    def __init__(
        self, watch: Watch, family: Family, decoder: nn.Module, method: Method, cleanup: ExitStack
    ):
        self.watch, self.decoder = watch, decoder
        self.backend = decoder.config._attn_implementation
        layers = method.layers(len(decoder.layers))
        self.trace = Trace(layers, len(decoder.layers))
        self.stages = dict(zip(layers, method.stages, strict=True))
        self.taps = {
            index: Taps(family, decoder.layers[index - 1], cleanup)
            for index, stage in self.stages.items()
            if "projections" in stage.criterion.needs
        }
        self.step: dict[int, dict[str, Any]] = {}  # per segment, arguments of this decode step
        hooks = {decoder: self._begin}
        for index in range(min(layers, default=0), len(decoder.layers)):
            hooks[decoder.layers[index]] = self._before_layer(index)
        for module, hook in hooks.items():
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)

    def _begin(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        segments = self.trace.segments
        self.step.clear()
        if self.watch.prefill:
            segments.clear()
        elif not segments:
            raise InputError("the KV cache was filled outside of this `prune`")
        elif kwargs.get("position_ids") is None:
            # The model would count on from the cache of layer 0, which may itself be pruned.
            kwargs = {**kwargs, "position_ids": self._next_positions(args, kwargs)}
        return args, kwargs

    def _next_positions(self, args: tuple, kwargs: dict) -> LongTensor:
        tokens = next(
            each
            for each in (*args, kwargs.get("input_ids"), kwargs.get("inputs_embeds"))
            if each is not None
        )
        prompt = self.trace.segments[0].positions
        cached = self.trace.segments[self.trace.segment_of(0)].valid.shape[1]
        seen = kwargs["past_key_values"].get_seq_length(0) - cached
        return prompt[:, -1:] + 1 + seen + torch.arange(tokens.shape[1], device=prompt.device)

    def _before_layer(self, index: int):
        def hook(layer: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
            hidden, *rest = args
            if not self.watch.prefill:
                return args, {**kwargs, **self._decode_step(index, hidden, kwargs)}
            if not self.trace.segments:
                self.trace.segments.append(self.watch.segment(hidden, kwargs))
            if index in self.stages:
                hidden = self._cut(index, hidden)
            now = self.trace.segments[-1]
            seen = {
                "attention_mask": now.mask,
                "position_ids": now.positions,
                "position_embeddings": now.rotary,
            }
            return (hidden, *rest), {**kwargs, **seen}

        return hook

    def _cut(self, index: int, hidden: Tensor) -> Tensor:
        """Carry out the stage at layer `index` on its input (b, s, dim); what stays of it."""
        stage, before = self.stages[index], self.trace.segments[-1]
        keep = self._tokens_to_keep(index, hidden)
        # Stable, so that the order stays; what is dropped goes first and pads shorter examples.
        order = keep.byte().argsort(dim=1, stable=True)[:, -int(keep.sum(1).max()) :]
        after = self._take(before, order, keep.gather(1, order), hidden.dtype)
        if stage.positions == "compact":
            after = self._compact(before, after, hidden)
        self.trace.segments.append(after)
        return hidden[_rows(order), order]

    def _tokens_to_keep(self, index: int, hidden: Tensor) -> BoolTensor:
        """(b, s) all text and the visual tokens that the stage keeps."""
        stage, before = self.stages[index], self.trace.segments[-1]
        selection = self._selection(index, hidden)
        counts = None
        if stage.keep is not None:
            counts = [stage.count(n) for n in selection.present.sum(1).tolist()]
            counts = torch.tensor(counts, device=hidden.device)
        chosen = stage.criterion.select(selection, counts)
        if stage.always is not None:
            chosen = chosen | stage.always.select(selection, None)
        keep = before.valid & (before.raster < 0)
        return keep | torch.zeros_like(keep).scatter(1, selection.visual, chosen)

    def _selection(self, index: int, hidden: Tensor) -> Selection:
        stage, before = self.stages[index], self.trace.segments[-1]
        criteria = [each for each in (stage.criterion, stage.always) if each is not None]
        needs = frozenset().union(*(each.needs for each in criteria))
        return select_from(
            before,
            hidden,
            self.watch.layout.grid,
            content=self.watch.content() if "content" in needs else None,
            **(self.taps[index].take() if index in self.taps else {}),
        )

    def _take(
        self, before: Segment, order: LongTensor, valid: BoolTensor, dtype: torch.dtype
    ) -> Segment:
        rows = _rows(order)
        padded = not bool(valid.all())
        if before.mask is not None:
            mask = masks.pick(before.mask, order, valid)
        else:
            mask = masks.causal(valid, order.shape[1], self.backend, dtype) if padded else None
        return Segment(
            raster=before.raster[rows, order].masked_fill(~valid, -1),
            valid=valid,
            positions=before.positions[rows, order],
            rotary=tuple(part.expand(len(order), -1, -1)[rows, order] for part in before.rotary),
            mask=mask,
            padded=padded,
            shift=before.shift,
        )

    def _compact(self, before: Segment, after: Segment, hidden: Tensor) -> Segment:
        """Number the positions anew from the first one of each example."""
        first = before.positions.gather(1, before.valid.byte().argmax(1, keepdim=True))
        positions = first + (after.valid.long().cumsum(1) - 1).clamp(min=0)
        return replace(
            after,
            positions=positions,
            rotary=self.decoder.rotary_emb(hidden, position_ids=positions),
            shift=self.trace.segments[0].valid.sum(1) - after.valid.sum(1),
        )

    def _decode_step(self, index: int, hidden: Tensor, kwargs: dict) -> dict[str, Any]:
        """What a layer after a stage must be told when tokens are added to its short cache."""
        number = self.trace.segment_of(index)
        if number > 0 and number not in self.step:
            prompt, new = self.trace.segments[number], hidden.shape[1]
            total = kwargs["past_key_values"].get_seq_length(index) + new
            self.step[number] = {"attention_mask": None}
            if prompt.padded or new > 1:
                added = total - prompt.valid.shape[1]
                valid = functional.pad(prompt.valid, (0, added), value=True)
                mask = masks.causal(valid, new, self.backend, hidden.dtype)
                self.step[number]["attention_mask"] = mask
            if prompt.shift is not None:
                positions = kwargs["position_ids"] - prompt.shift[:, None]
                self.step[number]["position_ids"] = positions
                rotary = self.decoder.rotary_emb(hidden, position_ids=positions)
                self.step[number]["position_embeddings"] = rotary
        return self.step.get(number, {})


def _rows(order: LongTensor) -> LongTensor:
    return torch.arange(len(order), device=order.device)[:, None]
