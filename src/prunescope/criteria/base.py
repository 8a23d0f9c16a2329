"""The interface of criteria: what they see of a prompt, and what they return."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import torch
from torch import BoolTensor, LongTensor, Tensor

from prunescope.errors import InputError

# Fields of `Selection` that are filled in only for criteria that ask for them, by these names.
NEEDS = (
    "previous",  # `projected` of layer K-1
    "own",  # `projected` of layer K
    "content",
    "features",
    "received",
    "boxes",
    "kept",
    "axes",  # no field: the model must have position ids of several axes, such as row and column
)


@dataclass(frozen=True)
class Selection:
    """All that a criterion may look at when tokens are removed before decoder layer K.

    b: examples; s: columns, the tokens that layer K-1 saw, with padding; n: visual tokens, where
    examples with fewer are filled up at the end (see `present`). An image is one view, or several
    if the processor cuts it into tiles.
    """

    hidden: Tensor  # (b, s, dim) input of layer K
    valid: BoolTensor  # (b, s) False at padding
    positions: LongTensor  # (axes, b, s) position ids
    visual: LongTensor  # (b, n) columns of the visual tokens, in raster order
    present: BoolTensor  # (b, n) False where an example is filled up
    raster: LongTensor  # (b, n) index among all visual tokens that the example began with
    place: LongTensor  # (b, n, 2) row and column in the token's view
    shape: LongTensor  # (b, n, 2) rows and columns of the token's view
    view: LongTensor  # (b, n) number of the token's view in the prompt
    separators: BoolTensor | None = None  # (b, s) other tokens of images, such as line ends
    # None unless a criterion needs them:
    projected: "Projected | None" = None  # queries and keys of a decoder layer
    content: list[bytes] | None = None  # digest of each example's input
    features: Tensor | None = None  # (b, n, dim) of the vision tower
    received: Tensor | None = None  # (b, n) attention that a token receives in the vision tower
    boxes: Tensor | None = None  # (b, 4) true box x1 y1 x2 y2 in [0, 1]
    kept: list[LongTensor] | None = None  # raster indices to replay, by example

    @property
    def last(self) -> LongTensor:
        """(b,) column of the last token of each prompt."""
        return self.valid.long().cumsum(1).argmax(1)

    @property
    def text(self) -> BoolTensor:
        """(b, s) True at text tokens: neither padding nor a token of an image."""
        rows, slots = self.present.nonzero(as_tuple=True)
        text = self.valid.clone() if self.separators is None else self.valid & ~self.separators
        text[rows, self.visual[rows, slots]] = False
        return text


@dataclass(frozen=True)
class Projected:
    """Queries and keys of a decoder layer, before rotary embedding; b and s as in `Selection`."""

    queries: Tensor  # (b, s, heads, d)
    keys: Tensor  # (b, s, key heads, d)
    rotary: tuple[Tensor, Tensor]  # cos, sin, each (b or 1, s, d)
    mask: Tensor | None  # (b or 1, 1, s, s) of the attention backend; None: see `causal`
    scale: float  # factor of the logits
    softcap: float | None = None  # logits become softcap * tanh(logits / softcap)
    causal: bool = True  # without a mask, whether tokens see only those up to themselves
    axes: LongTensor | None = None  # (d,) axis of the position ids that turns each dimension

    def attends(self, queries: LongTensor, keys: LongTensor, valid: BoolTensor) -> BoolTensor:
        """(b, q, m) whether the tokens in columns `queries` (b, q) attend to those in columns
        `keys` (b, m), by the layer's mask: causal, sliding windows, images or prefixes with
        attention in both directions. valid: (b, s), False at padding."""
        batch = torch.arange(len(queries), device=queries.device)[:, None]
        usable = valid[batch, keys][:, None]  # (b, 1, m)
        if self.mask is None or self.mask.ndim == 2:
            return usable & ((keys[:, None] <= queries[..., None]) | (not self.causal))
        mask = self.mask.expand(len(queries), -1, -1, -1)[:, 0]
        picked = mask[batch[..., None], queries[..., None], keys[:, None]]  # (b, q, m)
        return usable & (picked if picked.dtype == torch.bool else picked == 0)


@dataclass(frozen=True)
class Sizes:
    """Sizes of one prompt on which the number of operations of a score depends."""

    visual: int  # tokens that are scored
    text: int  # other tokens
    config: Any  # configuration of the decoder
    tower: int = 0  # operations of the attention among patches in the vision tower


def head_dim(config: Any) -> int:
    """Width of one attention head of a decoder. Configurations of Qwen2 do not set `head_dim`; it
    is `hidden_size / heads` there."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


