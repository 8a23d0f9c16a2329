"""Criterion that keeps tokens near the middle of each view."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from prunescope.criteria.base import Criterion, Selection


@dataclass(frozen=True)
class Centre(Criterion):
    """Score every token by its closeness to the centre of its view.

    A control: photographers put the subject in the middle. The score (b, n) is minus the Euclidean
    distance from the centre, in half heights and half widths of the view, so that a wide view
    keeps a wide middle.
    """

    name: ClassVar[str] = "centre"

    def score(self, selection: Selection) -> Tensor:
        # Whole numbers up to the division, so that opposite tokens tie exactly.
        doubled = 2 * selection.place + 1 - selection.shape
        return -(doubled / selection.shape).square().sum(-1).sqrt()
