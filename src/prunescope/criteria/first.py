"""Criterion that keeps the top visual tokens of each view."""

from dataclasses import dataclass
from typing import ClassVar

from torch import BoolTensor

from prunescope.criteria.base import Selection
from prunescope.criteria.raster_run import Run, index_in_view


@dataclass(frozen=True)
class First(Run):
    """Keep the first `n - int(n * (1 - fraction))` tokens of each view's raster of n.

    A control, the mirror image of `last`: it shows whether the bottom of images is worth more than
    their top.
    """

    name: ClassVar[str] = "first"

    def members(self, selection: Selection) -> BoolTensor:
        size = selection.shape.prod(-1)
        return index_in_view(selection) < size - self.outside(selection)
