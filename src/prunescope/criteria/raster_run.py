"""Base of criteria that keep the beginning or the end of the raster."""

from dataclasses import dataclass

from torch import LongTensor

from prunescope.criteria.base import Selection, SetCriterion
from prunescope.errors import InputError


@dataclass(frozen=True)
class Run(SetCriterion):
    """Keep a run of `n - int(n * (1 - fraction))` tokens of each view with n tokens.

    The count is rounded up; a stage with a score rounds down. For a quarter of 729 tokens, a run
    has 183 and a score keeps 182.
    """

    fraction: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.fraction <= 1:
            raise InputError(f"fraction must lie in (0, 1], got {self.fraction}")

    def outside(self, selection: Selection) -> LongTensor:
        """(b, n) number of tokens outside the run, in the view of each token."""
        # In float64, the arithmetic of Python's floats.
        return (selection.shape.prod(-1).double() * (1 - self.fraction)).long()


def index_in_view(selection: Selection) -> LongTensor:
    """(b, n) raster index of each token in its own view."""
    return selection.place[..., 0] * selection.shape[..., 1] + selection.place[..., 1]
