"""The bottom of the image and nothing else."""

from dataclasses import dataclass
from typing import ClassVar

from torch import BoolTensor

from prunescope.criteria.base import Selection, SetCriterion
from prunescope.errors import InputError


@dataclass(frozen=True)
class Last(SetCriterion):
    """Keep the last `n - int(n * (1 - fraction))` tokens of the raster of n.

    The "last p %" control in the code of FEATHER (arXiv 2412.13180); because of the floor it
    keeps 183 of 729 tokens at a quarter, one more than a score that removes three quarters.
    """

    name: ClassVar[str] = "last"

    fraction: float

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise InputError(f"fraction must lie in (0, 1], got {self.fraction}")

    def members(self, selection: Selection) -> BoolTensor:
        rows, columns = selection.grid
        return selection.raster >= int(rows * columns * (1 - self.fraction))
