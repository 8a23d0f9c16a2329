"""The reference for pruned runs: the stock model with all tokens, some of them masked."""

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
    """Logits (steps, vocabulary) that predict `tokens`: decoded with a cache, and computed in one
    pass without it. The other arguments are those of `masked`."""
    with masked(model, inputs, method, kept) as layer_masks:
        cached = generate(model, inputs, tokens)[1][0]
        for mask in layer_masks:
            mask.stack()
        at_once = model(**_continued(inputs, tokens[:-1]), use_cache=False).logits
    return cached, at_once[0, -len(tokens) :]


@contextmanager
def masked(
    model: nn.Module, inputs: Inputs, method: Method, kept: Sequence[LongTensor]
) -> Iterator[list["_LayerMask"]]:
    """Within the `with`, the model keeps all tokens, and each layer's own mask leaves out the
    columns that the stages up to it do not keep. Gives the masks by layer.

    For one prompt without padding, with eager or sdpa attention. kept: raster indices by stage.
    """
    family = family_of(model)
    decoder = family.decoder(model)
    visual = family.layout(model, inputs).visual[0]
    layers = method.layers(len(decoder.layers))
    positions, layer_masks = Positions(), []
    with ExitStack() as cleanup:
        hooks = [(decoder, positions.forget), (decoder.rotary_emb, positions.see)]
        for index, layer in enumerate(decoder.layers):
            done = [stage for stage, start in enumerate(layers) if start <= index]
            dropped = _dropped(visual, kept[done[-1]]) if done else torch.zeros_like(visual)
            eager = decoder.config._attn_implementation == "eager"
            layer_masks.append(_LayerMask(dropped, eager))
            hooks.append((layer, layer_masks[-1].before))
            if compact := [stage for stage in done if method.stages[stage].positions == "compact"]:
                dropped = _dropped(visual, kept[compact[-1]])
                rotary = _CompactRotary(family, decoder, index, dropped, positions)
                hooks.append((layer, rotary.before))
        for module, hook in hooks:
            cleanup.callback(module.register_forward_pre_hook(hook, with_kwargs=True).remove)
        yield layer_masks


def _dropped(visual: BoolTensor, kept: LongTensor) -> BoolTensor:
    """(seq,) True at visual columns whose raster index is not in `kept`."""
    dropped = visual.clone()
    dropped[visual.nonzero()[kept.to(visual.device), 0]] = False
    return dropped


def _continued(inputs: Inputs, tokens: Sequence[int]) -> dict[str, Any]:
    """The inputs of a prompt with text after it; per-token inputs are padded with 0."""
    ids = inputs["input_ids"]
    more = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, Tensor) and value.shape == ids.shape:
            fill = 1 if name == "attention_mask" else 0
            more[name] = functional.pad(value, (0, len(tokens)), value=fill)
    more["input_ids"] = torch.cat([ids, ids.new_tensor([list(tokens)])], dim=1)
    return more


class _LayerMask:
    """The mask of one decoder layer without the dropped columns."""

    def __init__(self, dropped: BoolTensor, eager: bool):
        self._dropped, self._eager = dropped, eager
        self._rows: list[BoolTensor] = []  # (new tokens, columns so far) of each forward pass
        self._stacked: BoolTensor | None = None

    def stack(self) -> None:
        """Stack the mask rows of all passes so far, for passes over all tokens."""
        width = self._rows[-1].shape[1]
        padded = [functional.pad(rows, (0, width - rows.shape[1])) for rows in self._rows]
        self._stacked = torch.cat(padded)

    def before(self, layer: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        stock = kwargs["attention_mask"]
        allowed = self._stacked if self._stacked is not None else self._add_rows(args[0], stock)
        if self._stacked is None and stock is not None:
            allowed = allowed[:, -stock.shape[-1] :]  # a sliding cache has the last columns only
        mask = allowed[None, None]
        if self._eager:
            lowest = torch.finfo(args[0].dtype).min
            mask = torch.zeros_like(mask, dtype=args[0].dtype).masked_fill(~mask, lowest)
        return args, {**kwargs, "attention_mask": mask}

    def _add_rows(self, hidden: Tensor, stock: Tensor | None) -> BoolTensor:
        """(new, columns so far) mask of this forward pass. A dropped token may attend to itself,
        so that no row is empty. stock: the mask that the model made, None for a causal one."""
        new = hidden.shape[1]
        total = new + sum(len(rows) for rows in self._rows)
        columns = torch.arange(total, device=hidden.device)
        queries = columns[-new:, None]
        if stock is None:
            allowed = columns <= queries
        else:
            allowed = stock[0, 0] if stock.dtype == torch.bool else stock[0, 0] == 0
            allowed = functional.pad(allowed, (total - allowed.shape[1], 0))
        dropped = functional.pad(self._dropped, (0, total - len(self._dropped)))
        self._rows.append(allowed & (~dropped | (columns == queries)))
        return self._rows[-1]


class Positions:
    """The position ids that the model computes in the current forward pass."""

    def __init__(self):
        self.ids: LongTensor | None = None  # (axes, batch, seq)

    def forget(self, decoder: nn.Module, args: tuple, kwargs: dict) -> None:
        self.ids = None

    def see(self, rotary: nn.Module, args: tuple, kwargs: dict) -> None:
        if self.ids is None:
            ids = kwargs["position_ids"] if "position_ids" in kwargs else args[1]
            self.ids = ids if ids.ndim == 3 else ids[None]


class _CompactRotary:
    """Gives a layer the rotary embedding of positions without gaps: numbers that no remaining token
    has are left out."""

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
        compact = ids - (ids[..., None] > self._gaps).sum(-1)
        rotary = self._family.rotary(self._decoder, self._index, args[0], compact)
        return args, {**kwargs, "position_embeddings": rotary}
