"""How much the prompt attends to each visual token."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import BoolTensor, LongTensor, Tensor

from prunescope.criteria.base import Criterion, Projected, Selection, Sizes, head_dim
from prunescope.errors import InputError

AXES = ("temporal", "row", "column")  # of M-RoPE (arXiv 2409.12191)


@dataclass(frozen=True)
class Attention(Criterion):
    """Attention from the prompt to the visual tokens in layer K-1, with or without RoPE.

    FastV (arXiv 2403.06764) with the fields as FEATHER (arXiv 2412.13180, section 4.1) runs it:
    the last token asks, softmax over the visual tokens only, mean over heads; `rope: false` is
    FEATHER's phi_-R and leaves the model itself as it is. FastV's own code: `softmax: row`; the
    text of its paper: `query: all-mean`. PyramidDrop's code (arXiv 2410.17247): `projections:
    own`, those of layer K. Queries and keys (b, s, heads, d) -> scores (b, n), all in float32. A
    query sees what the layer's mask lets it see; one that sees no visual token adds nothing.

    keys: "mean" gives every visual token the mean of their keys before rotation, so that tokens
    differ by what RoPE makes of their places only.
    without: of models whose positions have three axes, the one that is not rotated by.
    arithmetic: "float32", or that of the "model" but for the softmax, as FEATHER's code has it:
    in bfloat16 many scores are then equal.
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
            raise InputError("without: there is no axis to leave out if rope is false")
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
        everything = torch.arange(s.valid.shape[1], device=s.visual.device).expand_as(s.valid)
        if self.query == "last":
            asking, asked = s.last[:, None], torch.ones_like(s.last[:, None], dtype=torch.bool)
        else:
            asking, asked = everything, s.text if self.query == "text-mean" else s.valid
        if self.softmax == "image":
            columns, usable = s.visual, s.present
        else:
            columns, usable = everything, s.valid

        layer, rotary = s.projected, self._rotary(s.projected)
        dtype = torch.float32 if self.arithmetic == "float32" else layer.keys.dtype
        queries = _take(layer.queries, asking, rotary, dtype)
        each = layer.keys if self.keys == "each" else _mean_of(layer.keys, s)
        keys = _take(each, columns, rotary, dtype)
        logits = _logits(queries, keys, layer)
        seen = usable[:, None] & layer.sees(asking, columns, s.valid)  # (b, asking, columns)
        weights = _softmax(logits, seen[:, None])  # (b, heads, asking, columns)
        weights = weights.mean(1) if self.heads == "mean" else weights.amax(1)
        received = (weights * asked[..., None]).sum(1) / asked.sum(1, keepdim=True)
        return (received if self.softmax == "image" else received.gather(1, s.visual)).float()

    def flops(self, sizes: Sizes) -> int:
        """Logits; and the projections of layer K, computed once more for the tokens it keeps."""
        config, prompt = sizes.config, sizes.visual + sizes.text
        asking = 1 if self.query == "last" else prompt
        asked = sizes.visual if self.softmax == "image" else prompt
        logits = 2 * asking * asked * config.num_attention_heads * head_dim(config)
        if self.projections == "previous":
            return logits
        heads = config.num_attention_heads + config.num_key_value_heads
        return logits + 2 * prompt * config.hidden_size * heads * head_dim(config)

    def _rotary(self, layer: Projected) -> tuple[Tensor, Tensor] | None:
        """cos, sin of what the score rotates by; cos = 1 and sin = 0 is no rotation."""
        if not self.rope:
            return None
        if self.without == "nothing":
            return layer.rotary
        still = layer.axes == AXES.index(self.without)
        cos, sin = layer.rotary
        return cos.masked_fill(still, 1), sin.masked_fill(still, 0)


def _mean_of(keys: Tensor, s: Selection) -> Tensor:
    """(b, s, heads, d) in every column the mean of `keys` over the visual tokens, in float32."""
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
    """(b, s, heads, d), (b, m) -> (b, heads, m, d), rotated if `rotary` is given."""
    heads = torch.arange(projected.shape[2], device=columns.device)[:, None]
    batch = torch.arange(len(columns), device=columns.device)[:, None, None]
    # first of all, as a prompt has many columns more; in the layout that products are made in
    taken = projected[batch, columns[:, None], heads].to(dtype)
    if rotary is None:
        return taken
    cos, sin = (
        part.expand(len(columns), -1, -1)[batch[:, 0], columns].to(dtype)[:, None]
        for part in rotary
    )
    return rotate(taken, cos, sin)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding (arXiv 2104.09864) in the half-split form of transformers."""
    left, right = x.chunk(2, dim=-1)
    turned = x * cos
    ours, theirs = turned.chunk(2, dim=-1)  # in place: a copy takes longer than the products
    down, up = sin.chunk(2, dim=-1)
    ours.addcmul_(right, down, value=-1)
    theirs.addcmul_(left, up)
    return turned


def _logits(queries: Tensor, keys: Tensor, layer: Projected) -> Tensor:
    """(b, heads, q, d), (b, key heads, m, d) -> (b, heads, q, m); heads share keys in groups."""
    groups = queries.unflatten(1, (keys.shape[1], -1))
    logits = (groups @ keys.unsqueeze(2).transpose(-1, -2)).flatten(1, 2) * layer.scale
    return logits if layer.softcap is None else layer.softcap * (logits / layer.softcap).tanh()


def _softmax(logits: Tensor, seen: BoolTensor) -> Tensor:
    """Softmax in float32 over the columns that are seen; zero where none is."""
    masked = logits.masked_fill(~seen, -torch.inf)
    return masked.softmax(-1, torch.float32).to(logits.dtype).masked_fill(~seen, 0.0)


VARIANTS = {"rope": Attention(rope=True), "norope": Attention(rope=False)}  # by their short names
