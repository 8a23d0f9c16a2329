"""The middle of each view first."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from prunescope.criteria.base import Criterion, Selection


@dataclass(frozen=True)
class Centre(Criterion):
    """Score every token by its closeness to the centre of its view.

    A control for what photographers do: the subject is often in the middle. Minus the Euclidean
    distance from the centre in half heights and half widths of the view, so that a wide view
    keeps a wide middle. place, shape (b, n, 2) -> scores (b, n).
    """

    name: ClassVar[str] = "centre"

    def score(self, selection: Selection) -> Tensor:
        # Whole numbers up to the division: tokens across from each other tie exactly.
        doubled = 2 * selection.place + 1 - selection.shape
        return -(doubled / selection.shape).square().sum(-1).sqrt()
