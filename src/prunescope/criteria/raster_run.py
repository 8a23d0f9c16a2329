"""A run of the raster, at its beginning or its end."""

from dataclasses import dataclass

from torch import LongTensor

from prunescope.criteria.base import Selection, SetCriterion
from prunescope.errors import InputError


@dataclass(frozen=True)
class Run(SetCriterion):
    """Of each view with n tokens, a run of `n - int(n * (1 - fraction))`.

    Because of the floor that is one token more than a score that removes `1 - fraction` may keep:
    183 of 729 at a quarter.
    """

    fraction: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.fraction <= 1:
            raise InputError(f"fraction must lie in (0, 1], got {self.fraction}")

    def outside(self, selection: Selection) -> LongTensor:
        """(b, n) how many tokens of a token's view are not in the run."""
        # In float64, as Python counts
        return (selection.shape.prod(-1).double() * (1 - self.fraction)).long()


def index_in_view(selection: Selection) -> LongTensor:
    """(b, n) raster index of each token in its own view."""
    return selection.place[..., 0] * selection.shape[..., 1] + selection.place[..., 1]
