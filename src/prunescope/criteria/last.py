"""Criterion that keeps the bottom visual tokens of each view."""

from dataclasses import dataclass
from typing import ClassVar

from torch import BoolTensor

from prunescope.criteria.base import Selection
from prunescope.criteria.raster_run import Run, index_in_view


@dataclass(frozen=True)
class Last(Run):
    """Keep the last `n - int(n * (1 - fraction))` tokens of each view's raster of n.

    The "last p %" control in the code of FEATHER (arXiv 2412.13180): the kept set of a score that
    depends only on the distance from the text. A view is an image or a tile of one.
    """

    name: ClassVar[str] = "last"

    def members(self, selection: Selection) -> BoolTensor:
        return index_in_view(selection) >= self.outside(selection)
