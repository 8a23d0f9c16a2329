"""What a pruned run must equal: the stock model with all tokens, some of them out of sight."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import BoolTensor, LongTensor, Tensor, nn
from torch.nn import functional

from prunescope.methods import Method
from prunescope.models import Family, family_of
from prunescope.testing.trial import Inputs, generate


@torch.inference_mode()
def masked_logits(
    model: nn.Module,
    inputs: Inputs,
    method: Method,
    kept: Sequence[LongTensor],
    tokens: Sequence[int],
) -> tuple[Tensor, Tensor]:
    """Logits (steps, vocabulary) that predict `tokens`: decoded with a cache, and in one pass
    without it. The other arguments are those of `masked`."""
    with masked(model, inputs, method, kept) as sights:
        cached = generate(model, inputs, tokens)[1][0]
        for sight in sights:
            sight.stack()
        at_once = model(**_continued(inputs, tokens[:-1]), use_cache=False).logits
    return cached, at_once[0, -len(tokens) :]


@contextmanager
def masked(
    model: nn.Module, inputs: Inputs, method: Method, kept: Sequence[LongTensor]
) -> Iterator[list["_Sight"]]:
    """Within the `with`, no token of the prompt is dropped, but each layer gets the mask that the
    stock model made for it without the columns that the stages before it did not keep.

    For one prompt without padding, attention eager or sdpa. kept: per stage raster indices.
    """
    family = family_of(model)
    decoder = family.decoder(model)
    visual = family.layout(model, inputs).visual[0]
    layers = method.layers(len(decoder.layers))
    positions, sights = Positions(), []
    with ExitStack() as cleanup:
        hooks = [(decoder, positions.forget), (decoder.rotary_emb, positions.see)]
        for index, layer in enumerate(decoder.layers):
            done = [number for number, each in enumerate(layers) if each <= index]
            dropped = _dropped(visual, kept[done[-1]]) if done else torch.zeros_like(visual)
            sights.append(_Sight(dropped, decoder.config._attn_implementation == "eager"))
            hooks.append((layer, sights[-1].before))
            if compact := [each for each in done if method.stages[each].positions == "compact"]:
                dropped = _dropped(visual, kept[compact[-1]])
                closed = _ClosedUp(family, decoder, index, dropped, positions)
                hooks.append((layer, closed.before))
        for module, hook in hooks:
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield sights


def _dropped(visual: BoolTensor, kept: LongTensor) -> BoolTensor:
    """(seq,) the visual columns whose raster index is not in `kept`."""
    dropped = visual.clone()
    dropped[visual.nonzero()[kept.to(visual.device), 0]] = False
    return dropped


def _continued(inputs: Inputs, tokens: Sequence[int]) -> dict[str, Any]:
    """A prompt and text after it; other inputs with a number per token have 0 for text."""
    ids = inputs["input_ids"]
    more = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, Tensor) and value.shape == ids.shape:
            fill = 1 if name == "attention_mask" else 0
            more[name] = functional.pad(value, (0, len(tokens)), value=fill)
    more["input_ids"] = torch.cat([ids, ids.new_tensor([list(tokens)])], dim=1)
    return more


class _Sight:
    """What one decoder layer may look at: what its mask says without the dropped columns."""

    def __init__(self, dropped: BoolTensor, eager: bool):
        self._dropped, self._eager = dropped, eager
        self._rows: list[BoolTensor] = []  # per forward pass (new, columns so far)
        self._stacked: BoolTensor | None = None

    def stack(self) -> None:
        """From now on, each forward pass has all tokens so far at once."""
        width = self._rows[-1].shape[1]
        rows = [functional.pad(each, (0, width - each.shape[1])) for each in self._rows]
        self._stacked = torch.cat(rows)

    def before(self, layer: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        given = kwargs["attention_mask"]
        allowed = self._stacked if self._stacked is not None else self._see(args[0], given)
        if self._stacked is None and given is not None:
            allowed = allowed[:, -given.shape[-1] :]  # a sliding cache has the last columns only
        mask = allowed[None, None]
        if self._eager:
            lowest = torch.finfo(args[0].dtype).min
            mask = torch.zeros_like(mask, dtype=args[0].dtype).masked_fill(~mask, lowest)
        return args, {**kwargs, "attention_mask": mask}

    def _see(self, hidden: Tensor, given: Tensor | None) -> BoolTensor:
        """(new, columns so far) of this forward pass; dropped tokens keep sight of themselves."""
        new = hidden.shape[1]
        total = new + sum(len(rows) for rows in self._rows)
        columns = torch.arange(total, device=hidden.device)
        asking = columns[-new:, None]
        if given is None:
            seen = columns <= asking
        else:
            seen = given[0, 0] if given.dtype == torch.bool else given[0, 0] == 0
            seen = functional.pad(seen, (total - seen.shape[1], 0))
        dropped = functional.pad(self._dropped, (0, total - len(self._dropped)))
        self._rows.append(seen & (~dropped | (columns == asking)))
        return self._rows[-1]


class Positions:
    """The position ids of the current forward pass as the model itself computes them."""

    def __init__(self):
        self.ids: LongTensor | None = None  # (axes, batch, seq)

    def forget(self, decoder: nn.Module, args: tuple, kwargs: dict) -> None:
        self.ids = None

    def see(self, rotary: nn.Module, args: tuple, kwargs: dict) -> None:
        if self.ids is None:
            ids = kwargs["position_ids"] if "position_ids" in kwargs else args[1]
            self.ids = ids if ids.ndim == 3 else ids[None]


class _ClosedUp:
    """Rotary embedding of positions without the values that no remaining token has."""

    def __init__(
        self,
        family: Family,
        decoder: nn.Module,
        index: int,
        dropped: BoolTensor,
        positions: Positions,
    ):
        self._family, self._decoder, self._index = family, decoder, index
        self._dropped, self._positions = dropped, positions
        self._gaps: Tensor | None = None

    def before(self, layer: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        ids = self._positions.ids
        if self._gaps is None:
            left = set(ids[..., ~self._dropped].flatten().tolist())
            gaps = [p for p in range(int(ids.min()), int(ids.max())) if p not in left]
            self._gaps = torch.tensor(gaps, device=ids.device)
        closed = ids - (ids[..., None] > self._gaps).sum(-1)
        embedded = self._family.rotary(self._decoder, self._index, args[0], closed)
        return args, {**kwargs, "position_embeddings": embedded}
