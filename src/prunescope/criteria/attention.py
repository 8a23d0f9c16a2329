"""Criterion: attention from the prompt to each visual token."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import BoolTensor, LongTensor, Tensor

from prunescope.criteria.base import Criterion, Projected, Selection, Sizes, head_dim
from prunescope.errors import InputError

AXES = ("temporal", "row", "column")  # axes of M-RoPE (arXiv 2409.12191)


@dataclass(frozen=True)
class Attention(Criterion):
    """Attention from the prompt to the visual tokens in layer K-1, with or without RoPE.

    Queries and keys (b, s, heads, d) -> scores (b, n). The defaults are FastV (arXiv 2403.06764)
    as FEATHER runs it (arXiv 2412.13180, section 4.1). A query attends to what the layer's mask
    allows; one that may attend to no visual token adds nothing.

    rope: whether the score rotates queries and keys; false is FEATHER's phi_-R. The model itself
        always rotates.
    query: "last" token of the prompt, or the mean over the text ("text-mean") or over all tokens
        ("all-mean", the text of FastV's paper).
    softmax: over the visual tokens ("image") or over all tokens ("row", FastV's code).
    heads: "mean" or "max" over the attention heads.
    projections: of the "previous" layer K-1, or layer K's "own" (PyramidDrop's code, arXiv
        2410.17247).
    without: the axis that the score does not rotate by, in models whose positions have three.
    keys: "mean" gives every visual token the mean of all their keys before rotation, so that tokens
        differ only by their places.
    arithmetic: "float32", or that of the "model" except for the softmax, as in FEATHER's code; in
        bfloat16 many scores are then equal.
    """

    name: ClassVar[str] = "attention"

    rope: bool = True
    query: Literal["last", "text-mean", "all-mean"] = "last"
    softmax: Literal["image", "row"] = "image"
    heads: Literal["mean", "max"] = "mean"
    projections: Literal["previous", "own"] = "previous"
    without: Literal["nothing", "temporal", "row", "column"] = "nothing"
    keys: Literal["each", "mean"] = "each"
    arithmetic: Literal["float32", "model"] = "float32"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rope and self.without != "nothing":
            raise InputError("without: there is no axis to leave out where rope is false")
        if self.keys == "mean" and (not self.rope or self.softmax == "row"):
            raise InputError("keys: 'mean' only goes with rope: true and softmax: image")

    @property
    def needs(self) -> frozenset[str]:
        axes = () if self.without == "nothing" else ("axes",)
        return frozenset({self.projections, *axes})

    def score(self, selection: Selection) -> Tensor:
        with torch.autocast(selection.hidden.device.type, enabled=False):
            return self._score(selection)

    def _score(self, s: Selection) -> Tensor:
        all_columns = torch.arange(s.valid.shape[1], device=s.visual.device).expand_as(s.valid)
        # (b, q) columns of the queries, and which of them count in the mean
        if self.query == "last":
            queries, counted = s.last[:, None], torch.ones_like(s.last[:, None], dtype=torch.bool)
        else:
            queries, counted = all_columns, s.text if self.query == "text-mean" else s.valid
        # (b, m) columns of the keys, and which of them the softmax runs over
        if self.softmax == "image":
            keys, usable = s.visual, s.present
        else:
            keys, usable = all_columns, s.valid
        attends = usable[:, None] & s.projected.attends(queries, keys, s.valid)  # (b, q, m)
        logits = self._logits(s, queries, keys)
        weights = _softmax(logits, attends[:, None])  # (b, heads, q, m)
        weights = weights.mean(1) if self.heads == "mean" else weights.amax(1)
        scores = (weights * counted[..., None]).sum(1) / counted.sum(1, keepdim=True)  # (b, m)
        return (scores if self.softmax == "image" else scores.gather(1, s.visual)).float()

    def _logits(self, s: Selection, queries: LongTensor, keys: LongTensor) -> Tensor:
        """(b, heads, q, m) logits between the columns `queries` (b, q) and `keys` (b, m)."""
        layer, rotary = s.projected, self._rotary(s.projected)
        dtype = torch.float32 if self.arithmetic == "float32" else layer.keys.dtype
        key_vectors = layer.keys if self.keys == "each" else _mean_of(layer.keys, s)
        return _scaled_products(
            _take(layer.queries, queries, rotary, dtype),
            _take(key_vectors, keys, rotary, dtype),
            layer,
        )

    def flops(self, sizes: Sizes) -> int:
        """Operations of the logits, plus, for `own`, projecting queries and keys of the full prompt
        once more."""
        config, prompt = sizes.config, sizes.visual + sizes.text
        queries = 1 if self.query == "last" else prompt
        keys = sizes.visual if self.softmax == "image" else prompt
        logits = 2 * queries * keys * config.num_attention_heads * head_dim(config)
        if self.projections == "previous":
            return logits
        heads = config.num_attention_heads + config.num_key_value_heads
        return logits + 2 * prompt * config.hidden_size * heads * head_dim(config)

    def _rotary(self, layer: Projected) -> tuple[Tensor, Tensor] | None:
        """cos and sin by which the score rotates, None for no rotation; an axis that is left out
        gets cos = 1 and sin = 0."""
        if not self.rope:
            return None
        if self.without == "nothing":
            return layer.rotary
        left_out = layer.axes == AXES.index(self.without)
        cos, sin = layer.rotary
        return cos.masked_fill(left_out, 1), sin.masked_fill(left_out, 0)


def _mean_of(keys: Tensor, s: Selection) -> Tensor:
    """(b, s, heads, d) float32 with the mean of `keys` over the visual tokens in every column."""
    rows = torch.arange(len(keys), device=keys.device)[:, None]
    visual = keys[rows, s.visual].float() * s.present[..., None, None]
    mean = visual.sum(1, keepdim=True) / s.present.sum(1)[:, None, None, None].clamp(min=1)
    return mean.expand_as(keys)


def _take(
    projected: Tensor,
    columns: LongTensor,
    rotary: tuple[Tensor, Tensor] | None,
    dtype: torch.dtype,
) -> Tensor:
    """The `columns` (b, m) of projections (b, s, heads, d) -> (b, heads, m, d), rotated if `rotary`
    is given."""
    # Columns are picked before anything else, since a prompt has many more than m. `batch` (b, 1,
    # 1), `columns` (b, 1, m) and `heads` (heads, 1) broadcast to (b, heads, m), the layout that
    # products of matrices need.
    heads = torch.arange(projected.shape[2], device=columns.device)[:, None]
    batch = torch.arange(len(columns), device=columns.device)[:, None, None]
    picked = projected[batch, columns[:, None], heads].to(dtype)
    if rotary is None:
        return picked
    # (b or 1, s, d) -> (b, 1, m, d)
    cos, sin = (
        part.expand(len(columns), -1, -1)[batch[:, 0], columns].to(dtype)[:, None]
        for part in rotary
    )
    return rotate(picked, cos, sin)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """x (..., d) with rotary position embedding (arXiv 2104.09864), in the half-split form of
    transformers: `x * cos + rotate_half(x) * sin`."""
    left, right = x.chunk(2, dim=-1)
    result = x * cos
    # Halves are updated in place, since a copy takes longer than the products.
    result_left, result_right = result.chunk(2, dim=-1)
    sin_left, sin_right = sin.chunk(2, dim=-1)
    result_left.addcmul_(right, sin_left, value=-1)
    result_right.addcmul_(left, sin_right)
    return result


def _scaled_products(queries: Tensor, keys: Tensor, layer: Projected) -> Tensor:
    """Scaled logits: queries (b, heads, q, d), keys (b, key heads, m, d) -> (b, heads, q, m)."""
    # Grouped-query attention: heads / key heads queries share a key.
    groups = queries.unflatten(1, (keys.shape[1], -1))
    logits = (groups @ keys.unsqueeze(2).transpose(-1, -2)).flatten(1, 2) * layer.scale
    return logits if layer.softcap is None else layer.softcap * (logits / layer.softcap).tanh()


def _softmax(logits: Tensor, attends: BoolTensor) -> Tensor:
    """Softmax in float32 over the columns that a query attends to; zero if it attends to none."""
    masked = logits.masked_fill(~attends, -torch.inf)
    return masked.softmax(-1, torch.float32).to(logits.dtype).masked_fill(~attends, 0.0)


VARIANTS = {"rope": Attention(rope=True), "norope": Attention(rope=False)}  # by short name
