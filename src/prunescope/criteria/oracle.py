"""Criterion that keeps the tokens of the true box, as a method that knows the answer would."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from prunescope.criteria.base import Criterion, Selection


@dataclass(frozen=True)
class Oracle(Criterion):
    """Score every token by the share of its cell inside the true box, then by its closeness to the
    centre of the box: a bound on the accuracy that any choice of tokens can reach.

    Boxes (b, 4), x1 y1 x2 y2 in [0, 1] -> scores (b, n), minus the token's rank. The box is laid
    over each view, so that the scores are right only for prompts with one image in one view.

    inverse: reverse the order, for the anti-oracle, which drops the box first.
    """

    name: ClassVar[str] = "oracle"

    inverse: bool = False

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"boxes"})

    def score(self, selection: Selection) -> Tensor:
        boxes, sides = selection.boxes[:, None].float(), selection.shape.flip(-1)
        cell = selection.place.flip(-1)  # column and row: x and y of its upper left corner
        # In units of a cell's sides: a cell that lies inside has a share of exactly 1.
        start, end = boxes[..., :2] * sides, boxes[..., 2:] * sides
        overlap = torch.minimum(cell + 1, end) - torch.maximum(cell, start)
        share = overlap.clamp(min=0).prod(-1)
        distance = ((cell + 0.5 - (start + end) / 2) / sides).square().sum(-1)
        sign = -1 if self.inverse else 1
        return _rank(sign * share, -sign * distance)


def _rank(first: Tensor, second: Tensor) -> Tensor:
    """(b, n) float32 minus the rank by `first`, then by `second`, then by the lower index."""
    # Stable sorts, the less important key first.
    by_second = second.argsort(dim=1, descending=True, stable=True)
    by_first = first.gather(1, by_second).argsort(dim=1, descending=True, stable=True)
    return -by_second.gather(1, by_first).argsort(1).float()
