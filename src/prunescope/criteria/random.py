"""Criterion that keeps random tokens, the control of every score."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from prunescope.criteria.base import Selection
from prunescope.criteria.drawing import Drawing


@dataclass(frozen=True)
class Random(Drawing):
    """Score every token by a uniform random number; later stages keep subsets of earlier ones."""

    name: ClassVar[str] = "random"

    def score(self, selection: Selection) -> Tensor:
        return self.draw(selection)
