"""What a criterion sees and what it answers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import torch
from torch import BoolTensor, LongTensor, Tensor

from prunescope.errors import InputError

# What a selection holds only for criteria that ask for it.
NEEDS = (
    "previous",  # `projected` of layer K-1
    "own",  # `projected` of layer K
    "content",
    "features",
    "received",
    "boxes",
    "kept",
    "axes",  # nothing to fill in: positions of several axes, rows and columns among them
)


@dataclass(frozen=True)
class Selection:
    """All that a criterion may look at when tokens are removed before decoder layer K.

    b examples, s columns (the tokens that layer K-1 saw, padding included), n visual tokens
    (rows with fewer are filled up at the end, see `present`). An image is one view, or several
    if the processor cuts it into tiles.
    """

    hidden: Tensor  # (b, s, dim) input of layer K
    valid: BoolTensor  # (b, s) False: padding
    positions: LongTensor  # (axes, b, s) position ids
    visual: LongTensor  # (b, n) columns of the visual tokens, in the order of the raster
    present: BoolTensor  # (b, n) False: filled up
    raster: LongTensor  # (b, n) index among all visual tokens that the example began with
    place: LongTensor  # (b, n, 2) row and column in the token's view
    shape: LongTensor  # (b, n, 2) rows and columns of the token's view
    view: LongTensor  # (b, n) number of the token's view in the prompt
    separators: BoolTensor | None = None  # (b, s) other tokens of images (line ends, say), if any
    projected: "Projected | None" = None  # queries and keys; where needed
    content: list[bytes] | None = None  # digest of each example's input; where needed
    features: Tensor | None = None  # (b, n, dim) of the vision tower; where needed
    received: Tensor | None = None  # (b, n) attention that it gets in the tower; where needed
    boxes: Tensor | None = None  # (b, 4) true box x1 y1 x2 y2 in [0, 1]; where needed
    kept: list[LongTensor] | None = None  # per example raster indices to replay; where needed

    @property
    def last(self) -> LongTensor:
        """(b,) column of the last token of each prompt."""
        return self.valid.long().cumsum(1).argmax(1)

    @property
    def text(self) -> BoolTensor:
        """(b, s) the columns of text tokens: neither padding nor an image's."""
        rows, slots = self.present.nonzero(as_tuple=True)
        text = self.valid.clone() if self.separators is None else self.valid & ~self.separators
        text[rows, self.visual[rows, slots]] = False
        return text


@dataclass(frozen=True)
class Projected:
    """What a decoder layer computes its attention from, before rotary; s as in `Selection`."""

    queries: Tensor  # (b, s, heads, d)
    keys: Tensor  # (b, s, key heads, d)
    rotary: tuple[Tensor, Tensor]  # cos, sin, each (b or 1, s, d)
    mask: Tensor | None  # (b or 1, 1, s, s) as the attention backend has it; None: see `causal`
    scale: float  # of the logits
    softcap: float | None = None  # logits become softcap * tanh(logits / softcap)
    causal: bool = True  # without a mask, whether tokens see only those up to themselves
    axes: LongTensor | None = None  # (d,) axis of the position ids that turns each dimension

    def sees(self, asking: LongTensor, asked: LongTensor, valid: BoolTensor) -> BoolTensor:
        """(b, a, m) whether columns `asking` (b, a) attend to columns `asked` (b, m).

        valid: (b, s). As the layer's own mask has it: causal, sliding windows, images or prefixes
        that look both ways.
        """
        batch = torch.arange(len(asking), device=asking.device)[:, None]
        usable = valid[batch, asked][:, None]
        if self.mask is None or self.mask.ndim == 2:
            return usable & ((asked[:, None] <= asking[..., None]) | (not self.causal))
        mask = self.mask.expand(len(asking), -1, -1, -1)[:, 0]
        seen = mask[batch[..., None], asking[..., None], asked[:, None]]
        return usable & (seen if seen.dtype == torch.bool else seen == 0)


@dataclass(frozen=True)
class Sizes:
    """What the operations of a score depend on, for one prompt."""

    visual: int  # tokens that are scored
    text: int  # other tokens
    config: Any  # of the decoder
    tower: int = 0  # operations of the attention that the vision tower's patches receive


def head_dim(config: Any) -> int:
    """Of a decoder's configuration; those of Qwen2 leave it to the width."""
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


@dataclass(frozen=True)
class Criterion(ABC):
    """A rule that scores visual tokens; a stage keeps the highest.

    A subclass is a frozen dataclass in a file of this folder (or an entry point of the group
    `prunescope.criteria`); its fields are the hyperparameters.
    """

    name: ClassVar[str]  # how configurations call it
    sized: ClassVar[bool] = True  # False: the criterion itself says how many tokens it keeps

    def __post_init__(self) -> None:
        """Raise InputError for a field of another type than declared. Subclasses with conditions
        of their own call this first."""
        hints = get_type_hints(type(self))
        for field in fields(self):
            _check_type(getattr(self, field.name), hints[field.name], field.name)

    @property
    def needs(self) -> frozenset[str]:
        """Of `NEEDS`: what the selection must hold for it beyond the fields always there."""
        return frozenset()

    @abstractmethod
    def score(self, selection: Selection) -> Tensor:
        """(b, n) float32, higher is kept; what it says of tokens not present is ignored."""

    def select(self, selection: Selection, counts: LongTensor | None) -> BoolTensor:
        """(b, n) the `counts[i]` tokens of example i with the highest score."""
        return highest(self.score(selection), selection.present, counts)

    def flops(self, sizes: Sizes) -> int:
        """Operations of the score, on top of what the model does anyway: products of matrices, two
        for a multiplication and an addition. 0: none that count."""
        return 0

    def check(self, grid: tuple[int, int]) -> None:  # noqa: B027 (most fit any grid)
        """Raise InputError if the criterion does not fit a view of (rows, columns)."""


class SetCriterion(Criterion):
    """A rule that names the tokens to keep and so has a count of its own."""

    sized: ClassVar[bool] = False

    @abstractmethod
    def members(self, selection: Selection) -> BoolTensor:
        """(b, n) the tokens in the set."""

    def score(self, selection: Selection) -> Tensor:
        return self.members(selection).float()

    def select(self, selection: Selection, counts: LongTensor | None = None) -> BoolTensor:
        return self.members(selection) & selection.present


def highest(scores: Tensor, present: BoolTensor, counts: LongTensor) -> BoolTensor:
    """(..., n) True at the `counts` highest scores of each row, ties to the lower index.

    scores, present: (..., n); counts: (...). A stable sort, so that all devices agree.
    """
    scores = scores.masked_fill(~present, -torch.inf)
    order = scores.argsort(dim=-1, descending=True, stable=True)
    first = torch.arange(scores.shape[-1], device=scores.device) < counts.unsqueeze(-1)
    return torch.zeros_like(present).scatter(-1, order, first) & present


def _check_type(value: Any, hint: Any, name: str) -> None:
    if get_origin(hint) is Literal:
        choices = list(get_args(hint))
        fits, expected = value in choices, f"one of {choices}"
    elif hint in (bool, int, float, str):
        kinds = (int, float) if hint is float else (hint,)
        fits, expected = type(value) in kinds, f"a value of type {hint.__name__}"
    else:  # of a plug-in, which knows
        return
    if not fits:
        raise InputError(f"{name}: {value!r} is not {expected}")
