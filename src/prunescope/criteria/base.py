"""What a criterion sees and what it answers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import BoolTensor, LongTensor, Tensor


@dataclass(frozen=True)
class Selection:
    """All that a criterion may look at when tokens are removed before decoder layer K.

    b examples, s columns (the tokens that layer K-1 saw, padding included), n visual tokens
    (rows with fewer are filled up at the end, see `present`).
    """

    hidden: Tensor  # (b, s, dim) input of layer K
    valid: BoolTensor  # (b, s) False: padding
    positions: LongTensor  # (b, s) position ids
    visual: LongTensor  # (b, n) columns of the visual tokens, in raster order
    present: BoolTensor  # (b, n) False: filled up
    raster: LongTensor  # (b, n) raster index on the full grid, rows first
    grid: tuple[int, int]  # rows, columns of the full grid
    queries: Tensor | None = None  # (b, s, heads, d) of layer K-1, before rotary; where needed
    keys: Tensor | None = None  # (b, s, key heads, d) of layer K-1, before rotary; where needed
    rotary: tuple[Tensor, Tensor] | None = None  # cos, sin of layer K-1, each (b or 1, s, d)
    content: list[bytes] | None = None  # digest of each example's input; where needed

    @property
    def last(self) -> LongTensor:
        """(b,) column of the last token of each prompt."""
        return self.valid.long().cumsum(1).argmax(1)

    @property
    def text(self) -> BoolTensor:
        """(b, s) the columns of text tokens."""
        rows, slots = self.present.nonzero(as_tuple=True)
        text = self.valid.clone()
        text[rows, self.visual[rows, slots]] = False
        return text


@dataclass(frozen=True)
class Criterion(ABC):
    """A rule that scores visual tokens; a stage keeps the highest.

    A subclass is a frozen dataclass in a file of this folder (or an entry point of the group
    `prunescope.criteria`); its fields are the hyperparameters.
    """

    name: ClassVar[str]  # how configurations call it
    sized: ClassVar[bool] = True  # False: the criterion itself says how many tokens it keeps
    needs: ClassVar[frozenset[str]] = frozenset()  # of "projections", "content": fields to fill

    @abstractmethod
    def score(self, selection: Selection) -> Tensor:
        """(b, n) float32, higher is kept; what it says of tokens not present is ignored."""

    def select(self, selection: Selection, counts: LongTensor | None) -> BoolTensor:
        """(b, n) the `counts[i]` tokens of example i with the highest score."""
        return highest(self.score(selection), selection.present, counts)

    def check(self, grid: tuple[int, int]) -> None:  # noqa: B027 (most fit any grid)
        """Raise InputError if the criterion does not fit a grid of (rows, columns)."""


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