@dataclass(frozen=True)
class Criterion(ABC):
    """A rule that scores visual tokens; a stage keeps those with the highest scores.

    A subclass is a frozen dataclass in a file of this folder, or an entry point of the group
    `prunescope.criteria` in another package. Its fields are the hyperparameters.
    """

    name: ClassVar[str]  # in configurations
    sized: ClassVar[bool] = True  # False where the criterion itself decides how many tokens stay

    def __post_init__(self) -> None:
        """Raise InputError for a field of another type than declared. Subclasses that check more
        call this first."""
        hints = get_type_hints(type(self))
        for field in fields(self):
            _check_type(getattr(self, field.name), hints[field.name], field.name)

    @property
    def needs(self) -> frozenset[str]:
        """Names of `NEEDS` that the selection must be given for this criterion."""
        return frozenset()

    @abstractmethod
    def score(self, selection: Selection) -> Tensor:
        """(b, n) float32 scores, higher ones stay; those of tokens not present are ignored."""

    def select(self, selection: Selection, counts: LongTensor | None) -> BoolTensor:
        """(b, n) True at the tokens that stay: the `counts[i]` highest scores of example i."""
        return highest(self.score(selection), selection.present, counts)

    def flops(self, sizes: Sizes) -> int:
        """Operations of the score in products of matrices, beyond those of the model; a
        multiplication and an addition count as two. 0 where there are none."""
        return 0

    def check(self, grid: tuple[int, int]) -> None:  # noqa: B027 (most criteria fit any grid)
        """Raise InputError if the criterion does not fit a view of (rows, columns)."""


class SetCriterion(Criterion):
    """A rule that names the tokens that stay, and so decides how many these are."""

    sized: ClassVar[bool] = False

    @abstractmethod
    def members(self, selection: Selection) -> BoolTensor:
        """(b, n) True at the tokens in the set; values at tokens not present are ignored."""

    def score(self, selection: Selection) -> Tensor:
        return self.members(selection).float()

    def select(self, selection: Selection, counts: LongTensor | None = None) -> BoolTensor:
        return self.members(selection) & selection.present


def highest(scores: Tensor, present: BoolTensor, counts: LongTensor) -> BoolTensor:
    """(..., n) True at the `counts` highest scores of each row; ties go to the lower index.

    scores, present: (..., n); counts: (...). The sort is stable, so that all devices agree.
    """
    scores = scores.masked_fill(~present, -torch.inf)
    order = scores.argsort(dim=-1, descending=True, stable=True)
    first = torch.arange(scores.shape[-1], device=scores.device) < counts.unsqueeze(-1)
    return torch.zeros_like(present).scatter(-1, order, first) & present


def _check_type(value: Any, hint: Any, name: str) -> None:
    """Raise InputError unless `value` is of the type that a field declares; 1 passes for 1.0."""
    if get_origin(hint) is Literal:
        choices = list(get_args(hint))
        fits, expected = value in choices, f"one of {choices}"
    elif hint in (bool, int, float, str):
        kinds = (int, float) if hint is float else (hint,)
        fits, expected = type(value) in kinds, f"a value of type {hint.__name__}"
    else:  # a type that only the plug-in itself can check
        return
    if not fits:
        raise InputError(f"{name}: {value!r} is not {expected}")
